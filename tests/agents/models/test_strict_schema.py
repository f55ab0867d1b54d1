"""Schemas within what providers can hold a model to."""

from typing import Any, Literal, cast

from pydantic import BaseModel, Field

from agents.models.reply_shape import schema_of
from agents.models.strict_schema import strict_schema


class Finding(BaseModel):
    file: str = Field(min_length=1, description="Where.")
    line: int | None = Field(default=None, ge=1)
    severity: Literal["low", "high"] = "low"


class Review(BaseModel):
    """A review."""

    findings: list[Finding] = Field(default=[], max_length=9)
    best: Finding | None = None


class Table(BaseModel):
    rows: dict[str, int]


def objects_in(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for value in cast("list[Any]", schema) for found in objects_in(value)]
    if not isinstance(schema, dict):
        return []
    fields = cast("dict[str, Any]", schema)
    inner = [found for value in fields.values() for found in objects_in(value)]
    return [fields, *inner] if fields.get("type") == "object" else inner


def test_every_object_is_closed_and_names_all_its_fields_as_required() -> None:
    schema = strict_schema(schema_of(Review))

    assert schema is not None
    objects = objects_in(schema)
    assert len(objects) == 2
    assert all(found["additionalProperties"] is False for found in objects)
    assert all(found["required"] == list(found["properties"]) for found in objects)


def test_bounds_that_are_not_accepted_are_told_in_the_description() -> None:
    schema: Any = strict_schema(schema_of(Review))
    file = schema["$defs"]["Finding"]["properties"]["file"]

    assert file == {"type": "string", "description": "Where. (minLength: 1)"}
    assert schema["properties"]["findings"]["description"] == "(maxItems: 9)"


def test_what_the_strict_form_asks_for_is_read_by_the_shape() -> None:
    reply = {"findings": [{"file": "a.py", "line": None, "severity": "high"}], "best": None}

    assert Review.model_validate(reply).findings[0].severity == "high"


def test_a_shape_with_fields_of_any_name_has_no_strict_form() -> None:
    assert strict_schema(schema_of(Table)) is None


def test_what_is_no_object_has_no_strict_form() -> None:
    assert strict_schema({"type": "array", "items": {"type": "string"}}) is None


def test_a_reference_stands_alone() -> None:
    schema: Any = strict_schema(
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A", "description": "beside it"}, "b": {"allOf": [{"type": "null"}]}},
            "$defs": {"A": {"const": 1}},
        }
    )

    assert schema["properties"] == {"a": {"$ref": "#/$defs/A"}, "b": {"type": "null"}}
    assert schema["$defs"]["A"] == {"enum": [1]}
