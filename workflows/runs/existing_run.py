"""A run that is there, or the error that says it is not."""

from workflows.runs.errors import RunNotFound
from workflows.runs.log import EventLog
from workflows.runs.run import Run


async def existing_run(log: EventLog, run_id: str) -> Run:
    """A run by its id.

    Raises:
        RunNotFound: There is none.
        workflows.runs.errors.LogUnavailable: The log cannot be read.
    """
    run = await log.get(run_id)
    if run is None:
        raise RunNotFound(f"There is no run {run_id!r}.", recovery=("list_runs shows the runs there are",))
    return run
