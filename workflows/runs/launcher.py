"""Makes the job of a run: of one that begins, and of one that goes on where it was left."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

import anyio
from pydantic import BaseModel, ValidationError

from agents.command_runner import RunCommand
from workflows.budget import Budget
from workflows.context import WorkflowContext
from workflows.instructions import Instructions
from workflows.runs.chronicle import Chronicle
from workflows.runs.engine import RunRequest
from workflows.runs.errors import RunNotResumable
from workflows.runs.events import AgentEvent, GateAnswered, Json, StageInfo, WorkflowStarted
from workflows.runs.history import History
from workflows.runs.job import Continuation, Job
from workflows.runs.learned_courses import LearnedCourses
from workflows.runs.log import EventLog, RunWriter
from workflows.runs.observed_writer import Observe, ObservedWriter
from workflows.runs.places import ForkPoint, Places, Wish
from workflows.runs.private_directories import PrivateDirectories
from workflows.runs.redaction import Redactor
from workflows.runs.run import GateReply, Run
from workflows.runs.run_key import idempotency_key, new_run_id
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.workplace import Workplace
from workflows.team import Team
from workflows.workflow import Workflow

MOST_RESUMPTIONS = 5
"""How often a run is resumed without a stage being completed in between: more would not help it."""


class Launcher:
    """Makes jobs.

    Args:
        log: Where runs are kept.
        team: Who does the work.
        commands: Runs commands as children of this server.
        private: Where runs keep what must not be in their states.
        places: Where runs work.
        graphs: What executes graphs.
        redactor: Masks secrets.
        max_runs: How many runs may be at work at once; more of them wait.
        workflow_named: The workflow of a name; raises `WorkflowNotFound`.
        clock: Seconds that only rise.
        observe: Is shown what happens in the runs; None for nobody.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        team: Team,
        commands: RunCommand,
        private: PrivateDirectories,
        places: Places,
        graphs: SharedGraphs,
        redactor: Redactor,
        max_runs: int,
        workflow_named: Callable[[str], Workflow],
        clock: Callable[[], float] = time.monotonic,
        observe: Observe | None = None,
    ) -> None:
        self._log = log
        self._team = team
        self._commands = commands
        self._private = private
        self._places = places
        self._graphs = graphs
        self._redactor = redactor
        self._slots = asyncio.Semaphore(max_runs)
        self._workflow_named = workflow_named
        self._clock = clock
        self._observe = observe
        self._courses = LearnedCourses(log)

    def new_run(self, request: RunRequest, process: str) -> Run:
        """The row of a run that somebody wants.

        Args:
            request: What is wanted.
            process: Token of this process.
        """
        arguments = request.input.model_dump(mode="json")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        offline = self._is_offline(request.workflow)
        return Run(
            run_id=new_run_id(),
            workflow=request.workflow.name,
            input=cast("Json", self._redactor.redact_json(arguments)),
            workspace=request.workspace,
            owner=request.owner,
            key=idempotency_key(request.workflow.name, arguments, request.workspace, offline=offline),
            offline=offline,
            limits=request.limits,
            options=request.options,
            process=process,
            created_at=now,
            updated_at=now,
        )

    def begin(self, run: Run, request: RunRequest, writer: RunWriter) -> Job:
        """The job of a run that begins; its first event is appended."""
        job, chronicle = self._job(run, request.workflow, request.input, writer, None)
        self._record_start(chronicle, run, request.workflow)
        return job

    async def plan_fork(
        self, run: Run, request: RunRequest, point: ForkPoint
    ) -> Callable[[Run, RunWriter], Coroutine[None, None, Job]]:
        """Note with which files a run begins that goes on from another one, before anybody is told of it.

        Args:
            run: The new run; its checkpoints are where the other one's were.
            request: What it is asked.
            point: Where it begins.

        Returns:
            What makes its job, given its row and its log, without waiting for anything: between the row and the events
            that say what the run goes on from, a process that dies would leave a run that does not know it.

        Raises:
            workflows.runs.errors.RunError: The other run's log cannot be read, or as in `Places.plan_fork`.
        """
        continuation = Continuation(await History.forked(self._log, point.run_id, point.stage), announced=False)
        files = await self._places.plan_fork(_wish(run, request.workflow), point)

        async def begin(run: Run, writer: RunWriter) -> Job:
            job, chronicle = self._job(run, request.workflow, request.input, writer, continuation)
            self._record_start(chronicle, run, request.workflow)
            text = f"goes on from where run {point.run_id} had finished {point.stage}, {files}"
            details = {"text": text, "forked_from": point.run_id, "stage": point.stage}
            chronicle.record(AgentEvent(agent="workflow", event_type="decision", details=details))
            return job

        return begin

    async def go_on(
        self, run: Run, writer: RunWriter, *, input: BaseModel | None = None, reply: GateReply | None = None
    ) -> Job:
        """The job of a run that goes on.

        Args:
            run: The run; `check` has been asked about it.
            writer: Its log.
            input: Its input, where it was given once more.
            reply: The answer it goes on with; appended. None where its process was lost.
        """
        workflow = self._workflow_named(run.workflow)
        history = await History.read(self._log, run.run_id)
        if history.resumptions >= MOST_RESUMPTIONS and reply is None:
            raise RunNotResumable(
                f"Run {run.run_id} was resumed {history.resumptions} times and has not finished a stage since.",
                recovery=(f"End it: cancel_run with run_id {run.run_id}; then call {run.workflow} again",),
            )
        continuation = Continuation(history, announced=reply is not None)
        lost = history.lose_usage()
        state = input or _input(workflow, run)
        job, chronicle = self._job(run, workflow, state, writer, continuation, begins=not history.last_seq)
        if not history.last_seq:  # its process was lost as soon as it had a row
            self._record_start(chronicle, run, workflow)
        if reply is not None:
            answered = GateAnswered(gate_id=reply.gate_id, answer=reply.answer, by=reply.by, outcome=reply.outcome)
            chronicle.record(answered)
            history.asked.pop(reply.gate_id, None)
            history.replies[reply.gate_id] = reply
        else:  # before anything else is said: the time in which nobody worked on it ends here
            chronicle.waits("start", "going on where it was left")
        for used in lost:
            chronicle.record(used)
        return job

    async def check(self, run: Run, *, has_input: bool) -> None:
        """See that a run can go on, or be the source of a fork.

        Args:
            run: The run.
            has_input: Whether its input is given once more.

        Raises:
            RunNotResumable: It cannot, and why.
            workflows.runs.errors.WorkflowNotFound: Its workflow is not there any more.
            workflows.runs.errors.RunError: Its checkpoints, which were needed to tell, cannot be read.
        """
        workflow = self._workflow_named(run.workflow)
        if run.offline != self._is_offline(workflow):
            raise RunNotResumable(
                f"Run {run.run_id} was begun {'offline' if run.offline else 'with models'}, and this server works "
                f"{'with models' if run.offline else 'offline'}: half of the one and half of the other is neither.",
                recovery=("Start the server as it was started then",),
            )
        if not has_input and _is_masked(run) and not await self._has_begun(run, workflow):
            raise RunNotResumable(
                f"The input of run {run.run_id} held something secret, which is not kept.",
                recovery=(f"Call {run.workflow} again with the same input: that goes on with the run",),
            )
        if not has_input:
            _input(workflow, run)
        if not await anyio.Path(run.workspace).is_dir():
            raise RunNotResumable(
                f"The workspace of run {run.run_id} is gone: {run.workspace}.",
                recovery=("Put the directory back" + ("" if run.ended else ", or end the run with cancel_run"),),
            )

    async def _has_begun(self, run: Run, workflow: Workflow) -> bool:
        """Whether its graph has, so that it goes on from the checkpoints, which have its input as it was given."""
        graphs = await self._graphs.opened()
        return (await graphs.standing(workflow, run.run_id)).begun

    def _record_start(self, chronicle: Chronicle, run: Run, workflow: Workflow) -> None:
        stages = [StageInfo(name=stage.name, title=stage.title) for stage in workflow.stages]
        chronicle.record(WorkflowStarted(workflow=run.workflow, input=run.input, stages=stages, offline=run.offline))

    def _job(
        self,
        run: Run,
        workflow: Workflow,
        state: BaseModel,
        writer: RunWriter,
        continuation: Continuation | None,
        *,
        begins: bool = True,
    ) -> tuple[Job, Chronicle]:
        history = continuation.history if continuation is not None else History()
        if self._observe is not None:
            writer = ObservedWriter(writer, run, self._observe)
        chronicle = Chronicle(run.run_id, workflow, run.workspace, writer, self._redactor, self._clock, history=history)
        limits = run.limits
        if limits.max_seconds is not None:
            limits = replace(limits, max_seconds=limits.max_seconds - history.seconds)
        context = WorkflowContext(
            run_id=run.run_id,
            workflow=workflow.name,
            workspace=Path(run.workspace),
            team=self._team,
            budget=Budget(limits, spent=history.usage, clock=self._clock),
            commands=self._commands,
            private_directory=self._private.of(run.run_id),
            instructions=Instructions(history.instructions),
            conversations=dict(history.conversations),
        )
        job = Job(
            workflow,
            state,
            context,
            chronicle,
            self._graphs.opened,
            self._slots,
            Workplace(self._places, _wish(run, workflow), chronicle, begins=begins),
            continuation=continuation,
            asks_permission=run.options.permissions == "ask",
            learn=partial(self._learn, workflow, chronicle),
        )
        return job, chronicle

    async def _learn(self, workflow: Workflow, chronicle: Chronicle) -> None:
        """Have a run's bar go by what was usual in the finished ones."""
        chronicle.learn(await self._courses.usual_for(workflow, offline=self._is_offline(workflow)))

    def _is_offline(self, workflow: Workflow) -> bool:
        """Whether scripted agents stand in for models; a graph that brings its own models has none."""
        return self._team.offline and not workflow.bare


def _wish(run: Run, workflow: Workflow) -> Wish:
    return Wish(
        run_id=run.run_id,
        workflow=workflow.name,
        workspace=Path(run.workspace),
        mode=run.options.isolation or workflow.isolation,
        strict=run.options.isolation == "worktree",
    )


def _is_masked(run: Run) -> bool:
    """Whether its input is kept with something in it masked, and is not what it was called with."""
    key = idempotency_key(run.workflow, run.input, run.workspace, offline=run.offline)
    return run.key not in {key, ""}


def _input(workflow: Workflow, run: Run) -> BaseModel:
    try:
        return workflow.input_model.model_validate(dict(run.input))
    except ValidationError as error:
        raise RunNotResumable(
            f"The input of run {run.run_id} does not fit workflow {workflow.name!r} any more; it has changed since.",
            recovery=("Start a new run", f"End this one: cancel_run with run_id {run.run_id}"),
        ) from error
