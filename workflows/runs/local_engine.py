"""An engine that runs everything in its own process, and shares the log with others that do the same."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import anyio

from agents.command_runner import RunCommand
from workflows.budget import Budget
from workflows.context import WorkflowContext
from workflows.runs.admission import Admission
from workflows.runs.chronicle import Chronicle
from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.errors import LogUnavailable, NotEndedYet, RunError, RunNotFound
from workflows.runs.events import Json, RunEvent, StageInfo, WorkflowCancelled, WorkflowStarted
from workflows.runs.finished import finished_stages
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.job import Job, Stop
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.message import describe
from workflows.runs.private_directories import PrivateDirectories
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.run import ACTIVE_STATUSES, CancelRequest, Run, RunFilter
from workflows.runs.run_key import idempotency_key, new_run_id
from workflows.runs.shared_graphs import SharedGraphs
from workflows.team import Team

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 15.0
"""How long a cancel waits for the run's end."""
ATTEND_SECONDS = 0.25
"""How often requests from other processes are looked for, while anything runs here."""
UNWIND_SECONDS = 0.2
"""How long `close` waits for graphs to unwind."""
CLOSE_SECONDS = 0.3
"""How long `close` takes at most; clients kill a server 0.49 s after their first signal."""
AGAIN_SECONDS = 1.0
"""Pause between attempts to mark a lost run as interrupted while the log cannot be written."""
_PAGE = 200


