"""How long a run was at work: the time between its events, but for waits for a person, and while nobody worked.

It waits for a person as long as one of its questions is open, also where another of its agents works meanwhile; so does
its status.
"""

from dataclasses import dataclass
from datetime import datetime

from workflows.runs.events import (
    EventBody,
    GateAnswered,
    GateOpened,
    Heartbeat,
    RunEvent,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowError,
    WorkflowResumed,
    WorkflowStarted,
)

_BEGINNINGS = frozenset[type[EventBody]]({WorkflowStarted, WorkflowResumed})
_TURNS = _BEGINNINGS | {GateOpened, GateAnswered, Heartbeat, WorkflowCompleted, WorkflowError, WorkflowCancelled}
"""What a stretch of work can begin or end with."""
_BEFORE_WORK = frozenset({"slot", "start"})
"""What the heartbeats of a job wait for before its graph has begun: a place among the runs at work, its workflow."""


def seconds_at_work(since: str, event: RunEvent, *, waits: bool) -> float:
    """How long a run was at work between two of its events.

    Args:
        since: When the event before was (ISO 8601); empty if there was none.
        event: The later one.
        waits: Whether a question to a person was open then.
    """
    if not since or since == event.time or waits or _nobody_worked_until(event.body):
        return 0.0
    return _seconds_between(since, event.time)


@dataclass(slots=True)
class TimeAtWork:
    """A fold over a run's events: the sum of `seconds_at_work`, reckoned where a stretch of work ends.

    Most events end none, and every one of them is asked as it is written.
    """

    _settled: float = 0.0
    """Seconds of the stretches that are over."""
    _began: str = ""
    """When the stretch that goes on began; empty before the first event."""
    _newest: str = ""
    _asked: frozenset[str] = frozenset()
    """As the gates of the run's row: questions that are open, and that somebody waits for."""

    @property
    def seconds(self) -> float:
        """How long the run was at work until the newest event."""
        return self.until(self._newest)

    def until(self, moment: str) -> float:
        """How long it will have been at work when something happens next, at a moment (ISO 8601), that ends no wait."""
        if self._asked or not self._began:
            return self._settled
        return self._settled + _seconds_between(self._began, max(moment, self._newest))

    def take(self, event: RunEvent) -> None:
        """Add the next event."""
        if type(event.body) in _TURNS or event.time < self._newest:  # a clock that was put back is no negative work
            self._turn(event)
        elif not self._began:
            self._began = event.time
        self._newest = event.time

    def _turn(self, event: RunEvent) -> None:
        nobody_worked = not self._newest or _nobody_worked_until(event.body) or event.time < self._newest
        self._settled = self.until(self._newest if nobody_worked else event.time)
        self._began = event.time
        match event.body:
            case GateOpened(gate_id=gate_id):
                self._asked |= {gate_id}
            case GateAnswered(gate_id=gate_id):
                self._asked -= {gate_id}
            case WorkflowResumed() | WorkflowCompleted() | WorkflowError() | WorkflowCancelled():
                self._asked = frozenset()
            case _:
                pass


def _seconds_between(since: str, moment: str) -> float:
    passed = datetime.fromisoformat(moment) - datetime.fromisoformat(since)
    return max(0.0, passed.total_seconds())


def _nobody_worked_until(body: EventBody) -> bool:
    return type(body) in _BEGINNINGS or (
        isinstance(body, Heartbeat) and body.waiting_for in _BEFORE_WORK  # a job's first word, before it has resumed
    )
