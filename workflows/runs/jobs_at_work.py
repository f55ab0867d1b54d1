"""The jobs of one process: each is started, watched over to its end, and told what other processes want of it."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from functools import partial

import anyio

from workflows.runs.attention import Attention
from workflows.runs.errors import LogUnavailable, RunError, shutting_down
from workflows.runs.existing_run import existing_run
from workflows.runs.job import Job
from workflows.runs.launcher import Launcher
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.open_gates import seconds_left
from workflows.runs.outcome import Stop
from workflows.runs.release import release
from workflows.runs.run import Run
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.upkeep import Upkeep

logger = logging.getLogger(__name__)

UNWIND_SECONDS = 0.2
"""How long `close` waits for graphs to unwind."""
CLOSE_SECONDS = 0.3
"""How long `close` takes at most; clients kill a server 0.49 s after their first signal."""
AGAIN_SECONDS = 1.0
"""Pause between attempts to mark a lost run as interrupted while the log cannot be written."""


class JobsAtWork:
    """The jobs of this process, by run.

    Args:
        log: Where runs are kept.
        token: This process, as the log names it.
        launcher: Makes the jobs of runs that go on after a pause.
        graphs: What executes graphs; closed with the jobs.
        upkeep: Puts away what a run kept.
        expire: Goes on with a run whose question nobody has answered in time.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        token: str,
        launcher: Launcher,
        graphs: SharedGraphs,
        upkeep: Upkeep,
        expire: Callable[[Run], Awaitable[Run]],
    ) -> None:
        self._log = log
        self._token = token
        self._launcher = launcher
        self._graphs = graphs
        self._upkeep = upkeep
        self._expire_now = expire
        self._jobs: dict[str, Job] = {}
        self._beginning = Counter[str]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._attention = Attention(log, token, self._jobs, self.spawn)
        self._expiries: set[asyncio.Task[None]] = set()
        self._swept = False
        self.draining = False
        """Whether it takes no more jobs; those it has go on."""
        self.closed = False
        """Whether it has none any more, not even one that only paused."""

    def get(self, run_id: str) -> Job | None:
        """The job of a run, if it is at work here."""
        return self._jobs.get(run_id)

    def has(self, run_id: str) -> bool:
        """Whether somebody works on a run here, also before it has its job."""
        return run_id in self._jobs or run_id in self._beginning

    @property
    def busy(self) -> bool:
        """Whether somebody works on any run here, also before it has its job."""
        return bool(self._jobs or self._beginning)

    @contextmanager
    def beginning(self, run_id: str) -> Generator[None, None, None]:
        """While this is open, a run that has no job is none that was lost: it gets one, or its end."""
        self._beginning[run_id] += 1
        try:
            yield
        finally:
            self._beginning[run_id] -= 1
            self._beginning += Counter()  # drops what nobody counts any more

    async def launch(self, run: Run, make: Callable[[RunWriter], Awaitable[Job]]) -> Run:
        """Have a job made of a run of this process, and work on it.

        Whoever is told that it could not be started must not leave one behind that works, or seems to.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot take it, or the server is shutting down.
            workflows.runs.errors.RunError: What `make` raises.
        """
        try:
            return await self._work_on(run, make)
        except BaseException:
            job = self._jobs.get(run.run_id)
            if job is not None:
                job.stop(Stop("shutdown"))
            else:
                self.spawn(self._lay_down(run.run_id))
            raise

    def refuse_if_draining(self) -> None:
        """Refuse new work once the server shuts down.

        Raises:
            workflows.runs.errors.LogUnavailable: It does.
        """
        if self.draining:
            raise shutting_down()

    def spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        """Do something beside the jobs; `close` waits for it."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def stop_all(self) -> None:
        """Ask all jobs to stop, and take no more."""
        self.draining = self.closed = True
        for job in self._jobs.values():
            job.stop(Stop("shutdown"))

    async def close(self) -> None:
        """Stop all jobs, mark their runs as interrupted, and close the graphs; within `CLOSE_SECONDS`."""
        began = time.monotonic()
        here = tuple(self._jobs)
        self.stop_all()
        done, late = set[asyncio.Task[None]](), set[asyncio.Task[None]]()
        releasing: asyncio.Task[None] | None = None
        with anyio.CancelScope(shield=True):
            if self._tasks:
                await asyncio.wait(set(self._tasks), timeout=UNWIND_SECONDS)
            releasing = asyncio.create_task(self._release_all(here))
            left = CLOSE_SECONDS - (time.monotonic() - began)
            last = {releasing, asyncio.create_task(self._graphs.close())}
            done, late = await asyncio.wait(last, timeout=max(0.0, left))
        for task in done:
            if (error := task.exception()) is not None:
                logger.error("not everything could be put away", exc_info=error)
        if releasing in late:
            logger.error(
                "a database did not answer in time; runs may stay marked as running until somebody looks at them"
            )
        self._attention.close()
        for task in (*late, *self._tasks, *self._expiries):
            task.cancel()

    async def _work_on(self, run: Run, make: Callable[[RunWriter], Awaitable[Job]]) -> Run:
        writer = await self._log.open(run.run_id, self._token)
        job = await make(writer)
        if run.last_seq:  # what was said while nobody worked on it comes before its agents go on
            for _, word in await self._log.take_words(self._token, (run.run_id,)):
                job.hear(word)
        await writer.flush()  # nobody is told of a run, and nothing is done, that a crash could still undo
        if self.closed:
            raise shutting_down()
        self._jobs[run.run_id] = job
        self.spawn(self._conduct(run.run_id, job))
        if not self._swept:
            self._swept = True
            self.spawn(self._upkeep.sweep())
        self._attention.pay()
        return await existing_run(self._log, run.run_id)

    async def _conduct(self, run_id: str, job: Job) -> None:
        try:
            await job.run()
            if job.paused and await self._went_on(run_id, job):
                return
        finally:
            if self._jobs.get(run_id) is job:
                del self._jobs[run_id]
        if job.ended:
            await self._upkeep.forget(run_id)
        elif job.parked:
            await self._park(run_id)
        else:
            await self._lay_down(run_id)

    async def _went_on(self, run_id: str, paused: Job) -> bool:
        """Wait until the log can be written again, then work on; whether there is nothing more to do here."""
        while not self.closed:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                run = await existing_run(self._log, run_id)
                if paused.cancelled is not None:
                    await self._upkeep.cancel_idle(run, paused.cancelled.by, paused.cancelled.reason)
                else:
                    await self._work_on(run, partial(self._launcher.go_on, run, input=paused.state))
            except LogUnavailable:
                continue
            except RunError as error:
                logger.error("run %s cannot go on: %s", run_id, error.message)
                return False
            return True
        return False

    async def _park(self, run_id: str) -> None:
        await self._log.park(run_id, self._token)
        run = await existing_run(self._log, run_id)
        if run.parked and (seconds := seconds_left(run)) is not None:
            task = asyncio.create_task(self._expire(run_id, seconds))
            self._expiries.add(task)
            task.add_done_callback(self._expiries.discard)

    async def _expire(self, run_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._expire_now(await existing_run(self._log, run_id))
        except RunError as error:
            logger.error("run %s: its question cannot be closed: %s", run_id, error.message)

    async def _lay_down(self, run_id: str) -> None:
        """Mark a run that nobody works on any more as interrupted, as soon as the log can take it."""
        while True:
            try:
                await release(self._log, run_id, self._token)
            except LogUnavailable as error:
                logger.error("run %s cannot be marked as interrupted yet: %s", run_id, error.message)
            else:
                return
            if self.closed:
                return
            await asyncio.sleep(AGAIN_SECONDS)
            if self.has(run_id):
                return  # somebody has gone on with it here

    async def _release_all(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            try:
                await release(self._log, run_id, self._token)
            except RunError as error:
                logger.error("run %s stays marked as running until somebody looks at it: %s", run_id, error.message)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a run's task failed", exc_info=error)
