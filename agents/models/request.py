"""What a model is asked: one request of a conversation, the same for every provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import JsonValue

JsonSchema: TypeAlias = Mapping[str, JsonValue]
"""A JSON schema, as plain JSON."""

Effort: TypeAlias = Literal["low", "medium", "high"]
"""How much a model that can reason should do so before it answers."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model wants made.

    Attributes:
        call_id: By which the provider knows it; unique within the conversation.
        tool: The tool's name.
        arguments: JSON text exactly as the model wrote it: it may be no JSON at all, which the model is then told.
    """

    call_id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the model is told or asked.

    Attributes:
        text: The words.
    """

    text: str


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """What the model answered earlier in the conversation.

    Attributes:
        text: Its words.
        tool_calls: The calls it wanted made.
        echo: `Stopped.echo` of that answer: the same answer in the provider's own form, or None. Only the provider
            that gave it understands it; it prefers it to `text` and `tool_calls`, for it may hold what cannot be told
            otherwise (signed thinking, results of the provider's own tools).
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    echo: JsonValue = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What became of one call.

    Attributes:
        call_id: As in `ToolCall`.
        output: What the tool gave back, or why it failed, for the model to read.
        ok: False where it failed or was refused.
    """

    call_id: str
    output: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class ToolResults:
    """The results of all calls of the answer before it, in the order of the calls.

    Attributes:
        results: One for every call.
    """

    results: tuple[ToolResult, ...]


Message: TypeAlias = UserMessage | AssistantMessage | ToolResults
"""A message of a conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOffer:
    """A tool the model may call.

    Attributes:
        name: At most 64 letters, digits, `_` and `-`: what every provider accepts.
        description: What it does and when to use it.
        input_schema: JSON schema of its arguments; its type is `object`.
    """

    name: str
    description: str
    input_schema: JsonSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySchema:
    """The shape the answer has to have: the answer's text is then one JSON value.

    Attributes:
        name: Of the shape, at most 64 letters, digits, `_` and `-`.
        schema: JSON schema. Providers narrow what they accept (every object closed, no numeric bounds); an
            implementation fits it to its own provider, and the asker validates the answer either way.
    """

    name: str
    schema: JsonSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One request.

    `instructions`, `tools` and `reply_schema` are the stable prefix: they stay the same for the whole conversation, and
    so does every message that was sent once. A provider that is told what to cache is told that by the implementation.

    Attributes:
        instructions: Standing instructions (the "system prompt"), or empty.
        messages: The conversation so far. It begins with a `UserMessage`, and ends with what the model has to answer;
            only a turn that was paused is sent as it is, with its `AssistantMessage` at the end.
        tools: What it may call.
        reply_schema: Shape of the answer, or None for free text. With tools it holds for the last answer, which calls
            none.
        max_output_tokens: Limit of the answer, thinking included; None leaves it to the implementation.
        web_searches: How many searches of the web the provider may do by itself for this request; 0 for none.
        effort: How much to reason, or None for the model's default. Models that cannot choose ignore it.
    """

    instructions: str = ""
    messages: tuple[Message, ...]
    tools: tuple[ToolOffer, ...] = ()
    reply_schema: ReplySchema | None = None
    max_output_tokens: int | None = None
    web_searches: int = 0
    effort: Effort | None = None
