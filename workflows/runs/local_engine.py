"""An engine that runs everything in its own process, and shares the log with others that do the same."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
from pydantic import BaseModel

from agents.command_runner import RunCommand
from workflows.runs.admission import Admission
from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.errors import LogUnavailable, NotEndedYet, RunError, RunNotFound, RunNotResumable
from workflows.runs.events import Json, RunEvent, WorkflowCancelled
from workflows.runs.finished import finished_stages
from workflows.runs.forks import forked_request
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.job import Job, Stop
from workflows.runs.launcher import Launcher
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.message import describe
from workflows.runs.open_gates import checked_reply, not_waiting, overdue, seconds_left
from workflows.runs.places import InPlace, Places
from workflows.runs.private_directories import PrivateDirectories
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.run import ACTIVE_STATUSES, CancelRequest, GateReply, Run, RunFilter, Steering, Word
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.workplace import CHANGES
from workflows.team import Team
from workflows.workflow import Workflow

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 15.0
"""How long a cancel waits for the run's end."""
ATTEND_SECONDS = 0.25
"""How often requests from other processes are looked for, while anything runs here."""
PARKING_SECONDS = 3.0
"""How long an answer waits for the process that asked to let go of the run."""
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
        workflow_named: The workflow of a name, for runs that go on; raises `WorkflowNotFound`.
        places: Where runs work; None: in their workspaces themselves.
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
        workflow_named: Callable[[str], Workflow],
        places: Places | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._lock = lock
        self._private = PrivateDirectories(private_directory, log)
        self._places = places or InPlace()
        self._swept = False
        self._graphs = SharedGraphs(open_graphs, log)
        self._redactor = redactor
        self._workflow_named = workflow_named
        self._launcher = Launcher(
            log=log,
            team=team,
            commands=commands,
            private=self._private,
            places=self._places,
            graphs=self._graphs,
            redactor=redactor,
            max_runs=max_runs,
            workflow_named=workflow_named,
            clock=clock,
        )
        self._jobs: dict[str, Job] = {}
        self._beginning: set[str] = set()
        """Runs that are, or are about to be, in the log and are not among the jobs yet."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._attending: asyncio.Task[None] | None = None
        self._expiries: set[asyncio.Task[None]] = set()
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

    async def resume(self, run_id: str, *, by: str) -> Run:
        """See the port."""
        run = await self.reconcile(await self._existing(run_id))
        if run.status == "waiting":
            raise RunNotResumable(
                f"Run {run_id} waits for an answer: {run.gates[-1].question}",
                recovery=(f"Answer it: answer_run with run_id {run_id}",),
            )
        if run.ended:
            raise RunNotResumable(
                f"Run {run_id} is over: it is {run.status}.", recovery=("Call its workflow again to start a new run",)
            )
        if run.active:
            return run
        logger.info("run %s is resumed by %s", run_id, by)
        return await self._go_on(run)

    async def answer(self, run_id: str, reply: GateReply) -> Run:
        """See the port."""
        run = await self.reconcile(await self._existing(run_id))
        reply = checked_reply(run, reply)
        if all(gate.parked for gate in run.gates):
            return await self._go_on(await self._once_parked(run), reply=reply)
        job = self._jobs.get(run_id)
        if job is None:
            await self._log.leave_word(run_id, reply)
        elif not job.hear(reply):
            raise not_waiting(run)
        else:
            await self._log.flush()
        return await self._existing(run_id)

    async def steer(self, run_id: str, steering: Steering) -> Run:
        """See the port."""
        run = await self.reconcile(await self._existing(run_id))
        if run.ended:
            raise RunNotResumable(f"Run {run_id} is over: it is {run.status}; nobody works on it any more.")
        job = self._jobs.get(run_id)
        if job is None:
            await self._log.leave_word(run_id, steering)
        else:
            job.hear(steering)
        return run

    async def fork(self, run_id: str, stage: str, changes: Json, *, owner: str) -> Run:
        """See the port."""
        source = await self._existing(run_id)
        workflow = self._workflow_named(source.workflow)
        request = forked_request(source, workflow, changes, owner)
        graphs = await self._graphs.opened()
        new = replace(self._launcher.new_run(request, self._lock.token), key="")
        arguments = request.input.model_dump(mode="json")
        self._beginning.add(new.run_id)
        try:
            await graphs.fork(workflow, run_id, stage, new.run_id, {name: arguments[name] for name in changes})
            run, _ = await self._log.create(new)
            return await self._launch(
                run, lambda writer: self._launcher.begin_fork(run, request, writer, source, stage)
            )
        finally:
            self._beginning.discard(new.run_id)

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
            if run.status == "waiting" and all(gate.parked for gate in run.gates):
                await self._log.park(run.run_id, run.process)
            else:
                await self._log.interrupt(run.run_id, run.process)
            return await self._existing(run.run_id)
        if run.parked and (gate := overdue(run)) is not None:
            return await self._go_on(run, reply=GateReply(gate_id=gate.gate_id, outcome="expired"))
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
        for task in (*late, *self._tasks, *self._expiries, self._attending):
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
        new = self._launcher.new_run(request, self._lock.token)
        self._beginning.add(new.run_id)
        try:
            while True:
                run, created = await self._log.create(new)
                if created:
                    begun = await self._launch(run, partial(self._begin, run, request))
                    return StartedRun(begun, joined=False)
                run = await self.reconcile(run)
                if run.active:
                    return StartedRun(run, joined=True)
                if run.status == "interrupted":
                    return StartedRun(await self._go_on(run, input=request.input), joined=True, resumed=True)
        finally:
            self._beginning.discard(new.run_id)

    async def _once_parked(self, run: Run) -> Run:
        """A run that waits, once the process that asked has let go of it: right after it has asked."""
        deadline = time.monotonic() + PARKING_SECONDS
        while not run.parked and run.status == "waiting" and time.monotonic() < deadline:
            await asyncio.sleep(ATTEND_SECONDS / 10)
            run = await self.reconcile(await self._existing(run.run_id))
        return run

    async def _begin(self, run: Run, request: RunRequest, writer: RunWriter) -> Job:
        return self._launcher.begin(run, request, writer)

    async def _go_on(self, run: Run, *, input: BaseModel | None = None, reply: GateReply | None = None) -> Run:
        """Work on a run that nobody works on. Where somebody else was quicker, it is theirs."""
        if self._closed:
            raise _shutting_down()
        await self._launcher.check(run, has_input=input is not None)
        self._beginning.add(run.run_id)
        try:
            if not await self._log.claim(run.run_id, self._lock.token):
                standing = await self._existing(run.run_id)
                if reply is not None and reply.outcome != "expired":
                    raise not_waiting(standing)
                return standing
            return await self._launch(run, partial(self._launcher.go_on, run, input=input, reply=reply))
        finally:
            self._beginning.discard(run.run_id)

    async def _launch(self, run: Run, make: Callable[[RunWriter], Awaitable[Job]]) -> Run:
        """Have a job made of a run of this process, and work on it.

        Whoever is told that it could not be started must not leave one behind that works, or seems to.
        """
        try:
            return await self._work_on(run, make)
        except BaseException:
            job = self._jobs.get(run.run_id)
            if job is not None:
                job.stop(Stop("shutdown"))
            else:
                self._spawn(self._lay_down(run.run_id))
            raise

    async def _work_on(self, run: Run, make: Callable[[RunWriter], Awaitable[Job]]) -> Run:
        writer = await self._log.open(run.run_id, self._lock.token)
        job = await make(writer)
        await writer.flush()  # nobody is told of a run, and nothing is done, that a crash could still undo
        if self._closed:
            raise _shutting_down()
        self._jobs[run.run_id] = job
        self._spawn(self._conduct(run.run_id, job))
        if not self._swept:
            self._swept = True
            self._spawn(self._private.sweep())
            self._spawn(self._places.sweep())
        if self._attending is None or self._attending.done():
            self._attending = asyncio.create_task(self._attend())
        return await self._existing(run.run_id)

    async def _conduct(self, run_id: str, job: Job) -> None:
        try:
            await job.run()
            if job.paused and await self._went_on(run_id, job):
                return
        finally:
            if self._jobs.get(run_id) is job:
                del self._jobs[run_id]
        if job.ended:
            await self._forget_run(run_id)
        elif job.parked:
            await self._park(run_id)
        else:
            await self._lay_down(run_id)

    async def _went_on(self, run_id: str, paused: Job) -> bool:
        """Wait until the log can be written again, then work on; whether there is nothing more to do here."""
        while not self._closed:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                run = await self._existing(run_id)
                if paused.cancelled is not None:
                    await self._end_interrupted(run, paused.cancelled.by, paused.cancelled.reason)
                else:
                    await self._work_on(run, partial(self._launcher.go_on, run))
            except LogUnavailable:
                continue
            except RunError as error:
                logger.error("run %s cannot go on: %s", run_id, error.message)
                return False
            return True
        return False

    async def _park(self, run_id: str) -> None:
        await self._log.park(run_id, self._lock.token)
        run = await self._existing(run_id)
        if run.parked and (seconds := seconds_left(run)) is not None:
            task = asyncio.create_task(self._expire(run_id, seconds))
            self._expiries.add(task)
            task.add_done_callback(self._expiries.discard)

    async def _expire(self, run_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self.reconcile(await self._existing(run_id))
        except RunError as error:
            logger.error("run %s: its question cannot be closed: %s", run_id, error.message)

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
                for run_id, word in await self._log.take_words(self._lock.token):
                    self._pass_on(run_id, word)
            except LogUnavailable as error:
                if error.message != told:
                    logger.error("requests of other processes cannot be read: %s", error.message)
                told, requests = error.message, dict[str, CancelRequest]()
            for run_id, request in requests.items():
                job = self._jobs.get(run_id)
                if job is not None:
                    job.stop(Stop("cancelled", request.by, request.reason))
            await asyncio.sleep(ATTEND_SECONDS)

    def _pass_on(self, run_id: str, word: Word) -> None:
        job = self._jobs.get(run_id)
        if job is None or not job.hear(word):
            logger.warning("run %s: what was said to it came too late: %s", run_id, word)

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
        if run.status == "waiting" and all(gate.parked for gate in run.gates):
            run = await self._once_parked(run)
        if (run.status == "interrupted" or run.parked) and await self._log.claim(run_id, self._lock.token):
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
        changes = await self._places.close(run.run_id)
        if changes.diff:
            admission.artifact(CHANGES, "text/x-diff", changes.diff)
        cancelled = WorkflowCancelled(by=by, reason=reason, partial=partial, branch=changes.branch)
        ending, cuts = admission.admit(cancelled)
        writer.append(ending, message=describe(ending), progress=run.progress, truncated=cuts)
        await writer.flush()
        await self._forget_run(run.run_id)

    async def _forget_run(self, run_id: str) -> None:
        """Delete what was only kept so that the run could go on."""
        await self._graphs.retire()
        await self._private.remove(run_id)
        await self._places.forget(run_id)

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
