"""JSON Schema of every event, generated from the closed union of their bodies.

Clients in other languages are typed from it. `python -m mcp_server.http.event_schema` writes it to the file beside this
module, which a test compares with what is generated.
"""

import re
from dataclasses import fields
from inspect import cleandoc
from pathlib import Path
from typing import Any, cast, get_args

import orjson
from pydantic import TypeAdapter

from workflows.runs.events import EventBody, LastEvent

FILE = Path(__file__).with_name("events.schema.json")
"""What is generated, as a file."""

_ATTRIBUTE = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<text>.*(?:\n {8,}.*)*)", re.MULTILINE)

Json = dict[str, Any]


def event_schema() -> Json:
    """The schema: one definition for each type of event, and `RunEvent`, which is any of them."""
    bodies = cast("tuple[type[Any], ...]", get_args(EventBody))
    definitions: Json = {}
    for body in bodies:
        definitions |= _definitions(body)
    definitions["LastEvent"] = _one_of(cast("tuple[type[Any], ...]", get_args(LastEvent)))
    definitions["Truncation"] = _TRUNCATION
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "RunEvent",
        "description": "An entry of a run's log: the same object in the log, over SSE and WebSocket, and in files.",
        **_one_of(bodies),
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> bytes:
    """The schema as the file holds it."""
    return orjson.dumps(event_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _one_of(bodies: tuple[type[Any], ...]) -> Json:
    return {"oneOf": [{"$ref": f"#/$defs/{body.__name__}"} for body in bodies]}


def _definitions(body: type[Any]) -> Json:
    schema = TypeAdapter(body).json_schema(mode="serialization")
    others = cast("Json", schema.pop("$defs", {}))
    said = _attributes(body)
    own = {name: _described(schema["properties"][name], said.get(name)) for name in _names(body)}
    entry: Json = {
        "title": body.__name__,
        "description": _summary(body),
        "type": "object",
        "properties": {**_ENVELOPE, **own, "truncated": _TRUNCATED},
        "required": [*_ENVELOPE, *own],
    }
    return {**{name: _tidy(other) for name, other in others.items()}, body.__name__: entry}


def _names(body: type[Any]) -> list[str]:
    return [field.name for field in fields(body)]


def _described(schema: Json, text: str | None) -> Json:
    kept = {name: value for name, value in schema.items() if name not in {"title", "default"}}
    return {**kept, "description": text} if text else kept


def _tidy(schema: Json) -> Json:
    properties = {name: _described(one, None) for name, one in schema["properties"].items()}
    return {**schema, "properties": properties, "description": schema.get("description", "").partition("\n")[0]}


def _summary(body: type[Any]) -> str:
    return cleandoc(body.__doc__ or "").partition("\n\nAttributes:")[0]


def _attributes(body: type[Any]) -> dict[str, str]:
    """What the docstring says of each field."""
    _, _, attributes = cleandoc(body.__doc__ or "").partition("Attributes:\n")
    return {
        name: " ".join(match["text"].split())
        for match in _ATTRIBUTE.finditer(attributes)
        for name in match["names"].split(", ")
    }


_ENVELOPE: Json = {
    "run_id": {"type": "string", "description": "The run."},
    "seq": {"type": "integer", "minimum": 1, "description": "1, 2, 3 ... without a gap."},
    "time": {"type": "string", "format": "date-time", "description": "When it was appended, in UTC."},
    "message": {"type": "string", "description": "One human line."},
    "progress": {"type": "number", "minimum": 0, "maximum": 100, "description": "Never lower than before."},
}
_TRUNCATION: Json = {
    "title": "Truncation",
    "description": "A value of the event was cut; the whole of it is an artifact.",
    "type": "object",
    "properties": {
        "field": {"type": "string", "description": "Path of the value in the event."},
        "uri": {"type": "string", "description": "Where the whole value is."},
        "bytes": {"type": "integer", "description": "Its size, as UTF-8."},
    },
    "required": ["field", "uri", "bytes"],
}
_TRUNCATED: Json = {
    "type": "array",
    "items": {"$ref": "#/$defs/Truncation"},
    "description": "What was cut; not there where nothing was.",
}

if __name__ == "__main__":
    FILE.write_bytes(schema_text())
