"""The beginning of a JSON value that is too large to be shown whole."""

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

_SHORTEST = 20
"""Bytes below which no part of a value is shown."""


def size_of(value: object) -> int:
    """Bytes of a plain JSON value, as JSON."""
    return len(orjson.dumps(value))


def excerpt(value: object, room: int) -> object:
    """The leading entries of a list or an object, the beginning of a text; of the same type as the value.

    Args:
        value: Plain JSON.
        room: Bytes of JSON that are left of it, about.
    """
    if size_of(value) <= room:
        return value
    if isinstance(value, str):
        return value[: max(1, room // 4)] + "…"  # a character has 4 bytes at most
    if isinstance(value, Mapping):
        entries: dict[str, object] = {}
        for key, item in cast("Mapping[str, object]", value).items():
            room -= len(key.encode(errors="replace")) + 4
            if room < _SHORTEST:
                break
            entries[key] = excerpt(item, room)
            room -= size_of(entries[key])
        return entries
    if isinstance(value, Sequence):
        items: list[object] = []
        for item in cast("Sequence[object]", value):
            if room < _SHORTEST:
                break
            items.append(excerpt(item, room))
            room -= size_of(items[-1]) + 1
        return items
    return value
