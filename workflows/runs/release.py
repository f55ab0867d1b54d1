"""A process lets go of a run that it does not work on any more, or that died with it."""

from workflows.runs.log import EventLog


async def release(log: EventLog, run_id: str, process: str) -> None:
    """Leave a run of a process as it stands: parked if all it does is wait for a person, else interrupted.

    Args:
        log: Where the run is kept.
        run_id: Which.
        process: Whose it was. Nothing happens to a run that is somebody else's by now.

    Raises:
        workflows.runs.errors.LogUnavailable: The log cannot be read or written.
    """
    run = await log.get(run_id)
    if run is not None and run.can_park:
        await log.park(run_id, process)
    else:
        await log.interrupt(run_id, process)
