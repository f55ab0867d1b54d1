import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from agents import roles
from workflows.build_feature.contract import LONGEST_TASK, WORKFLOW, BuildFeatureInput, BuildFeatureOutput
from workflows.build_feature.decision import MOST_ROUNDS


def test_the_task_is_needed_and_stripped() -> None:
    assert BuildFeatureInput(task="  Build f \n").task == "Build f"
    for task in ("", " \n"):
        with pytest.raises(ValidationError):
            BuildFeatureInput(task=task)


def test_an_empty_constraint_is_refused() -> None:
    with pytest.raises(ValidationError):
        BuildFeatureInput(task="t", constraints=["  "])


def test_task_and_constraints_are_bounded_together_and_the_message_says_what_to_do() -> None:
    rules = ["r" * 1000] * 10
    BuildFeatureInput(task="t" * (LONGEST_TASK - 10_000), constraints=rules)

    with pytest.raises(ValidationError, match=r"have 50,001 characters together, at most 50,000 .* into a file"):
        BuildFeatureInput(task="t" * (LONGEST_TASK - 9_999), constraints=rules)


def test_every_field_tells_a_model_what_it_is() -> None:
    def described(model: type[BaseModel]) -> bool:
        return all(field.description for field in model.model_fields.values())

    assert described(BuildFeatureInput)
    assert described(BuildFeatureOutput)


def test_the_stages_are_the_roles_that_work() -> None:
    assert [stage.name for stage in WORKFLOW.stages] == [
        roles.RESEARCH.name,
        roles.ARCHITECT.name,
        roles.CODESMITH.name,
        roles.REVIEWFIX.name,
        roles.RESPONDER.name,
    ]
    assert sum(stage.share for stage in WORKFLOW.stages) == pytest.approx(1.0)


def test_there_are_steps_enough_for_every_round() -> None:
    survey, supervisor_and_agent, supervisor_and_responder = 1, 2, 2

    assert survey + supervisor_and_agent * MOST_ROUNDS + supervisor_and_responder < WORKFLOW.max_steps


def test_to_know_the_workflow_nothing_heavy_is_imported() -> None:
    script = "import sys, workflows.catalog; print('langgraph' in sys.modules, 'psutil' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.split() == ["False", "False"]
