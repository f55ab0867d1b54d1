"""What a run had finished, as its log says; for runs whose process is gone."""

from workflows.runs.history import History
from workflows.runs.log import EventLog


async def finished_stages(log: EventLog, run_id: str) -> dict[str, object]:
    """Output of every stage that was finished, by stage; of its newest round.

    Raises:
        workflows.runs.errors.LogUnavailable: The log cannot be read.
    """
    return dict((await History.read(log, run_id)).finished)
