"""One engine on a real log, with agents that do what a test wants."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import anyio
import anyio.lowlevel

from agents.agent import AgentReply, AgentTask
from agents.command_runner import CommandRunner
from agents.events import Emit, TextStreamed, Thought, UsageReported
from agents.processes.registry import ProcessRegistry
from tests.fakes.agent import FakeAgent
from tests.waiting import until_answered
from tests.workflows.runs.small_workflows import Question
from workflows.budget import Limits
from workflows.runs.engine import RunRequest
from workflows.runs.errors import LogUnavailable, WorkflowNotFound
from workflows.runs.events import RunEvent
from workflows.runs.graph_runner import LangGraphRunner
from workflows.runs.local_engine import LocalEngine
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.run import Run, RunFilter, RunOptions
from workflows.runs.sqlite.log import SqliteEventLog
from workflows.runs.worktree_places import WorktreePlaces
from workflows.team import Team
from workflows.workflow import Workflow

WITH_GIT = 20.0
"""Seconds for a run with a work tree of its own, for which git is started dozens of times."""

Act = Callable[[AgentTask, Emit], Awaitable[AgentReply]]


async def answer(task: AgentTask, emit: Emit) -> AgentReply:
    emit(Thought(text="let me see"))
    emit(TextStreamed(text="42"))
    emit(UsageReported(model="m", input_tokens=10, output_tokens=2, cost_usd=0.01))
    return AgentReply(text=f"42 to {task.prompt}")


async def full(*_: object) -> NoReturn:
    """Stands for a function of the log whose disk is full."""
    raise LogUnavailable("The disk is full.")


@dataclass
class Floor:
    """One engine with its log.

    Attributes:
        seconds: How long the end of a run is waited for.
    """

    engine: LocalEngine
    log: SqliteEventLog
    lock: ProcessLock
    workspace: str
    workflows: dict[str, Workflow]
    seconds: float = 5

    async def start(
        self,
        chosen: Workflow,
        question: str = "why",
        *,
        workspace: Path | None = None,
        options: RunOptions | None = None,
        **limits: float,
    ) -> Run:
        request = RunRequest(
            workflow=chosen,
            input=Question(question=question),
            workspace=self.workspace if workspace is None else str(workspace),
            owner="local",
            limits=Limits(**limits),
            options=options or RunOptions(),
        )
        self.workflows[chosen.name] = chosen
        started = await self.engine.start(request)
        return started.run

    async def ended(self, run: Run) -> Run:
        with anyio.fail_after(self.seconds):
            async for _ in self.engine.follow(run.run_id):
                pass
        return await self.get(run)

    async def newest(self, status: str) -> Run:
        """The newest run, once it stands so."""

        async def stands() -> bool:
            return any(run.status == status for run in await self.log.find(newest))

        newest = RunFilter(limit=1)
        await until_answered(stands)
        return (await self.log.find(newest))[0]

    async def get(self, run: Run) -> Run:
        found = await self.log.get(run.run_id)
        assert found is not None
        return found

    async def events(self, run: Run) -> list[RunEvent]:
        return list(await self.log.read(run.run_id, 0, 10_000))


@asynccontextmanager
async def floor(
    directory: Path,
    act: Act,
    *,
    max_runs: int = 4,
    offline: bool = False,
    quiet_seconds: float = 0.1,
    seconds: float = 5,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Floor, None]:
    workflows: dict[str, Workflow] = {}

    def named(name: str) -> Workflow:
        if name not in workflows:
            raise WorkflowNotFound(f"There is no workflow {name!r}.")
        return workflows[name]

    log = await SqliteEventLog.start(directory, quiet_seconds=quiet_seconds)
    with ProcessLock(directory / "processes") as lock:
        children = ProcessRegistry(parent_death_signal=False)
        commands = CommandRunner(children).run
        engine = LocalEngine(
            log=log,
            lock=lock,
            team=Team(default=FakeAgent(act, offline)),
            commands=commands,
            private_directory=directory / "private",
            open_graphs=lambda: LangGraphRunner.open(directory / "checkpoints.sqlite3"),
            redactor=Redactor({"SOME_API_KEY": "this-is-a-secret"}),
            max_runs=max_runs,
            workflow_named=named,
            places=WorktreePlaces(directory / "worktrees", log, commands),
            clock=clock,
        )
        try:
            yield Floor(engine, log, lock, str(directory), workflows, seconds)
        finally:
            await engine.close()
            await log.close()
            await children.close()


class Held:
    """An agent that works until it is released, and knows how its work ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.cleaned_up = 0
        self.begins = anyio.Event()
        self.release = anyio.Event()

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        self.begun += 1
        self.begins.set()
        try:
            await self.release.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()  # a cleanup that has to wait for something
                self.cleaned_up += 1
        return AgentReply(text="released")

    async def until_begun(self, times: int = 1) -> None:
        with anyio.fail_after(5):
            while self.begun < times:
                await self.begins.wait()
                self.begins = anyio.Event()
