"""Ends runs on somebody's word, in whichever process they live, or in none."""

import asyncio
import logging
from contextlib import aclosing

from workflows.runs.errors import NotEndedYet, RunError
from workflows.runs.existing_run import existing_run
from workflows.runs.jobs_at_work import JobsAtWork
from workflows.runs.liveness import Liveness
from workflows.runs.log import EventLog
from workflows.runs.open_gates import let_go
from workflows.runs.outcome import Stop
from workflows.runs.run import CancelRequest, Run
from workflows.runs.upkeep import Upkeep

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 15.0
"""How long a cancel waits for the run's end."""


class Cancellation:
    """Cancels runs.

    Args:
        log: Where runs are kept.
        token: This process, as the log names it.
        jobs: What is at work in it.
        upkeep: Ends the runs that nobody works on.
        liveness: Tells how runs stand.
    """

    def __init__(self, log: EventLog, token: str, jobs: JobsAtWork, upkeep: Upkeep, liveness: Liveness) -> None:
        self._log = log
        self._token = token
        self._jobs = jobs
        self._upkeep = upkeep
        self._liveness = liveness

    async def end(self, run_id: str, *, by: str, reason: str) -> Run:
        """End a run; see `Engine.cancel`. It is gone through with also if the caller does not wait for it."""
        stop = Stop("cancelled", by, reason)
        if (job := self._jobs.get(run_id)) is not None:
            job.stop(stop)  # before any wait in which the caller itself could be cancelled
        ending = asyncio.create_task(self._ended(run_id, stop), name=f"cancel {run_id}")
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                return await asyncio.shield(ending)
        except TimeoutError as error:
            raise await self._not_ended_yet(run_id) from error
        finally:
            if not ending.done():
                self._jobs.spawn(_gone_through(run_id, ending))

    async def _ended(self, run_id: str, stop: Stop) -> Run:
        """The run once it has ended. It may park, be lost, or be gone on with by others meanwhile: then once more.

        Raises:
            TimeoutError: Whoever works on it has not ended it in time.
        """
        deadline = asyncio.get_running_loop().time() + CANCEL_SECONDS
        while True:
            async with asyncio.timeout_at(deadline):
                if (job := self._jobs.get(run_id)) is not None:
                    job.stop(stop)
                    await job.done.wait()
                run = await self._liveness.standing(run_id)
                if run.can_park:
                    run = await self._liveness.once(run, let_go)
                if run.ended or self._jobs.closed:
                    return run
                idle = run.parked or not run.active
                if not idle:
                    await self._ask_its_process(run, stop)
            if idle:  # what it has changed is put away, which takes its time, and is not left half done
                await self._end_idle(run, stop)

    async def _end_idle(self, run: Run, stop: Stop) -> None:
        with self._jobs.beginning(run.run_id):
            if await self._log.claim(run.run_id, self._token):
                await self._upkeep.cancel_idle(run, stop.by, stop.reason)

    async def _ask_its_process(self, run: Run, stop: Stop) -> None:
        """Leave word for the process that works on a run, and wait until it does so no longer."""
        await self._log.request_cancel(run.run_id, CancelRequest(by=stop.by, reason=stop.reason))
        async with aclosing(self._log.watch(run.run_id, run.last_seq)) as batches:
            async for events in batches:
                if events:
                    continue
                now = await self._liveness.standing(run.run_id)
                if now.process != run.process or not now.active:
                    return

    async def _not_ended_yet(self, run_id: str) -> NotEndedYet:
        run = await existing_run(self._log, run_id)
        process, _, _ = run.process.partition("-")
        return NotEndedYet(
            f"Run {run_id} was asked to end, and has not ended yet after {CANCEL_SECONDS:g} s.",
            recovery=(
                f"Ask again in a moment: get_run with run_id {run_id}",
                f"If it stays, its server does not answer: end process {process}; the run is then interrupted",
            ),
        )


async def _gone_through(run_id: str, ending: "asyncio.Task[Run]") -> None:
    try:
        await ending
    except TimeoutError:
        logger.error("run %s: it was cancelled, and has not ended after %g s", run_id, CANCEL_SECONDS)
    except RunError as error:
        logger.error("run %s: it was cancelled, and has not ended: %s", run_id, error.message)
