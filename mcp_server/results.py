"""What a tool that runs a workflow returns, small enough for a model to read."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

from workflows.runs.admission import CUT_VALUE, artifact_uri
from workflows.runs.events import Json
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run, RunStatus

LARGEST_RESULT = 40_000
"""Characters of JSON a result may have. Claude Code replaces anything over 50,000 by a 2 kB preview."""

OutputT = TypeVar("OutputT", bound=BaseModel)


class ArtifactLink(BaseModel):
    """Something the run has made, to be read as a resource."""

    name: str
    uri: str
    bytes: int


class ResultUsage(BaseModel):
    """What the run has used."""

    input_tokens: int
    output_tokens: int
    cost_usd: float | None = Field(description="US dollars; null if the price of a part of it is unknown.")
    seconds: float


class ResultError(BaseModel):
    """Why the run did not reach its end."""

    kind: str
    message: str
    recovery: list[str]


class WorkflowResult(BaseModel, Generic[OutputT]):
    """A run and what came of it."""

    model_config = ConfigDict(title="WorkflowResult")

    summary: str = Field(description="What happened, in words; while the run goes on, how far it is.")
    run_id: str = Field(description="Names the run: get_run and cancel_run take it.")
    status: RunStatus
    offline: bool = Field(description="True if scripted agents stood in for models.")
    result: OutputT | None = Field(description="The workflow's output; null unless status is completed.")
    artifacts: list[ArtifactLink] = Field(description="Whole texts, to be read as resources by their URI.")
    usage: ResultUsage
    error: ResultError | None


def result_json(run: Run, artifacts: Sequence[ArtifactInfo], seconds: float) -> dict[str, object]:
    """A run as the JSON object of `WorkflowResult`.

    Args:
        run: The run.
        artifacts: What it has made.
        seconds: How long it has been running, or ran.
    """
    failure = run.failure
    whole: dict[str, object] = {
        "summary": _summary(run),
        "run_id": run.run_id,
        "status": run.status,
        "offline": run.offline,
        "result": run.result,
        "artifacts": [
            {"name": info.name, "uri": artifact_uri(run.run_id, info.name), "bytes": info.bytes}
            for info in made(artifacts)
        ],
        "usage": {
            "input_tokens": run.usage.input_tokens,
            "output_tokens": run.usage.output_tokens,
            "cost_usd": run.usage.cost_usd,
            "seconds": round(seconds, 1),
        },
        "error": None
        if failure is None
        else {"kind": failure.kind, "message": failure.message, "recovery": list(failure.recovery)},
    }
    return _fitted(whole)


def made(artifacts: Sequence[ArtifactInfo]) -> list[ArtifactInfo]:
    """Those an agent has made; the rest are whole values of events, which name them where they were cut."""
    return [info for info in artifacts if not info.name.startswith(CUT_VALUE)]


def _summary(run: Run) -> str:
    offline = "Offline: scripted agents, no model. " if run.offline else ""
    match run.status:
        case "completed":
            return offline + run.final_response
        case "failed" | "cancelled":
            return offline + (run.failure.message if run.failure else run.message)
        case "interrupted":
            return offline + "The server that ran it is gone; what was finished is in the run's artifacts and events."
        case "queued" | "running" | "waiting":
            return (
                f"{offline}The run goes on: {run.progress:.0f} % done, {run.message}. "
                f"Ask get_run with run_id {run.run_id} and wait_seconds 45, or call the tool again with the same input."
            )


def _fitted(whole: dict[str, object]) -> dict[str, object]:
    """Cut strings shorter and lists smaller until it fits; the whole of everything is in the artifacts."""
    for longest, most in ((2000, 200), (600, 50), (200, 20), (80, 5)):
        if len(str(whole)) <= LARGEST_RESULT:
            break
        whole = {key: _cut(value, longest, most) for key, value in whole.items()}
    return whole


def _cut(value: object, longest: int, most: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest] + "…"
    if isinstance(value, Mapping):
        return {key: _cut(item, longest, most) for key, item in cast("Json", value).items()}
    if isinstance(value, list | tuple):
        return [_cut(item, longest, most) for item in cast("Sequence[object]", value)[:most]]
    return value
