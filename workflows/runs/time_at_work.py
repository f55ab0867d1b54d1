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
    """A fold over a run's events.

    Attributes:
        seconds: How long the run was at work until the newest of them.
    """

    seconds: float = 0.0
    _since: str = ""
    _asked: frozenset[str] = frozenset()
    """As the gates of the run's row: questions that are open, and that somebody waits for."""

    def take(self, event: RunEvent) -> None:
        """Add the next event."""
        self.seconds += seconds_at_work(self._since, event, waits=bool(self._asked))
        self._since = event.time
        match event.body:
            case GateOpened(gate_id=gate_id):
                self._asked |= {gate_id}
            case GateAnswered(gate_id=gate_id):
                self._asked -= {gate_id}
            case WorkflowResumed() | WorkflowCompleted() | WorkflowError() | WorkflowCancelled():
                self._asked = frozenset()
            case _:
                pass

    def until(self, moment: str) -> float:
        """How long it will have been at work when something happens next, at a moment (ISO 8601), that ends no wait."""
        return self.seconds if self._asked or not self._since else self.seconds + _seconds_between(self._since, moment)


def _seconds_between(since: str, moment: str) -> float:
    passed = datetime.fromisoformat(moment) - datetime.fromisoformat(since)
    return max(0.0, passed.total_seconds())


def _nobody_worked_until(body: EventBody) -> bool:
    return type(body) in _BEGINNINGS or (
        isinstance(body, Heartbeat) and body.waiting_for in _BEFORE_WORK  # a job's first word, before it has resumed
    )
