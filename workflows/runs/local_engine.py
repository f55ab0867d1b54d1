"""An engine that runs everything in its own process, and shares the log with others that do the same."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path

from workflows.budget import Budget
from workflows.context import WorkflowContext
from workflows.runs.chronicle import Chronicle
from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.errors import LogUnavailable, RunNotFound
from workflows.runs.events import RunEvent, StageInfo, WorkflowCancelled, WorkflowStarted
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.job import Job, Stop
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.message import describe
from workflows.runs.process_lock import ProcessLock
from workflows.runs.redaction import Redactor
from workflows.runs.run import CancelRequest, Run
from workflows.runs.run_key import idempotency_key, new_run_id
from workflows.team import Team

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 15.0
"""How long a cancel waits for the run's end."""
ATTEND_SECONDS = 0.25
"""How often requests from other processes are looked for, while anything runs here."""
CLOSE_SECONDS = 0.2
"""How long `close` waits for graphs to unwind; clients kill a server 0.49 s after their first signal."""


class LocalEngine:
    """Implements `workflows.runs.engine.Engine`.

    Args:
        log: Where runs are kept.
        lock: Says which processes live.
        team: Who does the work.
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
        open_graphs: Callable[[], Awaitable[GraphRunner]],
        redactor: Redactor,
        max_runs: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._lock = lock
        self._team = team
        self._open_graphs = open_graphs
        self._redactor = redactor
        self._slots = asyncio.Semaphore(max_runs)
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._graphs: asyncio.Task[GraphRunner] | None = None
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
            async with asyncio.timeout(CANCEL_SECONDS):
                await job.done.wait()
            return await self._existing(run_id)
        run = await self.reconcile(await self._existing(run_id))
        if run.status == "interrupted":
            await self._end_interrupted(run, WorkflowCancelled(by=by, reason=reason, partial={}))
        elif run.active:
            await self._log.request_cancel(run_id, CancelRequest(by=by, reason=reason))
            await self._watched_to_its_end(run)
        return await self._existing(run_id)

    def cancel_soon(self, run_id: str, *, by: str, reason: str) -> None:
        """See the port."""
        job = self._jobs.get(run_id)
        if job is not None:
            job.stop(Stop("cancelled", by, reason))
        else:
            self._spawn(self._cancel_elsewhere(run_id, by, reason))

    def runs_here(self, run_id: str) -> bool:
        """See the port."""
        return run_id in self._jobs

    async def follow(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        """See the port."""
        async with aclosing(self._log.watch(run_id, after)) as batches:
            async for events in batches:
                if events:
                    yield events
                elif not (await self.reconcile(await self._existing(run_id))).active:
                    return

    @property
    def closed(self) -> bool:
        """See the port."""
        return self._closed

    async def reconcile(self, run: Run) -> Run:
        """See the port."""
        if run.active and run.process and not self._lock.alive(run.process):
            await self._log.interrupt(run.run_id, run.process)
            return await self._existing(run.run_id)
        return run

    def stop_all(self) -> None:
        """See the port."""
        self._closed = True
        for job in self._jobs.values():
            job.stop(Stop("shutdown"))

    async def close(self) -> None:
        """See the port."""
        jobs = tuple(self._jobs)
        self.stop_all()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=CLOSE_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS / 2):
                await self._log.flush()
        for run_id in jobs:
            await self._log.interrupt(run_id, self._lock.token)
        for task in (*self._tasks, self._attending):
            if task is not None:
                task.cancel()
        await self._close_graphs()

    async def _close_graphs(self) -> None:
        opening, self._graphs = self._graphs, None
        if opening is None:
            return
        await asyncio.wait({opening}, timeout=CLOSE_SECONDS)
        if opening.done() and not opening.cancelled() and opening.exception() is None:
            await opening.result().close()

    async def _start(self, request: RunRequest) -> StartedRun:
        if self._closed:
            raise LogUnavailable("The server is shutting down; no new run can be started.")
        run, created = await self._log.create(self._new_run(request))
        if not created:
            run = await self.reconcile(run)
            if run.active:
                return StartedRun(run, joined=True)
            run, created = await self._log.create(self._new_run(request))
            if not created:
                return StartedRun(run, joined=True)
        writer = await self._log.open(run.run_id, self._lock.token)
        job = self._job(run, request, writer)
        self._jobs[run.run_id] = job
        self._spawn(self._conduct(run.run_id, job))
        if self._attending is None or self._attending.done():
            self._attending = asyncio.create_task(self._attend())
        return StartedRun(await self._announced(run, writer), joined=False)

    def _new_run(self, request: RunRequest) -> Run:
        arguments = request.input.model_dump(mode="json")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return Run(
            run_id=new_run_id(),
            workflow=request.workflow.name,
            input=arguments,
            workspace=request.workspace,
            owner=request.owner,
            key=idempotency_key(request.workflow.name, arguments, request.workspace),
            offline=self._team.offline,
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
        )
        chronicle.record(
            WorkflowStarted(
                workflow=run.workflow,
                input=run.input,
                stages=[StageInfo(name=stage.name, title=stage.title) for stage in request.workflow.stages],
                offline=run.offline,
            )
        )
        return Job(request.workflow, request.input, context, chronicle, self._opened_graphs, self._slots, self._clock)

    async def _announced(self, run: Run, writer: RunWriter) -> Run:
        await writer.flush()  # nobody is told of a run that a crash could still undo
        return await self._existing(run.run_id)

    async def _conduct(self, run_id: str, job: Job) -> None:
        try:
            await job.run()
        finally:
            self._jobs.pop(run_id, None)

    async def _attend(self) -> None:
        while self._jobs:
            for run_id, request in (await self._log.cancel_requests(self._lock.token)).items():
                job = self._jobs.get(run_id)
                if job is not None:
                    job.stop(Stop("cancelled", request.by, request.reason))
            await asyncio.sleep(ATTEND_SECONDS)

    async def _abandon(self, starting: "asyncio.Task[StartedRun]") -> None:
        started = await starting
        if not started.joined:
            await self.cancel(started.run.run_id, by="client", reason="the call was cancelled while it started")

    async def _cancel_elsewhere(self, run_id: str, by: str, reason: str) -> None:
        await self._log.request_cancel(run_id, CancelRequest(by=by, reason=reason))

    async def _opened_graphs(self) -> GraphRunner:
        if self._graphs is None:
            self._graphs = asyncio.create_task(_opened(self._open_graphs))
        return await asyncio.shield(self._graphs)

    async def _end_interrupted(self, run: Run, ending: WorkflowCancelled) -> None:
        writer = await self._log.open(run.run_id, self._lock.token)
        writer.append(ending, message=describe(ending), progress=run.progress)
        await writer.flush()

    async def _watched_to_its_end(self, run: Run) -> None:
        async with asyncio.timeout(CANCEL_SECONDS), aclosing(self.follow(run.run_id, run.last_seq)) as batches:
            async for _ in batches:
                pass

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


async def _opened(open_graphs: Callable[[], Awaitable[GraphRunner]]) -> GraphRunner:
    return await open_graphs()
