"""A JSON schema within what providers can hold a model to while it writes ("strict" structured outputs). Pure.

Every object is closed and names all of its fields as required; what has a default in the shape is then always written
out. Bounds and formats that are not accepted become part of the descriptions, so that the model still knows of them.
"""

from pydantic import JsonValue

from agents.models.request import JsonSchema

_NOT_ACCEPTED = frozenset(
    {
        "maxLength",
        "minLength",
        "maxItems",
        "minItems",
        "uniqueItems",
        "maximum",
        "minimum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "multipleOf",
        "pattern",
        "format",
        "minProperties",
        "maxProperties",
    }
)
_DROPPED = frozenset({"default", "title", "examples", "discriminator", "$schema"})
_SCHEMA_MAPS = frozenset({"properties", "$defs", "definitions"})
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})


class _Open(Exception):
    """The schema has an object with fields of any name."""


def strict_schema(schema: JsonSchema) -> JsonSchema | None:
    """The schema in its strict form.

    Args:
        schema: JSON schema as pydantic makes it.

    Returns:
        The strict form, or None if it has none: an object whose fields can have any name, or no object at all on top.
    """
    if schema.get("type") != "object":
        return None
    try:
        return _narrowed(dict(schema))
    except _Open:
        return None


def _narrowed(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}  # nothing may stand beside it
    if (only := _only_part(schema)) is not None:
        return _narrowed(only)
    narrowed: dict[str, JsonValue] = {}
    for name, value in schema.items():
        if name in _SCHEMA_MAPS and isinstance(value, dict):
            narrowed[name] = {key: _narrowed_value(part) for key, part in value.items()}
        elif name in _SCHEMA_LISTS and isinstance(value, list):
            narrowed["anyOf" if name == "oneOf" else name] = [_narrowed_value(part) for part in value]
        elif name == "items":
            narrowed[name] = _narrowed_value(value)
        elif name == "const":
            narrowed["enum"] = [value]
        elif name not in _NOT_ACCEPTED and name not in _DROPPED:
            narrowed[name] = value
    if (bounds := _bounds(schema)) is not None:
        narrowed["description"] = bounds
    if schema.get("type") == "object":
        _close(narrowed)
    return narrowed


def _narrowed_value(value: JsonValue) -> JsonValue:
    return _narrowed(value) if isinstance(value, dict) else value


def _only_part(schema: dict[str, JsonValue]) -> dict[str, JsonValue] | None:
    """What an `allOf` of one part stands for."""
    match schema.get("allOf"):
        case [dict() as part]:
            return part
        case _:
            return None


def _bounds(schema: dict[str, JsonValue]) -> str | None:
    bounds = [f"{name}: {value}" for name, value in schema.items() if name in _NOT_ACCEPTED]
    if not bounds:
        return None
    return " ".join(part for part in (str(schema.get("description", "")), f"({', '.join(bounds)})") if part)


def _close(narrowed: dict[str, JsonValue]) -> None:
    properties = narrowed.get("properties")
    if not isinstance(properties, dict) or narrowed.get("additionalProperties") not in {None, False}:
        raise _Open
    narrowed["additionalProperties"] = False
    narrowed["required"] = list(properties)
