"""Which runs are really at work: what the log says of a run outlives the process that worked on it."""

import asyncio
import time
from collections.abc import Callable

from workflows.runs.existing_run import existing_run
from workflows.runs.jobs_at_work import JobsAtWork
from workflows.runs.log import EventLog
from workflows.runs.process_lock import ProcessLock
from workflows.runs.release import release
from workflows.runs.run import ACTIVE_STATUSES, Run, RunFilter

PATIENCE_SECONDS = 3.0
"""How long an action waits for the process that works on a run to do its part: to let go of it, to take an answer."""
LOOK_SECONDS = 0.025
"""How often it looks."""
_PAGE = 200


class Liveness:
    """Tells how runs stand. Nothing here has a run go on: looking costs nobody money.

    Args:
        log: Where runs are kept.
        lock: Says which processes live.
        jobs: What is at work in this one.
    """

    def __init__(self, log: EventLog, lock: ProcessLock, jobs: JobsAtWork) -> None:
        self._log = log
        self._lock = lock
        self._jobs = jobs
        self._releasing = asyncio.Lock()

    async def released(self, run: Run) -> Run:
        """The run as it is: one whose process has died is marked as interrupted, or as parked, and returned so.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot be read or written.
        """
        if not self._is_lost(run):
            return run
        await self._release(run.run_id)
        return await existing_run(self._log, run.run_id)

    async def release_all(self) -> None:
        """Mark every run whose process has died; raises as `released`."""
        before: str | None = None
        while True:
            page = await self._log.find(RunFilter(statuses=ACTIVE_STATUSES, limit=_PAGE, before=before))
            for run in filter(self._is_lost, page):
                await self._release(run.run_id)
            if len(page) < _PAGE:
                return
            before = page[-1].created_at

    async def standing(self, run_id: str) -> Run:
        """A run of that id, as it is.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
            workflows.runs.errors.LogUnavailable: It has ended, and the log cannot take its end; or as in `released`.
        """
        job = self._jobs.get(run_id)
        run = await existing_run(self._log, run_id)
        if run.active and job is not None and job.unwritten is not None:
            raise job.unwritten
        return await self.released(run)

    async def once(self, run: Run, fits: Callable[[Run], bool]) -> Run:
        """A run once it is as wanted, or as it is after `PATIENCE_SECONDS`; raises as `released`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not fits(run) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            run = await self.released(await existing_run(self._log, run.run_id))
        return run

    async def _release(self, run_id: str) -> None:
        async with self._releasing:  # who looks at the same time must not let go of what the first one goes on with
            run = await existing_run(self._log, run_id)
            if self._is_lost(run):
                await release(self._log, run_id, run.process)

    def _is_lost(self, run: Run) -> bool:
        if not run.active or not run.process:
            return False
        return not (self._jobs.has(run.run_id) if run.process == self._lock.token else self._lock.alive(run.process))
