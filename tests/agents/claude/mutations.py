"""Messages of the CLI that are not as declared: fields left out, and fields of another type."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle
from typing import TypeAlias

import orjson

from agents.json_fields import Json, JsonObject
from tests.agents.claude.recorded import lines_of, recordings

Path: TypeAlias = tuple[str | int, ...]

WRONG_VALUES: tuple[Json, ...] = (None, True, -1, 1.5, 1e308, 2**63, "x", "", [], ["x"], [None], {}, {"type": "x"})


def recorded_objects() -> Iterator[JsonObject]:
    """All recorded messages."""
    for recording in recordings().values():
        for line in lines_of(recording.bytes):
            fields: Json = orjson.loads(line)
            assert isinstance(fields, dict)
            yield fields


def paths(value: Json, above: Path = ()) -> Iterator[Path]:
    """Where something could be changed; of a list only the first item, because the others are alike."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*above, name)
            yield from paths(inner, (*above, name))
    elif isinstance(value, list) and value:
        yield (*above, 0)
        yield from paths(value[0], (*above, 0))


def without(fields: JsonObject, path: Path) -> bytes:
    """The line with what is at a path left out."""
    changed = deepcopy(fields)
    place, last = _place(changed, path)
    if isinstance(place, dict):
        del place[str(last)]
    elif isinstance(place, list):
        del place[int(last)]
    return orjson.dumps(changed)


def replaced(fields: JsonObject, path: Path, value: Json) -> bytes:
    """The line with another value at a path."""
    changed = deepcopy(fields)
    place, last = _place(changed, path)
    if isinstance(place, dict):
        place[str(last)] = value
    elif isinstance(place, list):
        place[int(last)] = value
    return orjson.dumps(changed)


def _place(value: Json, path: Path) -> tuple[Json, str | int]:
    for step in path[:-1]:
        if isinstance(value, dict):
            value = value[str(step)]
        elif isinstance(value, list):
            value = value[int(step)]
    return value, path[-1]


def shape_of(fields: JsonObject) -> tuple[Json, ...]:
    """What makes two messages alike for these tests: their type, subtype and the paths in them."""
    return (fields.get("type"), fields.get("subtype"), *(str(path) for path in paths(fields)))


def distinct_objects() -> list[JsonObject]:
    """One recorded message of each shape."""
    return list({shape_of(fields): fields for fields in recorded_objects()}.values())


def mutated_lines(kind: str | None = None) -> Iterator[bytes]:
    """Each distinct recorded message (of a type) with each field left out, and with each wrong in one of the ways.

    The ways take turns: every field is wrong in some way, and every way is tried on some fields of every kind.
    """
    ways = cycle(WRONG_VALUES)
    for fields in distinct_objects():
        if kind is not None and fields["type"] != kind:
            continue
        for path in paths(fields):
            yield without(fields, path)
            yield replaced(fields, path, next(ways))
