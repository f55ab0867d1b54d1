"""The tools that go on with a run: resume it, answer it, steer it, begin a new one in its middle, play it again."""

from collections.abc import Mapping
from functools import cache
from typing import Literal, TypeAlias, cast, get_args

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field

from mcp_server.assembly import Assembly
from mcp_server.eras import RequestContext, client_name
from mcp_server.failures import validated
from mcp_server.own_runs import own_run
from mcp_server.owner import owner_of_call
from mcp_server.replay import LONGEST_SPEED, Replay
from mcp_server.results import WorkflowResult
from mcp_server.run_calls import Attendance, CallAnswer, RunCalls
from workflows.runs.events import GateOutcome
from workflows.runs.run import GateReply, Steering

LONGEST_INSTRUCTION = 10_000
"""Characters of an instruction."""

_WAIT = "Answer after this many seconds even if the run is not over; it goes on, and get_run finds it."


class _RunArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    run_id: str = Field(description="The run.")


class ResumeRun(_RunArguments):
    """Arguments of resume_run."""

    wait_seconds: float | None = Field(default=None, ge=0, le=86_400, description=_WAIT)


class AnswerRun(_RunArguments):
    """Arguments of answer_run."""

    answer: object = Field(default=None, description="The answer, as the question's schema wants it.")
    outcome: Literal["accepted", "declined"] = Field(
        default="accepted", description="declined: the user refuses to answer; give no answer then."
    )
    gate_id: str = Field(default="", description="Which question, where several are open.")
    wait_seconds: float | None = Field(default=None, ge=0, le=86_400, description=_WAIT)


class SteerRun(_RunArguments):
    """Arguments of steer_run."""

    text: str = Field(
        min_length=1, max_length=LONGEST_INSTRUCTION, description="What the agents are to do or to mind from now on."
    )


class ForkRun(_RunArguments):
    """Arguments of fork_run."""

    stage: str = Field(description="A stage that run has finished; the new run begins right after it.")
    changes: dict[str, object] = Field(
        default={}, description="Fields of the workflow's input that are to have another value."
    )
    wait_seconds: float | None = Field(default=None, ge=0, le=86_400, description=_WAIT)


class ReplayRun(_RunArguments):
    """Arguments of replay_run."""

    speed: float = Field(
        default=10, gt=0, le=LONGEST_SPEED, description="How many times as fast as it was; pauses are shortened."
    )


class Steered(BaseModel):
    """Result of steer_run."""

    summary: str
    run_id: str
    status: str


RunActionName: TypeAlias = Literal["resume_run", "answer_run", "steer_run", "fork_run", "replay_run"]


def _tool(
    name: RunActionName,
    title: str,
    description: str,
    arguments: type[BaseModel],
    result: type[BaseModel] = WorkflowResult[BaseModel],
    *,
    read_only: bool = False,
) -> Tool:
    return Tool(
        name=name,
        title=title,
        description=description,
        input_schema=arguments.model_json_schema(),
        output_schema=result.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(
            title=title,
            read_only_hint=read_only,
            destructive_hint=not read_only,
            idempotent_hint=read_only,
            open_world_hint=not read_only,
        ),
    )


_NAMES = frozenset(get_args(RunActionName))


@cache
def _definitions() -> Mapping[RunActionName, Tool]:
    """Made when somebody asks for them: schemas take a while."""
    return {
        "resume_run": _tool(
            "resume_run",
            "Resume a run",
            "Go on with a run that was interrupted because its server died. Finished stages are not done again.",
            ResumeRun,
        ),
        "answer_run": _tool(
            "answer_run",
            "Answer a run",
            "Answer the question a run waits with, and follow it on. Only with what the user has said: never decide "
            "for them. get_run shows what is asked.",
            AnswerRun,
        ),
        "steer_run": _tool(
            "steer_run",
            "Steer a run",
            "Add an instruction to a run while it is under way: a supervisor sees it at its next decision, an agent at "
            "its next turn.",
            SteerRun,
            Steered,
        ),
        "fork_run": _tool(
            "fork_run",
            "Fork a run",
            "Start a new run from where another one had finished a stage, with changed input. The other one stays.",
            ForkRun,
        ),
        "replay_run": _tool(
            "replay_run",
            "Replay a run",
            "Play the progress of a run that is over once more, without calling any model, and return its result.",
            ReplayRun,
            read_only=True,
        ),
    }


