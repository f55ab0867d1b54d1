"""A line to a message, without I/O. `parse_message` never raises, whatever the line is.

The hot path is a text delta: one `orjson.loads`, a few look-ups, one small object. There is no pydantic on it.
"""

import json
from collections.abc import Callable

import orjson

from agents.claude.conversation_parser import parse_assistant, parse_result, parse_user
from agents.claude.fields import Json, JsonObject, object_of, optional_text_of, text_of
from agents.claude.messages import (
    CliMessage,
    ControlAnswered,
    ControlCancelled,
    ControlRequested,
    NotAMessage,
    UnknownMessage,
)
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
from agents.claude.system_parser import parse_rate_limit, parse_system, parse_tool_progress

_EXCERPT_CHARACTERS = 200

_loads: Callable[[bytes], Json] = orjson.loads


def parse_message(line: bytes) -> CliMessage:
    """Turn a line into what it says.

    Args:
        line: One line as `LineFramer` gives it, of any length.

    Returns:
        The message. `UnknownMessage` for a type that is not known or a known one without its essential fields;
        `NotAMessage` for a line that is no JSON object. Other fields of a wrong type have their neutral values.
    """
    try:
        fields = _loads(line)
    except ValueError as error:
        fields = _loads_leniently(line)
        if fields is None:
            return NotAMessage(f"not JSON: {error}", _excerpt(line))
    if not isinstance(fields, dict):
        return NotAMessage("JSON, but not an object", _excerpt(line))
    kind = fields.get("type")
    if not isinstance(kind, str):
        return UnknownMessage("", text_of(fields, "subtype"), fields)
    parse = _PARSERS.get(kind)
    message = None if parse is None else parse(fields)
    return UnknownMessage(kind, text_of(fields, "subtype"), fields) if message is None else message


def _loads_leniently(line: bytes) -> Json:
    """Read JSON that orjson refuses because a text was cut in the middle of a character beyond U+FFFF.

    JavaScript writes half of such a character as an escape of its own; it becomes `?` here. Anything else that is
    wrong stays wrong (None).
    """
    if b"\\u" not in line:
        return None
    try:
        repaired = json.dumps(json.loads(line.decode()), ensure_ascii=False).encode(errors="replace")
        return _loads(repaired)
    except (ValueError, RecursionError):
        return None


def _excerpt(line: bytes) -> str:
    return line[:_EXCERPT_CHARACTERS].decode(errors="replace")


def _parse_stream_event(fields: JsonObject) -> AnyStreamMessage | None:
    event = fields.get("event")
    message_id = fields.get("api_message_id")
    if not isinstance(event, dict) or not isinstance(message_id, str):
        return None
    kind = event.get("type")
    if fields.get("parent_tool_use_id") is not None:
        return OtherStreamEvent(message_id, "of a sub-agent")
    index = event.get("index")
    if isinstance(index, int):
        return _parse_block_event(event, kind, message_id, index)
    if kind == "message_start":
        return MessageStarted(message_id)
    if kind == "message_delta":
        return MessageDelta(message_id, optional_text_of(object_of(event, "delta"), "stop_reason"))
    if kind == "message_stop":
        abandoned = fields.get("abandoned_blocks")
        return MessageStopped(message_id, _abandoned_from(abandoned, message_id))
    return OtherStreamEvent(message_id, kind if isinstance(kind, str) else "")


def _parse_block_event(event: JsonObject, kind: Json, message_id: str, index: int) -> AnyStreamMessage:
    if kind == "content_block_delta":
        delta = event.get("delta")
        if isinstance(delta, dict):
            delta_kind = delta.get("type")
            if delta_kind == "text_delta":
                return TextDelta(message_id, index, text_of(delta, "text"))
            if delta_kind == "thinking_delta":
                return ThinkingDelta(message_id, index, text_of(delta, "thinking"))
            if delta_kind == "input_json_delta":
                return InputDelta(message_id, index, text_of(delta, "partial_json"))
            kind = delta_kind
    elif kind == "content_block_start":
        block = object_of(event, "content_block")
        return BlockStarted(message_id, index, text_of(block, "type"), text_of(block, "name"))
    elif kind == "content_block_stop":
        return BlockStopped(message_id, index)
    return OtherStreamEvent(message_id, kind if isinstance(kind, str) else "")


def _abandoned_from(abandoned: Json, message_id: str) -> int | None:
    """Read where the void part begins; a part that is not said clearly is void as a whole."""
    if not isinstance(abandoned, dict) or abandoned.get("api_message_id", message_id) != message_id:
        return None
    index = abandoned.get("from_block_index")
    return index if isinstance(index, int) else 0


def _parse_control_request(fields: JsonObject) -> ControlRequested | None:
    request_id = optional_text_of(fields, "request_id")
    if request_id is None:
        return None
    request = object_of(fields, "request")
    return ControlRequested(request_id, text_of(request, "subtype"), request)


def _parse_control_response(fields: JsonObject) -> ControlAnswered | None:
    response = object_of(fields, "response")
    request_id = optional_text_of(response, "request_id")
    if request_id is None:
        return None
    return ControlAnswered(
        request_id, text_of(response, "subtype"), text_of(response, "error"), object_of(response, "response")
    )


def _parse_control_cancel(fields: JsonObject) -> ControlCancelled | None:
    request_id = optional_text_of(fields, "request_id")
    return None if request_id is None else ControlCancelled(request_id)


_PARSERS: dict[str, Callable[[JsonObject], CliMessage | None]] = {
    "stream_event": _parse_stream_event,
    "assistant": parse_assistant,
    "user": parse_user,
    "result": parse_result,
    "system": parse_system,
    "tool_progress": parse_tool_progress,
    "rate_limit_event": parse_rate_limit,
    "control_request": _parse_control_request,
    "control_response": _parse_control_response,
    "control_cancel_request": _parse_control_cancel,
}
