"""LangChain's chat messages, as this program's users see them."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, TypeAlias, cast

from langchain_core.messages import BaseMessage, convert_to_messages
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Role: TypeAlias = Literal["user", "assistant", "system"]
_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}


class GivenMessage(BaseModel):
    """A message that a caller gives."""

    model_config = ConfigDict(extra="forbid")

    role: Role = "user"
    content: str


class SaidMessage(BaseModel):
    """A message in a graph's output."""

    role: str = Field(description="user, assistant, system or tool.")
    content: str = Field(description="Its text.")
    tool_calls: list[dict[str, Any]] | None = Field(default=None, description="What it calls: name, args, id.")
    tool_call_id: str | None = Field(default=None, description="Which call this is the answer to.")


GivenMessages: TypeAlias = str | list[GivenMessage]
"""One text is one message of the user."""


def said(value: object) -> list[SaidMessage]:
    """The messages in a field of a graph's state."""
    match value:
        case None:
            return []
        case SaidMessage():
            return [value]
        case BaseMessage():
            return [_said(value)]
        case str():
            return [SaidMessage(role="user", content=value)]
        case Sequence():
            return [message for item in cast("Sequence[object]", value) for message in said(item)]
        case _:
            return [_said(message) for message in convert_to_messages(cast("Any", [value]))]


SaidMessages: TypeAlias = Annotated[list[SaidMessage], BeforeValidator(said)]


def as_messages(given: object) -> list[BaseMessage]:
    """The library's own messages.

    Args:
        given: As `GivenMessages`, in plain JSON.
    """
    return list(convert_to_messages(cast("Any", [given] if isinstance(given, str) else given)))


def plain(value: object) -> object:
    """A value of a state as JSON has it: messages, models and dataclasses as objects, what JSON cannot hold as text."""
    match value:
        case BaseMessage():
            return _said(value).model_dump(exclude_none=True)
        case str() | bool() | int() | float() | None:
            return value
        case BaseModel():
            return plain(dict(value))
        case Mapping():
            return {str(key): plain(item) for key, item in cast("Mapping[object, object]", value).items()}
        case Sequence() | AbstractSet() if not isinstance(value, bytes | bytearray):
            return [plain(item) for item in cast("Iterable[object]", value)]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return str(value)


def _said(message: BaseMessage) -> SaidMessage:
    fields = cast("Mapping[str, Any]", dict(message))
    calls = fields.get("tool_calls") or None
    return SaidMessage(
        role=fields["role"] if message.type == "chat" else _ROLES.get(message.type, message.type),
        content=str(message.text),
        tool_calls=[{name: call.get(name) for name in ("name", "args", "id")} for call in calls] if calls else None,
        tool_call_id=fields.get("tool_call_id"),
    )
