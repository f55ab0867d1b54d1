"""What a tool that runs a workflow returns, small enough for a model to read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

from mcp_server.answering import how_to_answer
from workflows.runs.admission import CUT_VALUE, RESULT, artifact_uri
from workflows.runs.events import Json
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run, RunStatus

LARGEST_RESULT = 40_000
"""Characters of JSON a result may have. Claude Code replaces anything over 50,000 by a 2 kB preview."""

MOST_NAMED = 20
"""How many cut parts are named."""
_NEVER_CUT = frozenset({"run_id", "status", "branch", "usage", "shortened"})

OutputT = TypeVar("OutputT", bound=BaseModel)
ItemT = TypeVar("ItemT")


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
    seconds: float = Field(description="At work: waits for a person and interruptions do not count.")


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
    branch: str = Field(
        description="Git branch with what the run has changed; empty if it worked in the workspace itself, or changed "
        "nothing."
    )
    result: OutputT | None = Field(description="The workflow's output; null unless status is completed.")
    artifacts: list[ArtifactLink] = Field(description="Whole texts, to be read as resources by their URI.")
    usage: ResultUsage
    error: ResultError | None
    shortened: list[str] = Field(
        description="Parts of this answer that were cut to fit; the artifacts and events have all of them."
    )


def seconds_of(run: Run) -> float:
    """How long a run was at work until now; waits for a person and interruptions do not count."""
    if run.status != "running":
        return run.seconds
    since_its_newest_event = datetime.now(UTC) - datetime.fromisoformat(run.updated_at)
    return run.seconds + max(0.0, since_its_newest_event.total_seconds())


def result_json(run: Run, artifacts: Sequence[ArtifactInfo]) -> dict[str, object]:
    """A run as the JSON object of `WorkflowResult`.

    Args:
        run: The run.
        artifacts: What it has made.
    """
    return fitted(_whole(run, artifacts))


def _whole(run: Run, artifacts: Sequence[ArtifactInfo]) -> dict[str, object]:
    failure = run.failure
    return {
        "summary": _summary(run),
        "run_id": run.run_id,
        "status": run.status,
        "offline": run.offline,
        "branch": run.branch,
        "result": run.result,
        "artifacts": [
            {"name": info.name, "uri": artifact_uri(run.run_id, info.name), "bytes": info.bytes}
            for info in made(artifacts)
        ],
        "usage": {
            "input_tokens": run.usage.input_tokens,
            "output_tokens": run.usage.output_tokens,
            "cost_usd": run.usage.cost_usd,
            "seconds": round(seconds_of(run), 1),
        },
        "error": None
        if failure is None
        else {"kind": failure.kind, "message": failure.message, "recovery": list(failure.recovery)},
        "shortened": [f"result (all of it is in {RESULT})"] if any(info.name == RESULT for info in artifacts) else [],
    }


def _where(run: Run) -> str:
    return f"\n\nWhat it has changed is on the git branch {run.branch}." if run.branch else ""


def made(artifacts: Sequence[ArtifactInfo]) -> list[ArtifactInfo]:
    """Those an agent has made; the rest are whole values of events, which name them where they were cut."""
    return [info for info in artifacts if not info.name.startswith(CUT_VALUE)]


def _summary(run: Run) -> str:
    offline = "Offline: scripted agents, no model. " if run.offline else ""
    match run.status:
        case "completed":
            return offline + run.final_response + _where(run)
        case "failed" | "cancelled":
            return offline + (run.failure.message if run.failure else run.message) + _where(run)
        case "interrupted":
            return (
                f"{offline}The server that ran it is gone. Call resume_run with run_id {run.run_id}, or the tool again "
                "with the same input: what was finished is not done again."
            )
        case "waiting":
            return offline + how_to_answer(run)
        case "queued" | "running":
            return (
                f"{offline}The run goes on: {run.progress:.0f} % done, {run.message}. "
                f"Ask get_run with run_id {run.run_id} and wait_seconds 45, or call the tool again with the same input."
            )


def fitted(whole: dict[str, object]) -> dict[str, object]:
    """The same, small enough: strings are cut at the end, lists and objects in the middle.

    Args:
        whole: An answer with a list `shortened` of what was cut before; it then names what was cut here too.
    """
    fitting, before = whole, cast("Sequence[str]", whole["shortened"])
    for longest, most in ((2000, 200), (600, 50), (200, 20), (80, 6)):
        if len(str(fitting)) <= LARGEST_RESULT:
            break
        shortened = [*before]
        fitting = {
            key: value if key in _NEVER_CUT else _cut(value, longest, most, key, shortened)
            for key, value in whole.items()
        }
        fitting["shortened"] = shortened[:MOST_NAMED]
    return fitting


def _cut(value: object, longest: int, most: int, path: str, shortened: list[str]) -> object:
    if isinstance(value, str):
        if len(value) <= longest:
            return value
        shortened.append(path)
        return value[:longest] + "…"
    if isinstance(value, Mapping):
        pairs = _ends(list(cast("Json", value).items()), most, path, shortened)
        return {key: _cut(item, longest, most, f"{path}.{key}", shortened) for key, item in pairs}
    if isinstance(value, list | tuple):
        items = _ends(list(cast("Sequence[object]", value)), most, path, shortened)
        return [_cut(item, longest, most, f"{path}[]", shortened) for item in items]
    return value


def _ends(items: list[ItemT], most: int, path: str, shortened: list[str]) -> list[ItemT]:
    """The first and the last ones: of things that happened one after another the last count most."""
    if len(items) <= most:
        return items
    shortened.append(f"{path} ({len(items) - most} of {len(items)})")
    return items[: most // 2] + items[-(most - most // 2) :]
