"""Which lines a call's progress is made of: events in, lines out, slower than the events and in their order.

No I/O and no clock. Token text is merged into one line that is always the newest; everything telling keeps a line of
its own. Only if the pace falls behind by `MOST_LINES` are lines given up, the least telling and oldest first; their
events are then covered by the line after them, and all of them are in the run's log.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import assert_never

from mcp_server.wording import LONGEST_LINE, StandingTracker, progress_line
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
from workflows.runs.plain_text import shorten
from workflows.runs.run import Run

MOST_LINES = 30
"""How many lines may wait: 3 s at 10 a second."""


class Weight(IntEnum):
    """How much a line has to tell."""

    COVERED = 0  # no line of its own; the next line covers the event
    LIVE = 1  # token text: only the newest counts
    MINOR = 2
    TELLING = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of progress.

    Attributes:
        text: What people see.
        event: The event it stands for.
        first_seq: First event the line covers.
        weight: How much it tells.
    """

    text: str
    event: RunEvent
    first_seq: int
    weight: Weight


class ProgressLines:
    """The lines of one call that wait to be sent.

    Args:
        workspace: Directory to which paths are shown relative.
    """

    def __init__(self, workspace: str = "") -> None:
        self._workspace = workspace
        self._standing = StandingTracker(workspace)
        self._lines: deque[Line] = deque()
        self._next_seq: int | None = None

    def __len__(self) -> int:
        return len(self._lines)

    def begin_in_the_middle(self, run: Run, stages: Sequence[str]) -> None:
        """Learn from a run's row what its earlier events would have told.

        Args:
            run: The run.
            stages: Names of its workflow's stages.
        """
        self._standing = StandingTracker.at(run, stages, self._workspace)

    def recall(self, events: Sequence[RunEvent]) -> None:
        """Learn from events that were before this call, without lines for them."""
        for event in events:
            self._standing.take(event)

    def take(self, event: RunEvent) -> None:
        """Add an event."""
        standing = self._standing.take(event)
        if self._next_seq is None:
            self._next_seq = event.seq
        weight = weigh(event.body)
        if weight is Weight.COVERED:
            return
        if self._lines and self._lines[-1].weight is Weight.LIVE:
            self._next_seq = self._lines.pop().first_seq
        self._lines.append(Line(progress_line(event, standing), event, self._next_seq, weight))
        self._next_seq = event.seq + 1
        if len(self._lines) > MOST_LINES:
            self._give_one_up()

    def introduce(self, words: str) -> None:
        """Put words before the line to send next."""
        if self._lines:
            line = self._lines[0]
            self._lines[0] = replace(line, text=shorten(words + line.text, LONGEST_LINE))

    def pop(self) -> Line:
        """The line to send next."""
        return self._lines.popleft()

    def put_back(self, line: Line) -> None:
        """Take back a line that could not be sent."""
        self._lines.appendleft(line)

    def skip_to_last(self) -> None:
        """Give up all waiting lines but the last, which then covers them."""
        if self._lines:
            first_seq = self._lines[0].first_seq
            last = replace(self._lines[-1], first_seq=first_seq)
            self._lines.clear()
            self._lines.append(last)

    def _give_one_up(self) -> None:
        lightest = min(line.weight for line in list(self._lines)[:-1])
        index = next(i for i, line in enumerate(self._lines) if line.weight == lightest)
        heir = self._lines[index + 1]
        self._lines[index + 1] = replace(heir, first_seq=self._lines[index].first_seq)
        del self._lines[index]


def weigh(body: EventBody) -> Weight:
    """How much an event's line has to tell."""
    match body:
        case UsageRecorded() | WorkflowEvent():
            return Weight.COVERED
        case TokenStream():
            return Weight.LIVE
        case Heartbeat() | ToolEnd() | StageCompleted():
            return Weight.MINOR
        case AgentEvent():
            return Weight.MINOR if body.event_type == "progress" else Weight.TELLING
        case (
            WorkflowStarted()
            | StageStarted()
            | SupervisorEvent()
            | ReasoningStepTaken()
            | ToolStart()
            | GateOpened()
            | GateAnswered()
            | WorkflowResumed()
            | WorkflowCompleted()
            | WorkflowError()
            | WorkflowCancelled()
        ):
            return Weight.TELLING
        case _:
            assert_never(body)
