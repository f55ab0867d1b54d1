"""The form of a question has only what clients can show, and what is filled in fits the question's schema."""

from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from mcp_types._v2025_11_25 import PrimitiveSchemaDefinition
from pydantic import BaseModel, Field, TypeAdapter, create_model

from mcp_server.gate_forms import ANSWER, answer_in, form_of, typed_answer

PRIMITIVE = TypeAdapter[object](PrimitiveSchemaDefinition)
"""What the protocol lets a field of a form be."""


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    """A choice of numbers."""

    LOW = 1
    HIGH = 2


class Tree(BaseModel):
    """Refers to itself."""

    kids: "list[Tree]" = []


KINDS: dict[str, tuple[Any, object, object]] = {
    "text": (str, "typed", "a default"),
    "flag": (bool, True, False),
    "number": (float, 1.5, 0.5),
    "limited": (Annotated[int, Field(ge=1, description="From 1.")], 3, 2),
    "literal": (Literal["x", "y"], "y", "x"),
    "choice": (Colour, "blue", Colour.RED),
    "level": (Level, 2, Level.LOW),
    "text_or_null": (str | None, "typed", None),
    "choice_or_null": (Colour | None, "red", None),
    "literal_or_null": (Annotated[Literal["x", "y"] | None, Field(title="Which")], "x", None),
}
"""Fields by name: annotation, what a person fills in, default."""


@given(st.dictionaries(st.sampled_from(sorted(KINDS)), st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_a_flat_model_is_a_form_and_what_is_filled_in_is_an_answer(fields: dict[str, tuple[bool, bool]]) -> None:
    annotated: dict[str, Any] = {
        name: (KINDS[name][0], KINDS[name][2] if optional else ...) for name, (optional, _) in fields.items()
    }
    schema = create_model("Asked", **annotated).model_json_schema()

    form = form_of(schema)
    required = cast("list[str]", form.get("required", []))
    content = {name: KINDS[name][1] for name, (_, given) in fields.items() if given or name in required}

    assert set(form) <= {"type", "title", "properties", "required"}
    properties = cast("dict[str, object]", form["properties"])
    assert set(properties) == set(fields)
    for field in properties.values():
        PRIMITIVE.validate_python(field)
    validator_for(schema)(schema).validate(cast("Any", answer_in(schema, content)))


def test_what_a_field_says_beside_a_reference_or_null_is_in_the_form() -> None:
    class Wall(BaseModel):
        colour: Colour = Field(description="Of the wall.")
        other: Colour | None = Field(default=None, title="Another")

    assert form_of(Wall.model_json_schema())["properties"] == {
        "colour": {"type": "string", "enum": ["red", "blue"], "description": "Of the wall."},
        "other": {"type": "string", "enum": ["red", "blue"], "title": "Another", "description": "A choice."},
    }


def test_what_must_be_given_and_may_be_null_is_null_where_it_is_left_out() -> None:
    class Note(BaseModel):
        note: str | None

    schema = Note.model_json_schema()

    assert "required" not in form_of(schema)
    assert answer_in(schema, {}) == {"note": None}
    assert answer_in(schema, {"note": "x"}) == {"note": "x"}


TYPED: list[tuple[dict[str, Any], object, object]] = [
    ({}, '{"a": 1}', '{"a": 1}'),
    ({"type": "string"}, "[1]", "[1]"),
    ({"type": "integer"}, 7, 7),
    ({"type": "array"}, "[1, 2]", [1, 2]),
    ({"type": "object"}, '{"a": 1}', {"a": 1}),
    ({"type": "object"}, "no JSON", "no JSON"),
    (Tree.model_json_schema(), '{"kids": [{}]}', {"kids": [{}]}),
]
"""A question's schema, what a person types into the one field, and the answer that it is."""


@pytest.mark.parametrize(("schema", "typed", "answer"), TYPED)
def test_what_is_no_flat_object_is_asked_in_one_field(schema: dict[str, Any], typed: object, answer: object) -> None:
    form = form_of(schema)

    (field,) = cast("dict[str, object]", form["properties"]).values()
    PRIMITIVE.validate_python(field)
    assert form["required"] == [ANSWER]
    assert answer_in(schema, {ANSWER: typed}) == answer


def test_json_that_is_nested_without_end_is_taken_as_the_text_it_is() -> None:
    endless = "[" * 100_000

    assert answer_in({"type": "array"}, {ANSWER: endless}) == endless


def test_who_is_to_type_json_is_told_what_fits() -> None:
    class Walls(BaseModel):
        colours: list[Colour]

    form = form_of(Walls.model_json_schema())

    (field,) = cast("dict[str, dict[str, str]]", form["properties"]).values()
    assert '"enum":["red","blue"]' in field["description"]


TYPED_ON_ONE_LINE: list[tuple[Any, str, object]] = [
    (str, "42", "42"),
    (str, "true", "true"),
    (str, "null", "null"),
    (str, '"x"', '"x"'),
    (str, "[1]", "[1]"),
    (str, "plain words", "plain words"),
    (str, "[" * 100_000, "[" * 100_000),
    (Colour, "red", "red"),
    (str | None, "7", "7"),
    (bool, "true", True),
    (bool, "Yes", True),
    (bool, "n", False),
    (float, "2.5", 2.5),
    (int, "3", 3),
    (Level, "2", 2),
    (int | None, "null", None),
    (list[int], "[1, 2]", [1, 2]),
]
"""The kind of the one field that is asked for, what a person types, and the field's value."""


@pytest.mark.parametrize(("kind", "typed", "value"), TYPED_ON_ONE_LINE)
def test_what_is_typed_where_one_field_is_asked_for_is_its_value(kind: Any, typed: str, value: object) -> None:
    schema = create_model("Asked", said=(kind, ...), note=(str, "")).model_json_schema()

    answer = typed_answer(schema, typed)

    assert answer == {"said": value}
    validator_for(schema)(schema).validate(cast("Any", answer))


@pytest.mark.parametrize(
    ("schema", "typed", "answer"),
    [
        (create_model("One", said=(str, ...)).model_json_schema(), '{"said": "42"}', {"said": "42"}),
        (create_model("Two", said=(str, ...), to=(str, ...)).model_json_schema(), "42", 42),
        (create_model("Maybe", said=(str, "")).model_json_schema(), "42", {"said": "42"}),
        ({}, "42", 42),
        ({}, "plain words", "plain words"),
        ({"type": "string"}, "42", "42"),
        ({"type": "boolean"}, "no", False),
    ],
)
def test_an_object_is_typed_as_json_and_what_is_no_object_by_itself(
    schema: dict[str, Any], typed: str, answer: object
) -> None:
    assert typed_answer(schema, typed) == answer
