"""Failures in words: what happened, whose fault it is, what to do, which run it was, and what was finished before."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workflows.runs.errors import InputRejected, RunError
from workflows.runs.run import Run, RunFailure

BLAME = {
    "caller": "the call's input or limits",
    "setup": "the set-up of this machine or account",
    "provider": "the model's provider",
    "agent": "the agent",
    "server": "this server",
    "workflow": "the workflow's own code",
}

INTERRUPTED = RunFailure(
    kind="interrupted",
    message="The server that ran it has gone before it reached its end.",
    blame="setup",
    recovery=("Call the tool again", "what it had finished is in its artifacts and events"),
)
"""What is said of a run that has no failure of its own, because its process died."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def validated(model: type[ModelT], arguments: Mapping[str, object]) -> ModelT:
    """The arguments as an instance of their model.

    Raises:
        InputRejected: Some cannot be used; the message names each, its problem and the remedy.
    """
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        complaints = [_complaint(item, model) for item in error.errors(include_url=False)]
        first = error.errors(include_url=False)[0]["loc"]
        raise InputRejected(
            str(first[0]) if first else "",
            "\n".join(complaints),
            recovery=(f"This tool takes: {', '.join(model.model_fields)}",),
        ) from error


def run_error_in(group: BaseExceptionGroup[BaseException]) -> RunError | None:
    """The first error about runs in a group, however deep; None if there is none."""
    for error in group.exceptions:
        if isinstance(error, RunError):
            return error
        if isinstance(error, BaseExceptionGroup):
            found = run_error_in(cast("BaseExceptionGroup[BaseException]", error))
            if found is not None:
                return found
    return None


def failure_text(run: Run) -> str:
    """All that a failed run's caller must know; clients show the model nothing else of an error result."""
    failure = run.failure or INTERRUPTED
    verb = run.status if run.status == "failed" else f"was {run.status}"
    blame = [f"Cause lies with: {BLAME.get(failure.blame, failure.blame)}."] if run.status != "cancelled" else []
    lines = [
        f"{run.workflow} {verb} ({failure.kind}): {failure.message}",
        *blame,
        *_remedies(failure.recovery),
        f"Run: {run.run_id} (get_run shows all of it).",
    ]
    if failure.partial:
        lines.append("Finished before: " + "; ".join(_finished(failure.partial)))
    return "\n".join(lines)


def rejection_text(error: RunError) -> str:
    """A call that did not become a run."""
    return "\n".join(
        [error.message, f"Cause lies with: {BLAME.get(error.blame, error.blame)}.", *_remedies(error.recovery)]
    )


def _remedies(recovery: Sequence[str]) -> list[str]:
    return [f"What helps: {'; '.join(recovery)}."] if recovery else []


def _finished(partial: Mapping[str, object]) -> list[str]:
    return [f"{stage}: {_excerpt(output)}" for stage, output in partial.items()]


def _excerpt(output: object, limit: int = 300) -> str:
    text = " ".join(str(output).split())
    return text if len(text) <= limit else text[:limit] + "…"


def _complaint(item: ErrorDetails, model: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in item["loc"]) or "arguments"
    if item["type"] == "extra_forbidden":
        near = get_close_matches(name, model.model_fields, n=1)
        return f"{name}: there is no such argument" + (f"; did you mean {near[0]}?" if near else ".")
    if item["type"] == "missing":
        return f"{name}: this argument is required."
    return f"{name}: {item['msg']} (got {_excerpt(repr(item['input']), 80)})."
