"""What a caller of the API may ask for: the shapes of its requests, and how they become calls of the engine."""

from copy import copy
from typing import Any, TypeVar, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.datastructures import QueryParams

from mcp_server.assembly import Assembly
from mcp_server.failures import validated
from mcp_server.http.problem import Problem
from mcp_server.workflow_tools import CommonOptions
from workflows.budget import Limits
from workflows.runs.engine import RunRequest
from workflows.runs.errors import InputRejected
from workflows.runs.run import GateReply, Isolation, Permissions, RunOptions, RunStatus
from workflows.runs.timestamps import in_utc

MOST_RUNS = 100
"""Runs one page of a list holds."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def _as_in_tools(name: str) -> Any:  # noqa: ANN401 - what `Field` returns, too
    """The common option of this name, as the workflows' tools have it."""
    return copy(CommonOptions.model_fields[name])


class Options(BaseModel):
    """What every run can be asked for with, besides its workflow's input."""

    model_config = ConfigDict(extra="forbid")

    workspace: str | None = _as_in_tools("workspace")
    max_cost_usd: float | None = _as_in_tools("max_cost_usd")
    max_seconds: float | None = _as_in_tools("max_seconds")
    isolation: Isolation | None = _as_in_tools("isolation")
    permissions: Permissions = _as_in_tools("permissions")


class StartRun(Options):
    """A run that somebody wants."""

    workflow: str = Field(max_length=100, description="Its name; GET /api/workflows lists them.")
    input: dict[str, object] = Field(
        default_factory=dict[str, object], description="As the workflow's `input_schema` says."
    )


class Chat(Options):
    """Something to have done, and to be told about while it is done."""

    message: str = Field(min_length=1, description="The workflow's main input, for example the task.")
    workflow: str | None = Field(
        default=None, max_length=100, description="Which; the first that is listed if not given."
    )
    input: dict[str, object] = Field(default_factory=dict[str, object], description="Further fields of the input.")


class CancelRun(BaseModel):
    """Why a run is to end."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=500, description="Kept with the run.")


class ResumeRun(BaseModel):
    """Nothing has to be said to resume a run."""

    model_config = ConfigDict(extra="forbid")


class AnswerRun(BaseModel):
    """What settles a question that a run waits with."""

    model_config = ConfigDict(extra="forbid")

    gate_id: str = Field(default="", max_length=200, description="Which question; the only open one if not given.")
    answer: object = Field(default=None, description="As the question's `answer_schema` says; not needed to decline.")
    decline: bool = Field(default=False, description="Whether you will not answer; the run then goes on without.")


class SteerRun(BaseModel):
    """An instruction for a run that is at work."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        min_length=1, max_length=10_000, description="What is to be done; agents hear it at their next turn."
    )


class ForkRun(BaseModel):
    """From where, and with what changed, a new run is to go on."""

    model_config = ConfigDict(extra="forbid")

    stage: str = Field(max_length=200, description="A stage the run has finished; the new run begins after it.")
    input: dict[str, object] = Field(
        default_factory=dict[str, object], description="Fields of its input that are to have another value."
    )


class ListRuns(BaseModel):
    """Which runs to list."""

    model_config = ConfigDict(extra="forbid")

    status: list[RunStatus] | None = Field(default=None, description="Only runs in one of these states; repeat it.")
    workflow: str | None = Field(default=None, description="Only runs of this workflow.")
    workspace: str | None = Field(
        default=None, description="Only runs in this directory: absolute, or relative to the server's first root."
    )
    limit: int = Field(default=20, ge=1, le=MOST_RUNS, description="How many at most, newest first.")
    before: str | None = Field(default=None, description="Only runs created before this time; for the next page.")

    @field_validator("before")
    @classmethod
    def _is_a_time(cls, value: str | None) -> str | None:
        return None if value is None else in_utc(value)  # its ValueError says what is wrong


def body_as(model: type[ModelT], body: bytes, content_type: str) -> ModelT:
    """A request's body as an instance of its model; nothing at all is an object without fields.

    Raises:
        Problem: It is no JSON object.
        workflows.runs.errors.InputRejected: A field cannot be used; all of them are named.
    """
    if not body:
        return validated(model, {})
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(
            415,
            "not_json",
            f"The request's body is {content_type[:80]!r}.",
            recovery=("Send JSON, with the header `Content-Type: application/json`",),
            field="Content-Type",
        )
    try:
        fields: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed_json", f"The request's body is no JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise InputRejected("", f"The request's body must be a JSON object, not a {_json_type(fields)}.")
    return validated(model, cast("dict[str, object]", fields))


def query_as(model: type[ModelT], query: QueryParams) -> ModelT:
    """A request's query as an instance of its model.

    Raises:
        workflows.runs.errors.InputRejected: A parameter cannot be used.
    """
    values: dict[str, object] = {}
    for name in dict.fromkeys(query.keys()):
        given = query.getlist(name)
        field = model.model_fields.get(name)
        several = field is not None and "list" in str(field.annotation)
        if not several and len(given) > 1:
            raise InputRejected(name, f"{name}: this parameter is given {len(given)} times.")
        values[name] = given if several else given[0]
    return validated(model, values)


def run_request(assembly: Assembly, asked: StartRun, owner: str) -> RunRequest:
    """The engine's request.

    Raises:
        workflows.runs.errors.RunError: There is no such workflow, or its input or the workspace cannot be used.
    """
    workflow = assembly.catalog.get(asked.workflow)
    return RunRequest(
        workflow=workflow,
        input=validated(workflow.input_model, asked.input),
        workspace=assembly.workspaces.choose(asked.workspace, writes=workflow.writes),
        owner=owner,
        limits=Limits(max_cost_usd=asked.max_cost_usd, max_seconds=asked.max_seconds),
        options=RunOptions(isolation=asked.isolation, permissions=asked.permissions),
    )


def chat_request(assembly: Assembly, asked: Chat) -> StartRun:
    """The run that a chat message asks for: the message is the workflow's main input, its first field."""
    workflow = assembly.catalog.get(asked.workflow) if asked.workflow else assembly.catalog.workflows[0]
    main = next(iter(workflow.input_model.model_fields))
    if main in asked.input:
        raise InputRejected(f"input.{main}", f"input.{main}: this is the message; give it once, as `message`.")
    options = {name: getattr(asked, name) for name in Options.model_fields}
    return StartRun(workflow=workflow.name, input={main: asked.message, **asked.input}, **options)


def reply_of(asked: AnswerRun, by: str) -> GateReply:
    """What settles a question.

    Raises:
        workflows.runs.errors.InputRejected: It is answered and declined at once, or neither.
    """
    given = "answer" in asked.model_fields_set
    if given == asked.decline:
        raise InputRejected("answer", "answer: give an `answer`, or `decline`: true, one of the two.")
    return GateReply(
        gate_id=asked.gate_id, outcome="declined" if asked.decline else "accepted", answer=asked.answer, by=by
    )


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "truth value"
        case int() | float():
            return "number"
        case str():
            return "string"
        case _:
            return "list"
