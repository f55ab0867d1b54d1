"""Walks the strings of a JSON value."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast


def map_strings(
    value: object,
    change: Callable[[str, str], str],
    path: str = "",
    *,
    change_key: Callable[[str], str] = lambda key: key,
) -> object:
    """A copy of a JSON value with every string changed.

    Args:
        value: Plain JSON.
        change: Gets a string and its path, for example `input.edits[0].text`; returns what takes its place.
        path: Path of `value` itself.
        change_key: Gets an object's key; returns what takes its place. Keys that become the same are numbered.
    """
    if isinstance(value, str):
        return change(value, path)
    if isinstance(value, Mapping):
        changed: dict[str, object] = {}
        for old, item in cast("Mapping[str, object]", value).items():
            key = _free(change_key(old), changed)
            changed[key] = map_strings(item, change, f"{path}.{key}" if path else key, change_key=change_key)
        return changed
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        items = cast("Sequence[object]", value)
        return [
            map_strings(item, change, f"{path}[{index}]", change_key=change_key) for index, item in enumerate(items)
        ]
    return value


def _free(key: str, taken: Mapping[str, object]) -> str:
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key}-{number}"
    return free
