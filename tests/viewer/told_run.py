"""A run that does what the test says, event by event, in a process that the server under test is not."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_server.owner import OWNER
from workflows.runs.events import EventBody, StageInfo, WorkflowStarted
from workflows.runs.log import Artifact, EventLog, RunWriter
from workflows.runs.message import describe
from workflows.runs.process_lock import ProcessLock
from workflows.runs.run import Run
from workflows.runs.run_key import new_run_id
from workflows.runs.sqlite.log import SqliteEventLog

WORKSPACE = "/home/somebody/exporter"
STAGES = (
    StageInfo(name="research", title="Research"),
    StageInfo(name="codesmith", title="Code and tests"),
    StageInfo(name="reviewfix", title="Review and fixes"),
)


@dataclass(slots=True)
class ToldRun:
    """A run whose every event the test says.

    Attributes:
        run_id: Its id.
        writer: Its only writer.
        progress: How far it is, 0 to 100.
    """

    run_id: str
    writer: RunWriter
    progress: float = 0.0

    async def say(self, *bodies: EventBody, progress: float | None = None) -> None:
        """Add events, and return when they are durable."""
        self.progress = self.progress if progress is None else progress
        for body in bodies:
            self.writer.append(body, message=describe(body, workspace=WORKSPACE), progress=self.progress)
        await self.writer.flush()

    def made(self, name: str, media_type: str, text: str) -> None:
        """Keep an artifact; it is durable with the next event."""
        self.writer.save_artifact(Artifact(name=name, media_type=media_type, body=text.encode()))


@dataclass(frozen=True, slots=True)
class Teller:
    """A process that has runs.

    Attributes:
        log: Where they are kept.
        process: Its token.
    """

    log: EventLog
    process: str

    async def run(
        self, task: str = "Add a --json flag to the report command", workflow: str = "build_feature"
    ) -> ToldRun:
        """A new run that has begun."""
        asked = {"task": task}
        run = Run(run_id=new_run_id(), workflow=workflow, input=asked, workspace=WORKSPACE, owner=OWNER, key="")
        await self.log.create(run)
        told = ToldRun(run.run_id, await self.log.open(run.run_id, self.process))
        await told.say(WorkflowStarted(workflow=workflow, input=asked, stages=STAGES, offline=False))
        return told


@asynccontextmanager
async def teller_at(home: Path) -> AsyncGenerator[Teller, None]:
    """A process on a data directory, as alive as this test.

    Args:
        home: The data directory.
    """
    with ProcessLock(home / "processes") as lock:
        log = await SqliteEventLog.start(home)
        try:
            yield Teller(log, lock.token)
        finally:
            await log.close()
