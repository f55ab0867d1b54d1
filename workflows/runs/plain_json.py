"""Makes plain JSON of what almost is.

Models and tools hand over half characters (a text cut between two UTF-16 units), a node hands over a path or a set. A
run that has cost minutes and money does not fail for that: what JSON cannot hold is replaced, visibly.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

from pydantic import BaseModel

_LARGEST_INTEGER = 2**63
_DEEPEST = 200
"""How many levels of lists and objects are kept; the JSON library takes 254 in all."""


def plain_json(value: object, depth: int = 0) -> object:
    """The value with everything replaced that JSON cannot hold.

    Half characters become `?`; integers beyond 64 bits, values of other types and what is nested deeper than 200 levels
    become their text; keys become texts; tuples and sets become lists, models become
    objects.

    Args:
        value: Anything.
        depth: How many levels the value is nested already.
    """
    match value:
        case str():
            return whole_text(value)
        case bool() | float() | None:
            return value
        case int():
            return value if -_LARGEST_INTEGER <= value < _LARGEST_INTEGER else str(value)
        case bytes() | bytearray():
            return value.decode(errors="replace")
        case BaseModel() if depth < _DEEPEST:
            return plain_json(dict(value), depth)
        case Mapping() if depth < _DEEPEST:
            items = cast("Mapping[object, object]", value).items()
            return {whole_text(str(key)): plain_json(item, depth + 1) for key, item in items}
        case Sequence() | AbstractSet() if depth < _DEEPEST:
            return [plain_json(item, depth + 1) for item in cast("Sequence[object]", value)]
        case _:
            return whole_text(str(value))


def whole_text(text: str) -> str:
    """The text with half characters replaced by `?`."""
    return text.encode(errors="replace").decode()
