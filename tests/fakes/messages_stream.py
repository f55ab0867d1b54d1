"""A scripted reply as the Messages API sends it: server-sent events, or one JSON message."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import assert_never

import orjson
from pydantic import JsonValue

from tests.fakes.messages_script import Block, Json, Reply, Text, Thinking, ToolUse

_SIGNATURE = "c2lnbmVkIGJ5IHRoZSBmYWtl"


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes an answer this one and no other.

    Attributes:
        message_id: Id of the message.
        model: The model it is said to come from.
        input_tokens: Tokens of the request.
    """

    message_id: str
    model: str
    input_tokens: int

    def call_id(self, index: int) -> str:
        """Id of the tool call in block `index`."""
        return f"toolu_{self.message_id.removeprefix('msg_')}_{index}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event.

    Attributes:
        data: Its bytes.
        end: How many characters of content have been sent with it and before it.
    """

    data: bytes
    end: int


def tokens(characters: int) -> int:
    """The usual estimate: four characters are a token."""
    return max(1, characters // 4)


def output_tokens(reply: Reply) -> int:
    """What the reply counts for."""
    return tokens(characters_of(reply))


def characters_of(reply: Reply) -> int:
    """How many characters of content the reply has; the arguments of a tool call count as their JSON."""
    return sum(len(_content(block)) for block in reply.blocks)


def middle_of_last_block(reply: Reply) -> int:
    """The position in the middle of the last block's content."""
    return characters_of(reply) - (len(_content(reply.blocks[-1])) + 1) // 2


def message(reply: Reply, identity: Identity) -> Json:
    """The whole reply as one JSON message."""
    return {
        **_opening(identity),
        "content": [_whole_block(block, identity.call_id(index)) for index, block in enumerate(reply.blocks)],
        "stop_reason": reply.why_it_stops,
        "usage": _usage(identity.input_tokens, output_tokens(reply)),
    }


def frames(reply: Reply, identity: Identity, breaks: AbstractSet[int] = frozenset()) -> Iterator[Frame]:
    """The reply as server-sent events, every delta ending at the latest at the next of `breaks`."""
    yield _frame("message_start", 0, message=dict(_opening(identity)))
    end = 0
    if reply.unheard_of:
        yield from _unheard_of(len(reply.blocks))
    for index, block in enumerate(reply.blocks):
        yield _frame(
            "content_block_start", end, index=index, content_block=_empty_block(block, identity.call_id(index))
        )
        content = _content(block)
        for piece in _pieces(content, reply.piece, {position - end for position in breaks}):
            end += len(piece)
            yield _frame("content_block_delta", end, index=index, delta=_delta(block, piece))
        if isinstance(block, Thinking):
            signature: dict[str, JsonValue] = {"type": "signature_delta", "signature": _SIGNATURE}
            yield _frame("content_block_delta", end, index=index, delta=signature)
        yield _frame("content_block_stop", end, index=index)
    why: dict[str, JsonValue] = {"stop_reason": reply.why_it_stops, "stop_sequence": None}
    yield _frame("message_delta", end, delta=why, usage=_usage(identity.input_tokens, output_tokens(reply)))
    yield _frame("message_stop", end)


def _unheard_of(index: int) -> Iterator[Frame]:
    """Events of kinds that no client knows, and things they do not know in kinds they do."""
    yield _frame("ping", 0)
    yield _frame("weather", 0, forecast="rain")
    yield _frame("content_block_start", 0, index=index, content_block={"type": "hologram", "text": "not yet"})
    yield _frame("content_block_delta", 0, index=index, delta={"type": "hologram_delta", "text": "not yet either"})
    yield _frame("content_block_delta", 0, index=99, delta={"type": "text_delta", "text": "of no block"})
    yield _frame("content_block_delta", 0, index=index)
    yield _frame("content_block_stop", 0, index=index)


def error_frame(error_type: str) -> bytes:
    """An error in the middle of a stream."""
    return _frame("error", 0, error={"type": error_type, "message": "scripted error"}).data


def _frame(event: str, end: int, **fields: JsonValue) -> Frame:
    return Frame(b"event: %b\ndata: %b\n\n" % (event.encode(), orjson.dumps({"type": event, **fields})), end)


def _pieces(content: str, size: int, breaks: AbstractSet[int]) -> Iterator[str]:
    ends = sorted({*range(size, len(content), size), *(b for b in breaks if 0 < b < len(content)), len(content)})
    start = 0
    for end in ends:
        if end > start:
            yield content[start:end]
        start = end


def _opening(identity: Identity) -> dict[str, JsonValue]:
    return {
        "id": identity.message_id,
        "type": "message",
        "role": "assistant",
        "model": identity.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(identity.input_tokens, 1),
    }


def _usage(input_tokens: int, output: int) -> dict[str, JsonValue]:
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
    }


def _content(block: Block) -> str:
    match block:
        case Text(text) | Thinking(text):
            return text
        case ToolUse(_, arguments):
            return orjson.dumps(arguments).decode()
        case _:
            assert_never(block)


def _delta(block: Block, piece: str) -> dict[str, JsonValue]:
    match block:
        case Text():
            return {"type": "text_delta", "text": piece}
        case Thinking():
            return {"type": "thinking_delta", "thinking": piece}
        case ToolUse():
            return {"type": "input_json_delta", "partial_json": piece}
        case _:
            assert_never(block)


def _empty_block(block: Block, call_id: str) -> dict[str, JsonValue]:
    match block:
        case Text():
            return {"type": "text", "text": ""}
        case Thinking():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case ToolUse(name):
            return {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        case _:
            assert_never(block)


def _whole_block(block: Block, call_id: str) -> dict[str, JsonValue]:
    match block:
        case Text(text):
            return {"type": "text", "text": text}
        case Thinking(text):
            return {"type": "thinking", "thinking": text, "signature": _SIGNATURE}
        case ToolUse(name, arguments):
            return {"type": "tool_use", "id": call_id, "name": name, "input": dict(arguments)}
        case _:
            assert_never(block)
