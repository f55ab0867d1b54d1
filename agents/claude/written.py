"""What is written to the CLI while it works (`--input-format=stream-json`): one JSON object per line. Pure.

Measured on version 2.1.329:

* A message that is written in the middle of a turn reaches the model with the next request of that same turn, that is,
  after the tool calls that run now. If the turn makes no further request, it begins a turn of its own right after that
  turn's result; messages that wait then are told together.
* A message that carries a `uuid` is followed by `command_lifecycle` lines which say when it is taken up. The count of
  queued turns in a result does not count it.
* End of file does not cut anything short: what was written before it is still played.
* A question (`can_use_tool`) waits for its answer in silence, without signs of life (65 s watched). Commands are asked
  about one after the other, reading tools possibly at once. End of file answers it with no.
"""

import json
import re
from collections.abc import Mapping

from agents.agent import PermissionAnswer
from agents.json_fields import JsonObject

INSTRUCTION_PREFIX = "An instruction that a person adds while you work:\n\n"
"""Stands before every added instruction, for the reason `PROMPT_PREFIX` stands before every prompt."""
DENIED = "A person has denied this call."
"""What the model reads where the person gave no reason: an empty tool result would say nothing."""

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL cannot stand in an argument, half a surrogate pair cannot be written as UTF-8."""


def sendable(text: str) -> str:
    """Replace what cannot be handed to the CLI."""
    return _UNSENDABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def user_message(text: str, message_id: str) -> bytes:
    """A message to the model.

    Args:
        text: With words of ours in front, so that it is only ever data.
        message_id: A UUID, by which the CLI says when it takes the message up.
    """
    content = [{"type": "text", "text": sendable(text)}]
    return _line(
        {
            "type": "user",
            "message": {"role": "user", "content": content},
            "parent_tool_use_id": None,
            "uuid": message_id,
        }
    )


def permission_answer(request_id: str, answer: PermissionAnswer, tool_input: JsonObject) -> bytes:
    """The answer to a `can_use_tool`.

    Args:
        request_id: Of the question.
        answer: What the person said.
        tool_input: The arguments that were asked about; exactly these are allowed.
    """
    verdict: JsonObject = (
        {"behavior": "allow", "updatedInput": tool_input}
        if answer.allowed
        else {"behavior": "deny", "message": sendable(answer.message.strip() or DENIED)}
    )
    return _response({"subtype": "success", "request_id": request_id, "response": verdict})


def no_answer(request_id: str, subtype: str) -> bytes:
    """The answer to a request that nobody here understands: the CLI must not wait for it."""
    return _response({"subtype": "error", "request_id": request_id, "error": f"{subtype!r} is not answered here"})


def _response(response: JsonObject) -> bytes:
    return _line({"type": "control_response", "response": response})


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"  # ASCII: no character that ends a line
