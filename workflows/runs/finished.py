"""What a run had finished, as its log says; for runs whose process is gone."""

from collections.abc import Mapping

from workflows.runs.events import StageCompleted
from workflows.runs.log import EventLog

_PAGE = 1000


async def finished_stages(log: EventLog, run_id: str) -> dict[str, object]:
    """Output of every stage that was finished, by stage; of its newest round.

    Raises:
        workflows.runs.errors.LogUnavailable: The log cannot be read.
    """
    finished: dict[str, object] = {}
    after = 0
    while events := await log.read(run_id, after, _PAGE):
        for event in events:
            if isinstance(event.body, StageCompleted):
                finished[event.body.stage] = event.body.output
        after = events[-1].seq
    return finished


async def finished_until(log: EventLog, run_id: str, stage: str) -> dict[str, Mapping[str, object]]:
    """Output of every stage that was finished when a stage had ended for the last time, by stage.

    Raises:
        workflows.runs.errors.LogUnavailable: The log cannot be read.
    """
    finished: dict[str, Mapping[str, object]] = {}
    until: dict[str, Mapping[str, object]] = {}
    after = 0
    while events := await log.read(run_id, after, _PAGE):
        for event in events:
            if isinstance(event.body, StageCompleted):
                finished[event.body.stage] = event.body.output
                if event.body.stage == stage:
                    until = dict(finished)
        after = events[-1].seq
    return until
