"""JSON objects to messages: `stream_event`, as far as `agents.claude.usual_lines` leaves them."""

from agents.claude.stream_messages import (
    AnyStreamMessage,
    BlockStarted,
    BlockStopped,
    InputDelta,
    MessageDelta,
    MessageStarted,
    MessageStopped,
    OtherStreamEvent,
    TextDelta,
    ThinkingDelta,
)
from agents.json_fields import Json, JsonObject, count_of, object_of


def parse_stream_event(fields: JsonObject) -> AnyStreamMessage | None:
    """Read a `stream_event` line; None if it does not say what it is about."""
    event = fields.get("event")
    message_id = fields.get("api_message_id")
    if not isinstance(event, dict) or not isinstance(message_id, str):
        return None
    kind = event.get("type")
    if fields.get("parent_tool_use_id") is not None:
        return OtherStreamEvent(message_id, "of a sub-agent")
    index = event.get("index")
    if isinstance(index, int):
        if kind == "content_block_delta":
            return _delta(event.get("delta"), message_id, index)
        if kind == "content_block_stop":
            return BlockStopped(message_id, index)
        if kind == "content_block_start":
            return _block_started(event.get("content_block"), message_id, index)
    elif kind == "message_start":
        return MessageStarted(message_id)
    elif kind == "message_delta":
        delta = event.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        used = object_of(event, "usage")
        cached = count_of(used, "cache_read_input_tokens") + count_of(used, "cache_creation_input_tokens")
        return MessageDelta(
            message_id,
            reason if isinstance(reason, str) else None,
            count_of(used, "input_tokens") + cached,
            count_of(used, "output_tokens"),
        )
    elif kind == "message_stop":
        return MessageStopped(message_id, _abandoned_from(fields.get("abandoned_blocks"), message_id))
    return OtherStreamEvent(message_id, kind if isinstance(kind, str) else "")


def _delta(delta: Json, message_id: str, index: int) -> AnyStreamMessage:
    if not isinstance(delta, dict):
        return OtherStreamEvent(message_id, "")
    kind = delta.get("type")
    if kind == "text_delta":
        text = delta.get("text")
        if isinstance(text, str):
            return TextDelta(message_id, index, text)
    elif kind == "input_json_delta":
        text = delta.get("partial_json")
        if isinstance(text, str):
            return InputDelta(message_id, index, text)
    elif kind == "thinking_delta":
        text = delta.get("thinking")
        if isinstance(text, str):
            return ThinkingDelta(message_id, index, text)
    return OtherStreamEvent(message_id, kind if isinstance(kind, str) else "")


def _block_started(block: Json, message_id: str, index: int) -> BlockStarted:
    if not isinstance(block, dict):
        return BlockStarted(message_id, index, "", "")
    kind, tool = block.get("type"), block.get("name")
    return BlockStarted(message_id, index, kind if isinstance(kind, str) else "", tool if isinstance(tool, str) else "")


def _abandoned_from(abandoned: Json, message_id: str) -> int | None:
    """Read where the void part begins; a part that is not said clearly is void as a whole."""
    if not isinstance(abandoned, dict) or abandoned.get("api_message_id", message_id) != message_id:
        return None
    index = abandoned.get("from_block_index")
    return index if isinstance(index, int) else 0
