"""Somewhere to keep runs, for the tests of logs: a data directory, or memory. Each log opened on it is one process."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from tests.fakes.event_log import MemoryEventLog, MemoryStore
from workflows.runs.events import AgentEvent, RunEvent, TokenStream, WorkflowCompleted
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.run import Run
from workflows.runs.sqlite.log import SqliteEventLog

OpenLog: TypeAlias = Callable[[], Awaitable[EventLog]]
"""Opens one more log on the same storage; all of them are closed at the end."""

QUIET_SECONDS = 0.1
"""After how much silence watchers get an empty batch in tests."""


@asynccontextmanager
async def storage(kind: str) -> AsyncGenerator[OpenLog, None]:
    """A new storage.

    Args:
        kind: `sqlite` or `memory`.
    """
    logs: list[EventLog] = []
    store = MemoryStore()
    with TemporaryDirectory() as directory:

        async def open_log() -> EventLog:
            if kind == "memory":
                log: EventLog = MemoryEventLog(store, quiet_seconds=QUIET_SECONDS)
            else:
                log = await SqliteEventLog.start(Path(directory), quiet_seconds=QUIET_SECONDS)
            logs.append(log)
            return log

        try:
            yield open_log
        finally:
            for log in logs:
                await log.close()


def a_run(run_id: str = "run-1", key: str = "", owner: str = "ann", **fields: str) -> Run:
    return Run(
        **{"workflow": "ask", "workspace": "/srv/project", **fields},  # pyright: ignore[reportArgumentType] - all are texts
        run_id=run_id,
        input={"question": "why?"},
        owner=owner,
        key=key,
    )


async def opened(log: EventLog, run_id: str = "run-1", process: str = "here") -> RunWriter:
    """The writer of a new run."""
    await log.create(a_run(run_id))
    return await log.open(run_id, process)


def say(writer: RunWriter, text: str) -> RunEvent:
    return writer.append(TokenStream(agent="coder", channel="text", text=text), message=text, progress=1.0)


def find_out(writer: RunWriter, text: str) -> RunEvent:
    body = AgentEvent(agent="coder", event_type="result", details={"text": text})
    return writer.append(body, message=text, progress=1.0)


def end(writer: RunWriter) -> RunEvent:
    body = WorkflowCompleted(
        final_response="because", result={"answer": "because"}, usage={}, seconds=1.0, tool_calls=0, steps=0
    )
    return writer.append(body, message="done", progress=100.0)


def texts(events: Sequence[RunEvent]) -> list[str]:
    """Their messages."""
    return [event.message for event in events]


async def watched(log: EventLog, run_id: str = "run-1", after: int = 0) -> list[RunEvent]:
    """Everything a watcher sees, to the run's end."""
    return [event async for events in log.watch(run_id, after) for event in events]
