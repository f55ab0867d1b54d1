"""What other processes want of the runs at work in this one: that they end, that they hear somebody's word.

Requests and words are left in the log, and looked for every quarter of a second while anything runs here. A word is
taken out of the log only for a run that has a job which can hear it, and is put back where that has gone meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import assert_never

from workflows.runs.errors import LogUnavailable, RunError
from workflows.runs.existing_run import existing_run
from workflows.runs.job import Job
from workflows.runs.log import EventLog
from workflows.runs.outcome import Stop
from workflows.runs.run import GateReply, Steering, Word

logger = logging.getLogger(__name__)

ATTEND_SECONDS = 0.25
"""How often requests from other processes are looked for, while anything runs here."""
AGAIN_SECONDS = 1.0
"""Pause between attempts to put a word back while the log cannot be written."""


class Attention:
    """Has the jobs of this process hear what is left for them.

    Args:
        log: Where it is left.
        token: This process, as the log names it.
        jobs: The jobs at work, by run; it changes meanwhile.
        spawn: Does something that must not keep the others waiting.
    """

    def __init__(
        self,
        log: EventLog,
        token: str,
        jobs: Mapping[str, Job],
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self._log = log
        self._token = token
        self._jobs = jobs
        self._spawn = spawn
        self._attending: asyncio.Task[None] | None = None
        self._closed = False

    def pay(self) -> None:
        """Attend to the jobs, until there are none."""
        if self._attending is None or self._attending.done():
            self._attending = asyncio.create_task(self._attend(), name="requests of other processes")
            self._attending.add_done_callback(_tell_failure)

    def close(self) -> None:
        """Attend no more."""
        self._closed = True
        if self._attending is not None:
            self._attending.cancel()

    async def _attend(self) -> None:
        told = ""
        while self._jobs:
            try:
                await self._look()
                told = ""
            except LogUnavailable as error:
                if error.message != told:
                    logger.error("requests of other processes cannot be read: %s", error.message)
                told = error.message
            await asyncio.sleep(ATTEND_SECONDS)

    async def _look(self) -> None:
        for run_id, request in (await self._log.cancel_requests(self._token)).items():
            job = self._jobs.get(run_id)
            if job is not None:
                job.stop(Stop("cancelled", request.by, request.reason))
        for run_id, word in await self._log.take_words(self._token, tuple(self._jobs)):
            self._pass_on(run_id, word)

    def _pass_on(self, run_id: str, word: Word) -> None:
        job = self._jobs.get(run_id)
        try:
            heard = job is not None and job.hear(word)
        except RunError as error:  # it is ending, has lost the run, or waits for the log
            logger.warning("run %s cannot hear what is said to it just now: %s", run_id, error.message)
            heard = False
        if heard:
            return
        match word:
            case Steering():
                self._spawn(self._put_back(run_id, word))
            case GateReply():  # nobody waits for it any more: a question that is left here is asked by a job
                logger.warning("run %s: an answer came too late: %s", run_id, word)
            case _:
                assert_never(word)

    async def _put_back(self, run_id: str, word: Steering) -> None:
        """Leave a word once more, for whoever works on the run next; as soon as the log can take it."""
        while True:
            try:
                if (await existing_run(self._log, run_id)).ended:
                    logger.warning("run %s: what was said to it came too late: %s", run_id, word)
                else:
                    await self._log.leave_word(run_id, word)
                return
            except LogUnavailable as error:
                logger.error("run %s: what was said to it cannot be kept yet: %s: %s", run_id, word, error.message)
            if self._closed:
                return
            await asyncio.sleep(AGAIN_SECONDS)


def _tell_failure(attending: "asyncio.Task[None]") -> None:
    if not attending.cancelled() and (error := attending.exception()) is not None:
        logger.error("requests of other processes are not looked for until the next run", exc_info=error)
