"""The tools about runs: list them, look at one, end one."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal, TypeAlias, cast, get_args

import anyio
from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, field_validator

from mcp_server.assembly import Assembly
from mcp_server.eras import RequestContext, client_name
from mcp_server.failures import failure_text, validated
from mcp_server.own_runs import own_run, own_run_in_the_log
from mcp_server.owner import owner_of_call
from mcp_server.progress_lines import Weight, weigh
from mcp_server.results import ArtifactLink, ResultError, ResultUsage, fitted, result_json
from workflows.runs.events import RunEvent
from workflows.runs.run import Run, RunFilter, RunStatus
from workflows.runs.timestamps import in_utc

MOST_EVENTS = 40
"""Lines one answer of get_run holds."""
_LONGEST_AGE_HOURS = 24 * 365 * 100
_PAGE = 500
"""Events read at once."""


class ListRuns(BaseModel):
    """Arguments of list_runs."""

    model_config = ConfigDict(extra="forbid")

    status: list[RunStatus] | None = Field(default=None, description="Only runs in one of these states.")
    workflow: str | None = Field(default=None, description="Only runs of this workflow.")
    workspace: str | None = Field(
        default=None, description="Only runs in this directory: absolute, or relative to the server's first root."
    )
    max_age_hours: float | None = Field(default=None, gt=0, description="Only runs started within this many hours.")
    limit: int = Field(default=20, ge=1, le=100, description="How many at most, newest first.")
    before: str | None = Field(default=None, description="Only runs created before this time; for the next page.")

    @field_validator("before")
    @classmethod
    def _is_a_time(cls, value: str | None) -> str | None:
        return None if value is None else in_utc(value)  # its ValueError says what is wrong


class GetRun(BaseModel):
    """Arguments of get_run."""

    model_config = ConfigDict(extra="forbid")

    run_id: str = Field(description="The run.")
    wait_seconds: float = Field(
        default=0, ge=0, le=55, description="Wait up to this long until something worth telling has happened."
    )
    after: int = Field(default=0, ge=0, le=2**53, description="Tell only what came after this event number.")


class CancelRun(BaseModel):
    """Arguments of cancel_run."""

    model_config = ConfigDict(extra="forbid")

    run_id: str = Field(description="The run.")
    reason: str = Field(default="", max_length=500, description="Why; kept with the run.")


class RunSummary(BaseModel):
    """A run in a list."""

    run_id: str
    workflow: str
    status: RunStatus
    progress: float = Field(description="0 to 100.")
    message: str = Field(description="The newest line.")
    workspace: str
    created_at: str
    ended_at: str | None
    cost_usd: float | None


class RunList(BaseModel):
    """Result of list_runs."""

    runs: list[RunSummary]
    next_before: str | None = Field(description="Give this as `before` for older ones; null if there are none.")


class RunLine(BaseModel):
    """One thing that happened."""

    seq: int
    time: str
    type: str
    message: str


class RunReport(BaseModel):
    """Result of get_run and cancel_run: the run as its own tool would return it, and what happened lately."""

    summary: str
    run_id: str
    status: RunStatus
    offline: bool
    branch: str
    workflow: str
    progress: float
    result: dict[str, object] | None
    artifacts: list[ArtifactLink]
    usage: ResultUsage
    error: ResultError | None
    shortened: list[str]
    events: list[RunLine] = Field(description="The newest telling events after `after`, oldest first.")
    last_seq: int = Field(description="Give this as `after` next time.")


RunToolName: TypeAlias = Literal["list_runs", "get_run", "cancel_run"]

_NAMES = frozenset(get_args(RunToolName))


@cache
def _definitions() -> Mapping[RunToolName, Tool]:
    """Made when somebody asks for them: schemas take a while."""
    return {
        "list_runs": Tool(
            name="list_runs",
            title="List runs",
            description="List the runs of all workflows, newest first, with status and progress.",
            input_schema=ListRuns.model_json_schema(),
            output_schema=RunList.model_json_schema(mode="serialization"),
            annotations=ToolAnnotations(title="List runs", read_only_hint=True, open_world_hint=False),
        ),
        "get_run": Tool(
            name="get_run",
            title="Look at a run",
            description=(
                "Look at a run: status, progress, what happened lately, and its result once it is over. With "
                "wait_seconds it answers as soon as something worth telling has happened; pass last_seq back as "
                "`after`."
            ),
            input_schema=GetRun.model_json_schema(),
            output_schema=RunReport.model_json_schema(mode="serialization"),
            annotations=ToolAnnotations(title="Look at a run", read_only_hint=True, open_world_hint=False),
        ),
        "cancel_run": Tool(
            name="cancel_run",
            title="Cancel a run",
            description="End a run and everything it started. Repeating it, or cancelling an ended run, changes "
            "nothing.",
            input_schema=CancelRun.model_json_schema(),
            output_schema=RunReport.model_json_schema(mode="serialization"),
            annotations=ToolAnnotations(
                title="Cancel a run",
                read_only_hint=False,
                destructive_hint=True,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        ),
    }


class RunTools:
    """Answers calls of the tools about runs.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    @staticmethod
    def definitions() -> list[Tool]:
        """The tools as clients list them."""
        return list(_definitions().values())

    @staticmethod
    def named(name: str) -> RunToolName | None:
        """The tool of this name, if it is one of these."""
        return cast("RunToolName", name) if name in _NAMES else None

    async def call(self, name: RunToolName, arguments: dict[str, object], ctx: RequestContext) -> CallToolResult:
        """Answer a call.

        Raises:
            workflows.runs.errors.RunError: An argument cannot be used, or there is no such run.
        """
        match name:
            case "list_runs":
                return await self._list(validated(ListRuns, arguments), owner_of_call(ctx))
            case "get_run":
                return await self._get(validated(GetRun, arguments), ctx)
            case "cancel_run":
                return await self._cancel(validated(CancelRun, arguments), ctx)

    async def _list(self, asked: ListRuns, owner: str) -> CallToolResult:
        await self._assembly.engine.reconcile_all()  # a run whose server died is told as what it is
        found = await self._assembly.log.find(
            RunFilter(
                owner=owner,
                statuses=frozenset(asked.status) if asked.status else None,
                workflow=asked.workflow,
                workspace=None if asked.workspace is None else self._assembly.workspaces.resolved(asked.workspace),
                limit=asked.limit,
                before=asked.before,
                since=_since(asked.max_age_hours),
            )
        )
        more = found[-1].created_at if len(found) == asked.limit else None
        listed = RunList(runs=[_summary(run) for run in found], next_before=more)
        text = "\n".join(
            f"{run.run_id} {run.status} {run.progress:.0f} % {run.workflow}: {run.message}" for run in found
        )
        return _answer(listed, text or "There are no such runs.")

    async def _get(self, asked: GetRun, ctx: RequestContext) -> CallToolResult:
        owner = owner_of_call(ctx)
        run = await own_run(self._assembly, asked.run_id, owner)
        events = await self._telling(run, asked.after)
        if not events and run.active and asked.wait_seconds:
            await self._wait(run, self._assembly.patience.answer_by(client_name(ctx), asked.wait_seconds))
            run = await own_run(self._assembly, asked.run_id, owner)
            events = await self._telling(run, asked.after)
        return await self._report(run, events)

    async def _cancel(self, asked: CancelRun, ctx: RequestContext) -> CallToolResult:
        await own_run_in_the_log(self._assembly, asked.run_id, owner_of_call(ctx))
        run = await self._assembly.engine.cancel(asked.run_id, by=client_name(ctx), reason=asked.reason)
        return await self._report(run, await self._telling(run, max(0, run.last_seq - MOST_EVENTS)))

    async def _telling(self, run: Run, after: int) -> list[RunEvent]:
        """The newest telling events, up to where the run's row is: an answer tells of one moment."""
        telling: list[RunEvent] = []
        while page := await self._assembly.log.read(run.run_id, after, max(0, min(_PAGE, run.last_seq - after))):
            telling = [*telling, *(event for event in page if weigh(event.body) is Weight.TELLING)][-MOST_EVENTS:]
            after = page[-1].seq
        return telling

    async def _wait(self, run: Run, until: float) -> None:
        with self._assembly.waiters.attached(run.run_id), anyio.CancelScope(deadline=until):
            async with aclosing(self._assembly.engine.follow(run.run_id, run.last_seq)) as batches:
                async for events in batches:
                    if any(weigh(event.body) is Weight.TELLING for event in events):
                        return

    async def _report(self, run: Run, events: Sequence[RunEvent]) -> CallToolResult:
        lines = [RunLine(seq=event.seq, time=event.time, type=event.type, message=event.message) for event in events]
        whole = {
            **result_json(run, await self._assembly.log.artifacts(run.run_id)),
            "workflow": run.workflow,
            "progress": run.progress,
            "events": [line.model_dump() for line in lines],
            "last_seq": run.last_seq,
        }
        report = RunReport.model_validate(fitted(whole))
        ended_badly = run.status in {"failed", "cancelled", "interrupted"}
        return _answer(report, failure_text(run) if ended_badly else report.summary)


def _since(max_age_hours: float | None) -> str | None:
    if max_age_hours is None:
        return None
    oldest = datetime.now(UTC) - timedelta(hours=min(max_age_hours, _LONGEST_AGE_HOURS))
    return oldest.isoformat(timespec="milliseconds")


def _summary(run: Run) -> RunSummary:
    return RunSummary(
        run_id=run.run_id,
        workflow=run.workflow,
        status=run.status,
        progress=run.progress,
        message=run.message,
        workspace=run.workspace,
        created_at=run.created_at,
        ended_at=run.ended_at or None,
        cost_usd=run.usage.cost_usd,
    )


def _answer(answer: BaseModel, text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], structured_content=answer.model_dump(mode="json"))
