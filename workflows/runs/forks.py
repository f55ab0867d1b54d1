"""New runs that begin where another one had finished a stage."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pydantic import ValidationError

from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.errors import InputRejected
from workflows.runs.events import Json
from workflows.runs.existing_run import existing_run
from workflows.runs.jobs_at_work import JobsAtWork
from workflows.runs.launcher import Launcher
from workflows.runs.log import EventLog
from workflows.runs.places import ForkPoint
from workflows.runs.run import Run
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.upkeep import Upkeep
from workflows.workflow import Workflow


class Forks:
    """Begins forks.

    Args:
        log: Where runs are kept.
        token: This process, as the log names it.
        launcher: Makes their jobs.
        graphs: What executes graphs.
        upkeep: Puts away what was noted for one that never came to be.
        jobs: Works on them.
        workflow_named: The workflow of a name; raises `WorkflowNotFound`.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        token: str,
        launcher: Launcher,
        graphs: SharedGraphs,
        upkeep: Upkeep,
        jobs: JobsAtWork,
        workflow_named: Callable[[str], Workflow],
    ) -> None:
        self._log = log
        self._token = token
        self._launcher = launcher
        self._graphs = graphs
        self._upkeep = upkeep
        self._jobs = jobs
        self._workflow_named = workflow_named

    async def begin(self, run_id: str, stage: str, changes: Json, owner: str) -> StartedRun:
        """As `workflows.runs.engine.Engine.fork`."""
        self._jobs.refuse_if_draining()
        source = await existing_run(self._log, run_id)
        workflow = self._workflow_named(source.workflow)
        request = forked_request(source, workflow, changes, owner)
        await self._launcher.check(source, has_input=True)  # what it goes on from has its input
        graphs = await self._graphs.opened()
        new = replace(self._launcher.new_run(request, self._token), key="")
        arguments = request.input.model_dump(mode="json")
        with self._jobs.beginning(new.run_id):
            changed = {name: arguments[name] for name in changes}
            try:
                tasks = await graphs.fork(workflow, run_id, stage, new.run_id, changed, over=source.ended)
                point = ForkPoint(run_id=run_id, stage=stage, tasks=tasks, branch=source.branch)
                begin = await self._launcher.plan_fork(new, request, point)
                run, _ = await self._log.create(new)
            except BaseException:  # also an event loop that ends: nobody would find what was noted for it
                await self._upkeep.drop(new.run_id)
                raise
            return StartedRun(await self._jobs.launch(run, partial(begin, run)), joined=False)


def forked_request(source: Run, workflow: Workflow, changes: Json, owner: str) -> RunRequest:
    """What the new run is asked.

    Args:
        source: The other run.
        workflow: Its workflow.
        changes: Fields of its input that are to have another value.
        owner: Whose the new run is.

    Raises:
        InputRejected: A change names no field of the input, or its value does not fit.
    """
    unknown = [name for name in changes if name not in workflow.input_model.model_fields]
    if unknown:
        known = ", ".join(workflow.input_model.model_fields)
        raise InputRejected("changes", f"changes: {workflow.name} has no input {unknown[0]!r}; it has {known}.")
    try:
        changed = workflow.input_model.model_validate({**source.input, **changes})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputRejected("changes", f"changes.{where}: {first['msg']}.") from error
    return RunRequest(
        workflow=workflow,
        input=changed,
        workspace=source.workspace,
        owner=owner,
        limits=source.limits,
        options=source.options,
    )
