"""Runs that are there."""

from workflows.runs.errors import RunNotFound
from workflows.runs.log import EventLog
from workflows.runs.run import ACTIVE_STATUSES, Run, RunFilter

_LOOKED_THROUGH = 1000


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


async def active_run_like(log: EventLog, wanted: Run) -> Run | None:
    """The active run of the same request as a run that is not stored, or None; of the newest 1,000 of its workflow.

    Raises:
        workflows.runs.errors.LogUnavailable: The log cannot be read.
    """
    like = RunFilter(owner=wanted.owner, workflow=wanted.workflow, statuses=ACTIVE_STATUSES, limit=_LOOKED_THROUGH)
    return next((run for run in await log.find(like) if run.key == wanted.key), None)
