"""A run as plain lines, for pipes, log files and terminals that can do nothing else."""

from datetime import datetime, timedelta
from types import TracebackType
from typing import Self, TextIO, assert_never

from mcp_server.wording import StandingTracker, progress_line
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    GateAnswered,
    GateOpened,
    Heartbeat,
    ReasoningStepTaken,
    RunEvent,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowError,
    WorkflowEvent,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.plain_text import one_line

_QUIET = timedelta(seconds=25)
"""A heartbeat becomes a line when nothing was written for so long."""


class PlainView:
    """One line per telling event: when, how far, who, what.

    Args:
        stream: Where to; what its encoding cannot say becomes `?`.
        workspace: The run's directory; paths below it are shown relative to it.
    """

    def __init__(self, stream: TextIO, *, workspace: str = "") -> None:
        self._stream = stream
        self._tracker = StandingTracker(workspace)
        self._began: datetime | None = None
        self._last_line: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, event: RunEvent) -> None:
        """Write the event's line, at once, if it is a telling one."""
        standing = self._tracker.take(event)
        now = datetime.fromisoformat(event.time)
        self._began = self._began or now
        if self._is_telling(event.body, now):
            self._last_line = now
            self._write(f"{_clock(now - self._began)} {int(event.progress):3} %  {progress_line(event, standing)}")

    def note(self, text: str) -> None:
        """Write the text as a line."""
        self._write(one_line(text))

    def _is_telling(self, body: EventBody, now: datetime) -> bool:
        match body:
            case TokenStream() | UsageRecorded() | WorkflowEvent():
                return False
            case Heartbeat():
                return self._last_line is None or now - self._last_line >= _QUIET
            case (
                WorkflowStarted()
                | StageStarted()
                | StageCompleted()
                | SupervisorEvent()
                | AgentEvent()
                | ReasoningStepTaken()
                | ToolStart()
                | ToolEnd()
                | GateOpened()
                | GateAnswered()
                | WorkflowResumed()
                | WorkflowCompleted()
                | WorkflowError()
                | WorkflowCancelled()
            ):
                return True
            case _:
                assert_never(body)

    def _write(self, line: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(line.encode(encoding, errors="replace").decode(encoding) + "\n")
        self._stream.flush()


def _clock(elapsed: timedelta) -> str:
    minutes, seconds = divmod(max(0, int(elapsed.total_seconds())), 60)
    return f"{minutes:4}:{seconds:02}"
