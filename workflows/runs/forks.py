"""A new run that begins where another one had finished a stage."""

from pydantic import ValidationError

from workflows.runs.engine import RunRequest
from workflows.runs.errors import InputRejected
from workflows.runs.events import Json
from workflows.runs.run import Run
from workflows.workflow import Workflow


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
