"""What holds for every workflow that comes with the program."""

import inspect
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from workflows.catalog import BUILT_IN
from workflows.runs.graph_loading import build_graph
from workflows.workflow import Workflow

each = pytest.mark.parametrize("workflow", BUILT_IN, ids=lambda workflow: workflow.name)


@each
def test_its_stages_are_nodes_of_its_graph(workflow: Workflow) -> None:
    graph = build_graph(workflow)

    assert {stage.name for stage in workflow.stages} <= set(graph.nodes)
    assert sum(stage.share for stage in workflow.stages) == pytest.approx(1.0)


@each
def test_its_state_can_hold_its_input_and_its_output(workflow: Workflow) -> None:
    graph = build_graph(workflow)

    fields = {*workflow.input_model.model_fields, *workflow.output_model.model_fields}
    assert fields <= set(inspect.get_annotations(graph.state_schema))


@each
def test_every_field_of_it_tells_a_model_what_it_is(workflow: Workflow) -> None:
    def undescribed(model: type[BaseModel]) -> list[str]:
        return [name for name, field in model.model_fields.items() if not field.description]

    assert undescribed(workflow.input_model) == undescribed(workflow.output_model) == []


@each
def test_it_takes_nothing_it_does_not_know(workflow: Workflow) -> None:
    assert workflow.input_model.model_config.get("extra") == "forbid"


def test_every_workflow_is_kept_from_knowing_another() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (kept_apart,) = [contract["modules"] for contract in contracts if contract["type"] == "independence"]

    assert kept_apart == [f"workflows.{workflow.name}" for workflow in sorted(BUILT_IN, key=lambda each: each.name)]
