"""What a bare graph's tool looks like: its schema, its name, its stages."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.workflows.bare_graphs import graphs
from tests.workflows.bare_graphs.play import adopted
from workflows.bare_graphs.adoption import NoSchema, workflow_of
from workflows.diagram import mermaid


def fields(schema: dict[str, Any]) -> dict[str, Any]:
    return schema["properties"]


def test_the_input_has_the_fields_of_the_state_with_their_descriptions() -> None:
    workflow = adopted(graphs.asking())
    schema = workflow.input_model.model_json_schema()

    assert {name: (field["type"], field.get("default")) for name, field in fields(schema).items()} == {
        "where": ("string", None),
        "days": ("integer", 3),
        "plan": ("string", ""),
    }
    assert schema["required"] == ["where"]
    assert fields(schema)["where"]["description"] == "Where to."
    assert "Plans a trip, once somebody has agreed to it." in workflow.description
    with pytest.raises(ValidationError):
        workflow.input_model.model_validate({"wheer": "Rome"})


def test_a_typed_dictionary_requires_nothing_because_the_graph_itself_may_find_it_out() -> None:
    schema = adopted(graphs.fan_out()).input_model.model_json_schema()

    assert list(fields(schema)) == ["topic", "notes", "report"]
    assert fields(schema)["topic"]["description"] == "What it is about."
    assert "required" not in schema


def test_messages_are_a_text_or_a_short_list_and_not_the_schema_of_a_library() -> None:
    model = adopted(graphs.plain_tools()).input_model

    assert list(model.model_json_schema()["properties"]) == ["messages"]
    assert len(str(model.model_json_schema())) < 1000
    assert model.model_validate({"messages": "hello"})
    assert model.model_validate({"messages": [{"content": "hello"}, {"role": "assistant", "content": "hi"}]})
    with pytest.raises(ValidationError):
        model.model_validate({"messages": [{"role": "wizard", "content": "hello"}]})


def test_what_no_client_can_give_is_anything() -> None:
    schema = adopted(graphs.with_context()).input_model.model_json_schema()

    assert schema["required"] == ["number"]
    assert "type" not in fields(schema)["connection"]


def test_a_graph_of_functions_takes_one_value() -> None:
    workflow = adopted(graphs.functional())

    assert fields(workflow.input_model.model_json_schema())["input"]["type"] == "array"
    assert fields(workflow.output_model.model_json_schema())["output"]["type"] == "integer"


def test_nodes_are_stages_that_share_the_time() -> None:
    workflow = adopted(graphs.fan_out())

    assert [(stage.name, stage.title, stage.share) for stage in workflow.stages] == [
        ("plan", "Plan", 1),
        ("dig", "Dig", 1),
        ("write", "Write", 1),
    ]


@pytest.mark.parametrize(
    ("given", "attribute", "place", "name"),
    [
        ("trip-planner", "graph", "file", "trip_planner"),
        (None, "graph", "my-graphs", "my_graphs"),
        (None, "planner", "file", "planner"),
    ],
)
def test_its_name_is_the_one_it_was_compiled_with_or_that_of_its_place(
    given: str | None, attribute: str, place: str, name: str
) -> None:
    graph = graphs.tool_loop(graphs.asked_and_answered(), name=given)

    assert workflow_of(graph, attribute, place).name == name


def test_nobody_is_told_that_it_only_reads() -> None:
    assert adopted(graphs.fan_out()).writes


def test_a_graph_of_which_nothing_says_what_it_takes_is_no_tool() -> None:
    with pytest.raises(NoSchema):
        adopted(graphs.shapeless())


def test_its_picture_shows_its_subgraphs_too() -> None:
    picture = mermaid(adopted(graphs.with_subgraph(graphs.asked_and_answered())))

    assert "team" in picture
    assert "ask" in picture
