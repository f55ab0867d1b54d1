import pytest
from pydantic import BaseModel, ConfigDict, Field

from mcp_server.failures import failure_text, rejection_text, validated
from workflows.runs.errors import InputRejected, RunNotFound
from workflows.runs.run import Run, RunFailure


class Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")
    task: str = Field(min_length=1)
    times: int = 1


def rejection(**arguments: object) -> InputRejected:
    with pytest.raises(InputRejected) as caught:
        validated(Arguments, arguments)
    return caught.value


def test_a_missing_argument_is_named() -> None:
    assert "task: this argument is required" in rejection().message


def test_an_unknown_argument_is_refused_by_name_with_the_one_that_was_meant() -> None:
    error = rejection(task="x", tims=3)
    assert "tims: there is no such argument; did you mean times?" in error.message
    assert "task, times" in error.recovery[0]


def test_a_wrong_value_is_shown_with_its_problem() -> None:
    assert "times: Input should be a valid integer" in rejection(task="x", times="many").message
    assert "'many'" in rejection(task="x", times="many").message


def test_all_problems_are_told_at_once() -> None:
    assert len(rejection(task="", times="many", more=1).message.splitlines()) == 3


def run(**fields: object) -> Run:
    defaults: dict[str, object] = {
        "run_id": "r1",
        "workflow": "build_feature",
        "input": {},
        "workspace": "/w",
        "owner": "local",
        "key": "k",
    }
    return Run(**{**defaults, **fields})  # type: ignore[arg-type]  # checked by the tests themselves


def test_a_failure_says_what_happened_whose_fault_what_helps_which_run_and_what_was_finished() -> None:
    failure = RunFailure(
        kind="rate_limited",
        message="Too many requests.",
        blame="provider",
        recovery=("Wait a few minutes",),
        partial={"architect": {"design": "three modules"}},
    )
    text = failure_text(run(status="failed", failure=failure))
    for expected in ("rate_limited", "Too many requests.", "provider", "Wait a few minutes", "r1", "three modules"):
        assert expected in text


def test_a_rejection_says_what_helps() -> None:
    text = rejection_text(RunNotFound("There is no run 'x'.", recovery=("list_runs shows them",)))
    assert "There is no run 'x'." in text
    assert "list_runs shows them" in text


def test_a_cancelled_run_is_nobody_s_fault() -> None:
    failure = RunFailure(kind="cancelled", message="Cancelled by me.", blame="caller")
    assert "Cause lies with" not in failure_text(run(status="cancelled", failure=failure))


def test_an_interrupted_run_says_what_happened_and_what_helps() -> None:
    text = failure_text(run(status="interrupted"))
    assert "build_feature was interrupted" in text
    assert "Call the tool again" in text
