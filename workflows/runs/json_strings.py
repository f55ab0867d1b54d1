"""Walks the strings of a JSON value."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast


def map_strings(value: object, change: Callable[[str, str], str], path: str = "") -> object:
    """A copy of a JSON value with every string changed; keys stay as they are.

    Args:
        value: Plain JSON.
        change: Gets a string and its path, for example `input.edits[0].text`; returns what takes its place.
        path: Path of `value` itself.
    """
    if isinstance(value, str):
        return change(value, path)
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return {key: map_strings(item, change, f"{path}.{key}" if path else key) for key, item in mapping.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        items = cast("Sequence[object]", value)
        return [map_strings(item, change, f"{path}[{index}]") for index, item in enumerate(items)]
    return value
