"""A typed reply of a model: the shape it is asked for, and reading what came."""

import re
from typing import TypeVar

import orjson
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from agents.models.request import JsonSchema, ReplySchema

_SHOWN_PROBLEMS = 5
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(?P<inside>.*?)\n?[ \t]*```", re.DOTALL | re.IGNORECASE)
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_NAME_CHARACTERS = 64
_Shape = TypeVar("_Shape", bound=BaseModel)
_Schema = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


class ReplyMisfit(Exception):
    """A reply does not have its shape; the message says why, for the model to read."""


def schema_of(shape: type[BaseModel]) -> JsonSchema:
    """The JSON schema of a model of data, as a model is told it."""
    return _Schema.validate_python(shape.model_json_schema())


def reply_schema_of(shape: type[BaseModel]) -> ReplySchema:
    """What to ask a model for."""
    return ReplySchema(name=_NOT_IN_A_NAME.sub("_", shape.__name__)[:_NAME_CHARACTERS], schema=schema_of(shape))


def told_schema(schema: ReplySchema) -> str:
    """The shape in words, for a model whose provider does not hold it to a schema."""
    return (
        f"Your final answer is exactly one JSON value and nothing else: no words around it, no code fence. It conforms "
        f"to this JSON schema, named {schema.name}:\n{orjson.dumps(dict(schema.schema)).decode()}"
    )


def read_reply(text: str, shape: type[_Shape]) -> _Shape:
    """Read a typed reply. A code fence around it, which models like to add, is taken off.

    Args:
        text: The answer.
        shape: What it should be.

    Raises:
        ReplyMisfit: It is not.
    """
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        fenced = _FENCED.search(text)
        if fenced is None:
            raise ReplyMisfit(_problems(error)) from error
    try:
        return shape.model_validate_json(fenced["inside"])
    except ValidationError as error:
        raise ReplyMisfit(_problems(error)) from error


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"- {'.'.join(str(part) for part in problem['loc']) or 'the whole'}: {problem['msg']}"
        for problem in problems[:_SHOWN_PROBLEMS]
    ]
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(f"- and {len(problems) - _SHOWN_PROBLEMS} more")
    return "\n".join(lines)
