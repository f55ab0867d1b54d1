"""Reading fields of JSON objects that someone else wrote: a wrong type is the neutral value, never an error."""

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A JSON value as the parser gives it."""

JsonObject: TypeAlias = dict[str, Json]
"""A JSON object as the parser gives it."""

LARGEST_NUMBER = 2**53
"""Whole numbers are exact up to here, everywhere; nothing that is counted or measured here comes near."""


def text_of(fields: JsonObject, name: str) -> str:
    """Read a text; empty if it is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def optional_text_of(fields: JsonObject, name: str) -> str | None:
    """Read a text; None if it is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else None


def flag_of(fields: JsonObject, name: str) -> bool:
    """Read a flag; only `true` is true."""
    return fields.get(name) is True


def optional_number_of(fields: JsonObject, name: str) -> float | None:
    """Read a number of a size that can be meant; None if it is none."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        return None
    return float(value)


def number_of(fields: JsonObject, name: str) -> float:
    """Read a number that cannot be negative; 0.0 if it is none."""
    return max(0.0, optional_number_of(fields, name) or 0.0)


def optional_int_of(fields: JsonObject, name: str) -> int | None:
    """Read a whole number; None if it is none."""
    value = optional_number_of(fields, name)
    return None if value is None else int(value)


def count_of(fields: JsonObject, name: str) -> int:
    """Read a count; 0 if it is none."""
    return int(number_of(fields, name))


def object_of(fields: JsonObject, name: str) -> JsonObject:
    """Read an object; empty if it is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def objects_of(fields: JsonObject, name: str) -> list[JsonObject]:
    """Read the objects of a list, leaving out what is none; empty if it is no list."""
    value = fields.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts_of(fields: JsonObject, name: str) -> tuple[str, ...]:
    """Read the texts of a list, leaving out what is none; empty if it is no list."""
    value = fields.get(name)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
