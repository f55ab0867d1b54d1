"""How long a run was at work: the time between its events, but for waits for a person, and while nobody worked.

It waits for a person as long as one of its questions is open, also where another of its agents works meanwhile; so does
its status.
"""

from datetime import datetime

from workflows.runs.events import EventBody, Heartbeat, RunEvent, WorkflowResumed, WorkflowStarted

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
    passed = datetime.fromisoformat(event.time) - datetime.fromisoformat(since)
    return max(0.0, passed.total_seconds())


def _nobody_worked_until(body: EventBody) -> bool:
    return type(body) in _BEGINNINGS or (
        isinstance(body, Heartbeat) and body.waiting_for in _BEFORE_WORK  # a job's first word, before it has resumed
    )
