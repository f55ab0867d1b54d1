"""A line to a message, without I/O. `parse_message` never raises, whatever the line is.

Nearly every line is read by `agents.claude.usual_lines`, which is fast and strict. Whatever it leaves, because the line
comes less often or is not as declared, is read here field by field; both give the same message for the same line.
"""

import json
from collections.abc import Callable

import orjson

from agents.claude.conversation_parser import parse_assistant, parse_result, parse_user
from agents.claude.messages import (
    CliMessage,
    ControlAnswered,
    ControlCancelled,
    ControlRequested,
    MessageTaken,
    NotAMessage,
    UnknownMessage,
)
from agents.claude.stream_parser import parse_stream_event
from agents.claude.system_parser import parse_rate_limit, parse_system, parse_tool_progress
from agents.claude.usual_lines import parse_usual_line
from agents.json_fields import Json, JsonObject, object_of, optional_text_of, text_of

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
    return parse_usual_line(line) or _parse_anything(line)


def _parse_anything(line: bytes) -> CliMessage:
    try:
        fields = _loads(line)
    except ValueError as error:
        fields = _loads_leniently(line)
        if fields is None:
            return NotAMessage(f"not JSON: {error}", _excerpt(line))
    if not isinstance(fields, dict):
        return NotAMessage("JSON, but not an object", _excerpt(line))
    kind = fields.get("type")
    if kind == "stream_event":
        message = parse_stream_event(fields)
    else:
        parse = _PARSERS.get(kind) if isinstance(kind, str) else None
        message = None if parse is None else parse(fields)
    if message is not None:
        return message
    return UnknownMessage(text_of(fields, "type"), text_of(fields, "subtype"), fields)


def _loads_leniently(line: bytes) -> Json:
    """Read JSON that orjson refuses because a text was cut in the middle of a character.

    JavaScript writes half of a character beyond U+FFFF as an escape of its own; it becomes `?` here. Bytes that are no
    UTF-8 become U+FFFD: one of them must not cost the whole line. Anything else that is wrong stays wrong (None).
    """
    try:
        repaired = json.dumps(json.loads(line.decode(errors="replace")), ensure_ascii=False).encode(errors="replace")
        return _loads(repaired)
    except (ValueError, RecursionError):
        return None


def _excerpt(line: bytes) -> str:
    return line[:_EXCERPT_CHARACTERS].decode(errors="replace")


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


def _parse_message_taken(fields: JsonObject) -> MessageTaken | None:
    message_id, state = optional_text_of(fields, "command_uuid"), optional_text_of(fields, "state")
    return None if message_id is None or state is None else MessageTaken(message_id, state)


_PARSERS: dict[str, Callable[[JsonObject], CliMessage | None]] = {
    "assistant": parse_assistant,
    "user": parse_user,
    "result": parse_result,
    "system": parse_system,
    "tool_progress": parse_tool_progress,
    "rate_limit_event": parse_rate_limit,
    "control_request": _parse_control_request,
    "control_response": _parse_control_response,
    "control_cancel_request": _parse_control_cancel,
    "command_lifecycle": _parse_message_taken,
}
