"""An engine that runs everything in its own process, and shares the log with others that do the same."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from agents.command_runner import RunCommand
from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.errors import NotEndedYet, RunError, RunNotResumable
from workflows.runs.events import Json, RunEvent
from workflows.runs.existing_run import existing_run
from workflows.runs.forks import forked_request
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.job import Job
from workflows.runs.jobs_at_work import JobsAtWork
from workflows.runs.launcher import Launcher
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.observed_writer import Observe
from workflows.runs.open_gates import checked_reply, not_waiting, overdue
from workflows.runs.outcome import Stop
from workflows.runs.places import InPlace, Places
from workflows.runs.private_directories import PrivateDirectories
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.release import release
from workflows.runs.run import ACTIVE_STATUSES, CancelRequest, GateReply, Run, RunFilter, Steering
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.upkeep import Upkeep
from workflows.team import Team
from workflows.workflow import Workflow

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 15.0
"""How long a cancel waits for the run's end."""
PARKING_SECONDS = 3.0
"""How long an answer waits for the process that asked to let go of the run."""
PARKING_LOOK_SECONDS = 0.025
"""How often it looks."""
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
        observe: Is shown what happens in the runs of this process; None for nobody.
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
        observe: Observe | None = None,
    ) -> None:
        self._log = log
        self._lock = lock
        self._workflow_named = workflow_named
        self._graphs = SharedGraphs(open_graphs, log)
        places = places or InPlace()
        private = PrivateDirectories(private_directory, log)
        self._launcher = Launcher(
            log=log,
            team=team,
            commands=commands,
            private=private,
            places=places,
            graphs=self._graphs,
            redactor=redactor,
            max_runs=max_runs,
            workflow_named=workflow_named,
            clock=clock,
            observe=observe,
        )
        self._upkeep = Upkeep(log, lock.token, redactor, self._graphs, private, places)
        self._jobs = JobsAtWork(
            log=log,
            token=lock.token,
            launcher=self._launcher,
            graphs=self._graphs,
            upkeep=self._upkeep,
            reconcile=self.reconcile,
        )
        self._beginning: set[str] = set()
        """Runs that are, or are about to be, in the log and are not among the jobs yet."""

    async def start(self, request: RunRequest) -> StartedRun:
        """See the port. If the caller is cancelled meanwhile, so is the run."""
        starting = asyncio.create_task(self._start(request))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._jobs.spawn(self._abandon(starting))
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
        run = await self.reconcile(await existing_run(self._log, run_id))
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
        run = await self.reconcile(await existing_run(self._log, run_id))
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
        return await existing_run(self._log, run_id)

    async def steer(self, run_id: str, steering: Steering) -> Run:
        """See the port."""
        run = await self.reconcile(await existing_run(self._log, run_id))
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
        source = await existing_run(self._log, run_id)
        workflow = self._workflow_named(source.workflow)
        request = forked_request(source, workflow, changes, owner)
        graphs = await self._graphs.opened()
        new = replace(self._launcher.new_run(request, self._lock.token), key="")
        arguments = request.input.model_dump(mode="json")
        self._beginning.add(new.run_id)
        try:
            await graphs.fork(workflow, run_id, stage, new.run_id, {name: arguments[name] for name in changes})
            run, _ = await self._log.create(new)
            return await self._jobs.launch(
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
            self._jobs.spawn(self._log.request_cancel(run_id, CancelRequest(by=by, reason=reason)))

    def runs_here(self, run_id: str) -> bool:
        """See the port."""
        return self._jobs.get(run_id) is not None

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
        return self._jobs.closed

    async def reconcile(self, run: Run) -> Run:
        """See the port."""
        if run.active and run.process and not self._at_work(run):
            await release(self._log, run.run_id, run.process)
            return await existing_run(self._log, run.run_id)
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
        self._jobs.stop_all()

    async def close(self) -> None:
        """See the port."""
        await self._jobs.close()

    async def _start(self, request: RunRequest) -> StartedRun:
        self._jobs.refuse_if_closed()
        new = self._launcher.new_run(request, self._lock.token)
        self._beginning.add(new.run_id)
        try:
            while True:
                run, created = await self._log.create(new)
                if created:
                    begun = await self._jobs.launch(run, partial(self._begin, run, request))
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
            await asyncio.sleep(PARKING_LOOK_SECONDS)
            run = await self.reconcile(await existing_run(self._log, run.run_id))
        return run

    async def _begin(self, run: Run, request: RunRequest, writer: RunWriter) -> Job:
        return self._launcher.begin(run, request, writer)

    async def _go_on(self, run: Run, *, input: BaseModel | None = None, reply: GateReply | None = None) -> Run:
        """Work on a run that nobody works on. Where somebody else was quicker, it is theirs."""
        self._jobs.refuse_if_closed()
        await self._launcher.check(run, has_input=input is not None)
        self._beginning.add(run.run_id)
        try:
            if not await self._log.claim(run.run_id, self._lock.token):
                standing = await existing_run(self._log, run.run_id)
                if reply is not None and reply.outcome != "expired":
                    raise not_waiting(standing)
                return standing
            return await self._jobs.launch(run, partial(self._launcher.go_on, run, input=input, reply=reply))
        finally:
            self._beginning.discard(run.run_id)

    async def _abandon(self, starting: "asyncio.Task[StartedRun]") -> None:
        try:
            started = await starting
            if not started.joined:
                reason = "the call was cancelled while it started"
                await self.cancel(started.run.run_id, by="client", reason=reason)
        except RunError as error:
            logger.error("a call was cancelled while its run started: %s", error.message)

    async def _cancelled_elsewhere(self, run_id: str, by: str, reason: str) -> None:
        run = await self.reconcile(await existing_run(self._log, run_id))
        if run.can_park:
            run = await self._once_parked(run)
        if (run.status == "interrupted" or run.parked) and await self._log.claim(run_id, self._lock.token):
            await self._upkeep.cancel_idle(run, by, reason)
        elif run.active:
            await self._log.request_cancel(run_id, CancelRequest(by=by, reason=reason))
            async with aclosing(self.follow(run.run_id, run.last_seq)) as batches:
                async for _ in batches:
                    pass

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

    async def _standing(self, run_id: str) -> Run:
        """A run as it is.

        Raises:
            LogUnavailable: It has ended, and the log cannot take its end.
        """
        job = self._jobs.get(run_id)
        run = await existing_run(self._log, run_id)
        if run.active and job is not None and job.unwritten is not None:
            raise job.unwritten
        return await self.reconcile(run)

    def _at_work(self, run: Run) -> bool:
        if run.process == self._lock.token:
            return self._jobs.get(run.run_id) is not None or run.run_id in self._beginning
        return self._lock.alive(run.process)
