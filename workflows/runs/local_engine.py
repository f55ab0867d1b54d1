"""An engine that runs everything in its own process, and shares the log with others that do the same."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from agents.command_runner import RunCommand
from workflows.runs.cancellation import Cancellation
from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.errors import LogUnavailable, RunError, RunNotResumable, shutting_down
from workflows.runs.events import Json, RunEvent
from workflows.runs.existing_run import active_run_like, existing_run
from workflows.runs.forks import Forks
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.job import Job
from workflows.runs.jobs_at_work import JobsAtWork
from workflows.runs.launcher import Launcher
from workflows.runs.liveness import Liveness
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.observed_writer import Observe
from workflows.runs.open_gates import checked_reply, is_open, let_go, not_waiting, overdue
from workflows.runs.outcome import Stop
from workflows.runs.places import InPlace, Places
from workflows.runs.private_directories import PrivateDirectories
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.run import CancelRequest, GateReply, Run, Steering
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.upkeep import Upkeep
from workflows.team import Team
from workflows.workflow import Workflow

logger = logging.getLogger(__name__)


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
            expire=self._expired,
        )
        self._forks = Forks(
            log=log,
            token=lock.token,
            launcher=self._launcher,
            graphs=self._graphs,
            upkeep=self._upkeep,
            jobs=self._jobs,
            workflow_named=workflow_named,
        )
        self._liveness = Liveness(log, lock, self._jobs)
        self._cancellation = Cancellation(log, lock.token, self._jobs, self._upkeep, self._liveness)

    async def start(self, request: RunRequest) -> StartedRun:
        """See the port. If the caller is cancelled meanwhile, so is the run."""
        return await self._whole(self._start(request))

    async def cancel(self, run_id: str, *, by: str, reason: str) -> Run:
        """See the port."""
        return await self._cancellation.end(run_id, by=by, reason=reason)

    async def resume(self, run_id: str, *, by: str) -> Run:
        """See the port."""
        run = await self._expired(await self._found(run_id))
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
        run = await self._expired(await self._found(run_id))
        reply = checked_reply(run, reply)
        if all(gate.parked for gate in run.gates):
            return await self._go_on(await self._liveness.once(run, let_go), reply=reply)
        job = self._jobs.get(run_id)
        if job is None:
            await self._log.leave_word(run_id, reply)
        elif not job.hear(reply):
            raise not_waiting(run)
        else:
            await self._log.flush()
        # Who is told that it waits would ask the same question again.
        return await self._liveness.once(run, lambda run: not is_open(run, reply.gate_id))

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
        """See the port. If the caller is cancelled meanwhile, so is the new run."""
        return (await self._whole(self._forks.begin(run_id, stage, changes, owner))).run

    def cancel_soon(self, run_id: str, *, by: str, reason: str) -> None:
        """See the port."""
        job = self._jobs.get(run_id)
        if job is not None:
            job.stop(Stop("cancelled", by, reason))
        else:
            self._jobs.spawn(self._log.request_cancel(run_id, CancelRequest(by=by, reason=reason)))

    def leave_soon(self, run_id: str) -> None:
        """See the port."""
        job = self._jobs.get(run_id)
        if job is not None:
            job.stop(Stop("left"))

    def runs_here(self, run_id: str) -> bool:
        """See the port."""
        return self._jobs.get(run_id) is not None

    @property
    def at_work(self) -> bool:
        """See the port."""
        return self._jobs.busy

    async def follow(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        """See the port."""
        async with aclosing(self._log.watch(run_id, after)) as batches:
            async for events in batches:
                if events:
                    yield events
                elif not (await self.reconcile(await self._liveness.standing(run_id))).active:
                    return

    @property
    def draining(self) -> bool:
        """See the port."""
        return self._jobs.draining

    def drain(self) -> None:
        """See the port."""
        self._jobs.draining = True

    @property
    def closed(self) -> bool:
        """See the port."""
        return self._jobs.closed

    async def reconcile(self, run: Run) -> Run:
        """See the port."""
        run = await self._liveness.released(run)
        try:
            return await self._expired(run)
        except LogUnavailable:
            raise
        except RunError as error:
            logger.info("run %s waits, though its time is over, and cannot go on: %s", run.run_id, error.message)
            return await existing_run(self._log, run.run_id)

    async def reconcile_all(self) -> None:
        """See the port."""
        await self._liveness.release_all()

    def stop_all(self) -> None:
        """See the port."""
        self._jobs.stop_all()

    async def close(self) -> None:
        """See the port."""
        await self._jobs.close()

    async def _start(self, request: RunRequest) -> StartedRun:
        new = self._launcher.new_run(request, self._lock.token)
        if self.draining:
            return await self._joined(new)
        with self._jobs.beginning(new.run_id):
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

    async def _joined(self, wanted: Run) -> StartedRun:
        """The active run of the same request; `create` would store a new one where there is none."""
        same = None if self.closed else await active_run_like(self._log, wanted)
        if same is not None and (same := await self.reconcile(same)).active:
            return StartedRun(same, joined=True)
        raise shutting_down()

    async def _expired(self, run: Run) -> Run:
        """The run; if nobody has answered its question in time, it goes on without.

        Raises:
            workflows.runs.errors.RunError: It cannot go on, see `Launcher.check`.
        """
        gate = overdue(run) if run.parked and not self.draining else None
        return run if gate is None else await self._go_on(run, reply=GateReply(gate_id=gate.gate_id, outcome="expired"))

    async def _found(self, run_id: str) -> Run:
        return await self._liveness.released(await existing_run(self._log, run_id))

    async def _begin(self, run: Run, request: RunRequest, writer: RunWriter) -> Job:
        return self._launcher.begin(run, request, writer)

    async def _whole(self, beginning: Coroutine[None, None, StartedRun]) -> StartedRun:
        """Begin a run, wholly or not at all: a caller that is cancelled leaves none that is half begun."""
        starting = asyncio.create_task(beginning)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._jobs.spawn(self._abandon(starting))
            raise

    async def _go_on(self, run: Run, *, input: BaseModel | None = None, reply: GateReply | None = None) -> Run:
        """Work on a run that nobody works on. Where somebody else was quicker, it is theirs."""
        self._jobs.refuse_if_draining()
        await self._launcher.check(run, has_input=input is not None)
        with self._jobs.beginning(run.run_id):
            if not await self._log.claim(run.run_id, self._lock.token):
                standing = await existing_run(self._log, run.run_id)
                if reply is not None and reply.outcome != "expired":
                    raise not_waiting(standing)
                return standing
            return await self._jobs.launch(run, partial(self._launcher.go_on, run, input=input, reply=reply))

    async def _abandon(self, starting: "asyncio.Task[StartedRun]") -> None:
        try:
            started = await starting
            if not started.joined:
                reason = "the call was cancelled while it started"
                await self.cancel(started.run.run_id, by="client", reason=reason)
        except RunError as error:
            logger.error("a call was cancelled while its run started: %s", error.message)