class LocalEngine:
    """Implements `workflows.runs.engine.Engine`.

    Args:
        log: Where runs are kept.
        lock: Says which processes live.
        team: Who does the work.
        commands: Runs commands as children of this server.
        private_directory: Below it each run has a directory for what must not be in its state.
        open_graphs: Opens what executes graphs; called when the first run starts.
        redactor: Masks secrets.
        max_runs: How many runs may be at work at once; more of them wait.
        clock: Seconds that only rise.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        lock: ProcessLock,
        team: Team,
        commands: RunCommand,
        private_directory: Path,
        open_graphs: Callable[[], Awaitable[GraphRunner]],
        redactor: Redactor,
        max_runs: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._lock = lock
        self._team = team
        self._commands = commands
        self._private = PrivateDirectories(private_directory, log)
        self._swept = False
        self._graphs = SharedGraphs(open_graphs, log)
        self._redactor = redactor
        self._slots = asyncio.Semaphore(max_runs)
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._beginning: set[str] = set()
        """Runs that are, or are about to be, in the log and are not among the jobs yet."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._attending: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self, request: RunRequest) -> StartedRun:
        """See the port. If the caller is cancelled meanwhile, so is the run."""
        starting = asyncio.create_task(self._start(request))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._spawn(self._abandon(starting))
            raise

    async def cancel(self, run_id: str, *, by: str, reason: str) -> Run:
        """See the port."""
        job = self._jobs.get(run_id)
        if job is not None:
            job.stop(Stop("cancelled", by, reason))  # before any wait in which the caller itself could be cancelled
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await (self._cancelled_elsewhere(run_id, by, reason) if job is None else job.done.wait())
        except TimeoutError as error:
            raise await self._not_ended_yet(run_id) from error
        return await self._standing(run_id)

    def cancel_soon(self, run_id: str, *, by: str, reason: str) -> None:
        """See the port."""
        job = self._jobs.get(run_id)
        if job is not None:
            job.stop(Stop("cancelled", by, reason))
        else:
            self._spawn(self._log.request_cancel(run_id, CancelRequest(by=by, reason=reason)))

    def runs_here(self, run_id: str) -> bool:
        """See the port."""
        return run_id in self._jobs

    async def follow(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        """See the port."""
        async with aclosing(self._log.watch(run_id, after)) as batches:
            async for events in batches:
                if events:
                    yield events
                elif not (await self._standing(run_id)).active:
                    return

    @property
    def closed(self) -> bool:
        """See the port."""
        return self._closed

    async def reconcile(self, run: Run) -> Run:
        """See the port."""
        if run.active and run.process and not self._at_work(run):
            await self._log.interrupt(run.run_id, run.process)
            return await self._existing(run.run_id)
        return run

    async def reconcile_all(self) -> None:
        """See the port."""
        before: str | None = None
        while True:
            page = await self._log.find(RunFilter(statuses=ACTIVE_STATUSES, limit=_PAGE, before=before))
            for run in page:
                await self.reconcile(run)
            if len(page) < _PAGE:
                return
            before = page[-1].created_at

    def stop_all(self) -> None:
        """See the port."""
        self._closed = True
        for job in self._jobs.values():
            job.stop(Stop("shutdown"))

    async def close(self) -> None:
        """See the port."""
        began = time.monotonic()
        here = tuple(self._jobs)
        self.stop_all()
        done, late = set[asyncio.Task[None]](), set[asyncio.Task[None]]()
        with anyio.CancelScope(shield=True):
            if self._tasks:
                await asyncio.wait(set(self._tasks), timeout=UNWIND_SECONDS)
            last = [asyncio.create_task(self._interrupt_all(here)), asyncio.create_task(self._graphs.close())]
            left = CLOSE_SECONDS - (time.monotonic() - began)
            done, late = await asyncio.wait(last, timeout=max(0.0, left))
        for task in done:
            if (error := task.exception()) is not None:
                logger.error("not everything could be put away", exc_info=error)
        if late:
            logger.error(
                "a database did not answer in time; runs may stay marked as running until somebody looks at them"
            )
        for task in (*late, *self._tasks, self._attending):
            if task is not None:
                task.cancel()

    async def _interrupt_all(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            try:
                await self._log.interrupt(run_id, self._lock.token)
            except RunError as error:
                logger.error("run %s stays marked as running until somebody looks at it: %s", run_id, error.message)

    async def _start(self, request: RunRequest) -> StartedRun:
        if self._closed:
            raise _shutting_down()
        new = self._new_run(request)
        self._beginning.add(new.run_id)
        try:
            run, created = await self._log.create(new)
            if not created:
                run = await self.reconcile(run)
                if run.active:
                    return StartedRun(run, joined=True)
                run, created = await self._log.create(new)
                if not created:
                    return StartedRun(run, joined=True)
            return await self._begun(run, request)
        finally:
            self._beginning.discard(new.run_id)

    async def _begun(self, run: Run, request: RunRequest) -> StartedRun:
        job: Job | None = None
        try:
            writer = await self._log.open(run.run_id, self._lock.token)
            job = self._job(run, request, writer)
            await writer.flush()  # nobody is told of a run, and nothing is done, that a crash could still undo
            if self._closed:
                raise _shutting_down()
            self._jobs[run.run_id] = job
            self._spawn(self._conduct(run.run_id, job))
            if not self._swept:
                self._swept = True
                self._spawn(self._private.sweep())
            if self._attending is None or self._attending.done():
                self._attending = asyncio.create_task(self._attend())
            return StartedRun(await self._existing(run.run_id), joined=False)
        except BaseException:
            # Whoever is told that it could not be started must not leave one behind that works, or seems to.
            if job is not None and run.run_id in self._jobs:
                job.stop(Stop("shutdown"))
            else:
                self._spawn(self._lay_down(run.run_id))
            raise

    def _new_run(self, request: RunRequest) -> Run:
        arguments = request.input.model_dump(mode="json")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        offline = self._team.offline
        return Run(
            run_id=new_run_id(),
            workflow=request.workflow.name,
            input=cast("Json", self._redactor.redact_json(arguments)),
            workspace=request.workspace,
            owner=request.owner,
            key=idempotency_key(request.workflow.name, arguments, request.workspace, offline=offline),
            offline=offline,
            limits=request.limits,
            process=self._lock.token,
            created_at=now,
            updated_at=now,
        )

    def _job(self, run: Run, request: RunRequest, writer: RunWriter) -> Job:
        chronicle = Chronicle(run.run_id, request.workflow, run.workspace, writer, self._redactor, self._clock)
        context = WorkflowContext(
            run_id=run.run_id,
            workspace=Path(run.workspace),
            team=self._team,
            budget=Budget(request.limits, clock=self._clock),
            commands=self._commands,
            private_directory=self._private.of(run.run_id),
        )
        chronicle.record(
            WorkflowStarted(
                workflow=run.workflow,
                input=run.input,
                stages=[StageInfo(name=stage.name, title=stage.title) for stage in request.workflow.stages],
                offline=run.offline,
            )
        )
        return Job(request.workflow, request.input, context, chronicle, self._graphs.opened, self._slots, self._clock)

    async def _conduct(self, run_id: str, job: Job) -> None:
        try:
            await job.run()
        finally:
            self._jobs.pop(run_id, None)
        if job.ended:
            await self._forget_run(run_id)
        else:
            await self._lay_down(run_id)

    async def _lay_down(self, run_id: str) -> None:
        """Mark a run that nobody works on any more as interrupted, as soon as the log can take it."""
        while True:
            try:
                await self._log.interrupt(run_id, self._lock.token)
            except LogUnavailable as error:
                logger.error("run %s cannot be marked as interrupted yet: %s", run_id, error.message)
            else:
                return
            if self._closed:
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _attend(self) -> None:
        told = ""
        while self._jobs:
            try:
                requests = await self._log.cancel_requests(self._lock.token)
            except LogUnavailable as error:
                if error.message != told:
                    logger.error("requests of other processes cannot be read: %s", error.message)
                told, requests = error.message, dict[str, CancelRequest]()
            for run_id, request in requests.items():
                job = self._jobs.get(run_id)
                if job is not None:
                    job.stop(Stop("cancelled", request.by, request.reason))
            await asyncio.sleep(ATTEND_SECONDS)

    async def _abandon(self, starting: "asyncio.Task[StartedRun]") -> None:
        try:
            started = await starting
            if not started.joined:
                reason = "the call was cancelled while it started"
                await self.cancel(started.run.run_id, by="client", reason=reason)
        except RunError as error:
            logger.error("a call was cancelled while its run started: %s", error.message)

    async def _cancelled_elsewhere(self, run_id: str, by: str, reason: str) -> None:
        run = await self.reconcile(await self._existing(run_id))
        if run.status == "interrupted":
            await self._end_interrupted(run, by, reason)
        elif run.active:
            await self._log.request_cancel(run_id, CancelRequest(by=by, reason=reason))
            async with aclosing(self.follow(run.run_id, run.last_seq)) as batches:
                async for _ in batches:
                    pass

    async def _end_interrupted(self, run: Run, by: str, reason: str) -> None:
        partial = await finished_stages(self._log, run.run_id)
        writer = await self._log.open(run.run_id, self._lock.token)
        admission = Admission(run.run_id, self._redactor, writer.save_artifact)
        ending, cuts = admission.admit(WorkflowCancelled(by=by, reason=reason, partial=partial))
        writer.append(ending, message=describe(ending), progress=run.progress, truncated=cuts)
        await writer.flush()
        await self._forget_run(run.run_id)

    async def _forget_run(self, run_id: str) -> None:
        """Delete what was only kept so that the run could go on."""
        await self._graphs.forget(run_id)
        await self._private.remove(run_id)

    async def _not_ended_yet(self, run_id: str) -> NotEndedYet:
        run = await self._existing(run_id)
        process, _, _ = run.process.partition("-")
        return NotEndedYet(
            f"Run {run_id} was asked to end, and has not ended yet after {CANCEL_SECONDS:g} s.",
            recovery=(
                f"Ask again in a moment: get_run with run_id {run_id}",
                f"If it stays, its server does not answer: end process {process}; the run is then interrupted",
            ),
        )

    async def _standing(self, run_id: str) -> Run:
        """A run as it is.

        Raises:
            LogUnavailable: It has ended, and the log cannot take its end.
        """
        job = self._jobs.get(run_id)
        run = await self._existing(run_id)
        if run.active and job is not None and job.unwritten is not None:
            raise job.unwritten
        return await self.reconcile(run)

    def _at_work(self, run: Run) -> bool:
        if run.process == self._lock.token:
            return run.run_id in self._jobs or run.run_id in self._beginning
        return self._lock.alive(run.process)

    async def _existing(self, run_id: str) -> Run:
        run = await self._log.get(run_id)
        if run is None:
            raise RunNotFound(f"There is no run {run_id!r}.", recovery=("list_runs shows the runs there are",))
        return run

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a run's task failed", exc_info=error)


def _shutting_down() -> LogUnavailable:
    return LogUnavailable("The server is shutting down; no new run can be started.")
