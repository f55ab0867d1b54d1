"""Events as the JSON text they are kept as, for those who pass them on and read nothing but what kind they are.

To make an event of its text and text of the event again takes six times as long as to find out where the text ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from workflows.runs.errors import LogUnavailable
from workflows.runs.event_json import KNOWN_TYPES, decode


@dataclass(frozen=True, slots=True)
class EventText:
    """An event's text.

    Attributes:
        seq: Its number.
        type: Its type.
        json: The whole event, a JSON object in one line, UTF-8.
    """

    seq: int
    type: str
    json: bytes


@cache
def _decoders() -> tuple[Any, Any, type[Exception]]:
    """What finds the heads in an array and what finds the texts, and what they raise; loaded when history is read."""
    import msgspec

    head = msgspec.defstruct("head", [("seq", int), ("type", str)], gc=False)
    return msgspec.json.Decoder(list[head]).decode, msgspec.json.Decoder(list[msgspec.Raw]).decode, msgspec.DecodeError


def split(array: str) -> Sequence[EventText]:
    """The events of a JSON array, without reading more of them than their heads.

    Raises:
        workflows.runs.errors.LogUnavailable: The text is no array of events, or has one of a type this version does not
            know.
    """
    heads_in, texts_in, cannot_read = _decoders()
    try:
        heads, texts = heads_in(array), texts_in(array)
    except cannot_read as error:
        raise LogUnavailable(f"The log has an entry that cannot be read: {error}.") from error
    for head, text in zip(heads, texts, strict=True):
        if head.type not in KNOWN_TYPES:
            decode(bytes(text))  # says so
    return [EventText(head.seq, head.type, bytes(text)) for head, text in zip(heads, texts, strict=True)]