class RunActions:
    """Answers calls of these tools.

    Args:
        assembly: The server's parts.
        calls: Attends runs for calls.
    """

    def __init__(self, assembly: Assembly, calls: RunCalls) -> None:
        self._assembly = assembly
        self._calls = calls

    @staticmethod
    def definitions() -> list[Tool]:
        """The tools as clients list them."""
        return list(_definitions().values())

    @staticmethod
    def named(name: str) -> RunActionName | None:
        """The tool of this name, if it is one of these."""
        return cast("RunActionName", name) if name in _NAMES else None

    async def call(self, name: RunActionName, arguments: dict[str, object], ctx: RequestContext) -> CallAnswer:
        """Answer a call.

        Raises:
            workflows.runs.errors.RunError: An argument cannot be used, or the run cannot do what is asked.
        """
        match name:
            case "resume_run":
                return await self._resume(validated(ResumeRun, arguments), ctx)
            case "answer_run":
                return await self._answer(validated(AnswerRun, arguments), ctx)
            case "steer_run":
                return await self._steer(validated(SteerRun, arguments), ctx)
            case "fork_run":
                return await self._fork(validated(ForkRun, arguments), ctx)
            case "replay_run":
                return await self._replay(validated(ReplayRun, arguments), ctx)

    async def _resume(self, asked: ResumeRun, ctx: RequestContext) -> CallAnswer:
        before = await own_run(self._assembly, asked.run_id, owner_of_call(ctx))
        run = await self._assembly.engine.resume(asked.run_id, by=client_name(ctx))
        joined = before.status != "interrupted"
        attendance = Attendance(
            after=before.last_seq,
            introduction=f"{'joined' if joined else 'resumed'} run {run.run_id} · ",
            wait_seconds=asked.wait_seconds,
            joined=joined,
        )
        return await self._calls.attend(run, attendance, ctx)

    async def _answer(self, asked: AnswerRun, ctx: RequestContext) -> CallAnswer:
        before = await own_run(self._assembly, asked.run_id, owner_of_call(ctx))
        outcome: GateOutcome = asked.outcome
        answer = asked.answer if outcome == "accepted" else None
        reply = GateReply(gate_id=asked.gate_id, outcome=outcome, answer=answer, by=client_name(ctx))
        run = await self._assembly.engine.answer(asked.run_id, reply)
        attendance = Attendance(after=before.last_seq, wait_seconds=asked.wait_seconds)
        return await self._calls.attend(run, attendance, ctx)

    async def _steer(self, asked: SteerRun, ctx: RequestContext) -> CallToolResult:
        await own_run(self._assembly, asked.run_id, owner_of_call(ctx))
        run = await self._assembly.engine.steer(asked.run_id, Steering(text=asked.text, by=client_name(ctx)))
        when = "when it goes on" if run.status in {"interrupted", "waiting"} else "at their next turn"
        steered = Steered(
            summary=f"The agents of run {run.run_id} are told {when}.", run_id=run.run_id, status=run.status
        )
        return CallToolResult(
            content=[TextContent(text=steered.summary)], structured_content=steered.model_dump(mode="json")
        )

    async def _fork(self, asked: ForkRun, ctx: RequestContext) -> CallAnswer:
        await own_run(self._assembly, asked.run_id, owner_of_call(ctx))
        run = await self._assembly.engine.fork(asked.run_id, asked.stage, asked.changes, owner=owner_of_call(ctx))
        return await self._calls.attend(run, Attendance(wait_seconds=asked.wait_seconds), ctx)

    async def _replay(self, asked: ReplayRun, ctx: RequestContext) -> CallToolResult:
        run = await own_run(self._assembly, asked.run_id, owner_of_call(ctx))
        replay = Replay.of(self._assembly.log, run, asked.speed)
        return await self._calls.replay(run, replay, ctx)
