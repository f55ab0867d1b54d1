"""What a model says while it answers one request, piece by piece.

The union `Delta` is closed; whoever reads it matches it exhaustively. What a provider sends beyond it (pings, kinds of
events nobody knew when this was written) is left out by the implementation and is never an error.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import JsonValue

from agents.agent import Source
from agents.events import WaitReason
from agents.models.request import ToolCall

StopReason: TypeAlias = Literal["answered", "called_tools", "paused", "output_limit"]
"""Why the model stopped: it is done; it wants its calls made; the provider ends a long turn of its own tools and wants
the same conversation, this answer included, once more; or the limit of output tokens cut it off. A refusal, or a
conversation longer than the model reads, is no way to stop but an error (`ModelRefused`, `ContextOverflowed`)."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer; pieces are simply joined.

    Attributes:
        text: The piece, never empty.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """A piece of the model's reasoning, where the provider shows it.

    Attributes:
        text: The piece, never empty.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingEnded:
    """The thought that the `ThinkingDelta`s since the last one of these made up is finished."""


@dataclass(frozen=True, slots=True)
class CallPreparing:
    """The model has begun to write a call's arguments, which can take long; their end is told.

    That is `CallReady` or, for a tool of the provider's own, `ProviderToolStarted`.

    Attributes:
        tool: The tool's name.
    """

    tool: str


@dataclass(frozen=True, slots=True)
class CallReady:
    """A call is whole and wants to be made.

    Attributes:
        call: The call.
    """

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ProviderToolStarted:
    """A tool that the provider runs itself (a web search) has begun.

    Attributes:
        call_id: Unique within the conversation.
        tool: Its name, for example `web_search`.
        input: Its arguments as JSON text.
    """

    call_id: str
    tool: str
    input: str


@dataclass(frozen=True, slots=True)
class ProviderToolEnded:
    """A tool that the provider runs itself has ended.

    Attributes:
        call_id: As in `ProviderToolStarted`.
        tool: As in `ProviderToolStarted`.
        ok: Whether it worked.
        output: What it found, in a few lines for people, or why it failed.
    """

    call_id: str
    tool: str
    ok: bool
    output: str


@dataclass(frozen=True, slots=True)
class Cited:
    """The answer rests on a source. A source may be told more than once.

    Attributes:
        source: The source.
    """

    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What this request has used since the last one of these; they add up to what the provider charges for it.

    Attributes:
        model: The model's name as the provider gives it.
        input_tokens: Tokens read, cached ones included.
        output_tokens: Tokens written, thinking included.
        cost_usd: US dollars; None where the price is unknown, never zero for that.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """The request failed in a way that passes, and will be sent again after a while.

    Attributes:
        reason: `rate_limit` where the provider asked to wait, else `retry`.
        message: One line for people, for example `rate limited, next try in 8 s`.
        seconds: How long until then.
        void_characters: How many characters of text and thinking that were told of this answer are void.
    """

    reason: WaitReason
    message: str
    seconds: float
    void_characters: int = 0


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The wait that `Retrying` told is over, and the request is sent again.

    Attributes:
        attempt: The how manieth attempt this is, counted from 1; so at least 2.
    """

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The answer is whole; nothing comes after this.

    Attributes:
        reason: Why it ended here.
        echo: For `AssistantMessage.echo`.
    """

    reason: StopReason
    echo: JsonValue = None


Delta: TypeAlias = (
    TextDelta
    | ThinkingDelta
    | ThinkingEnded
    | CallPreparing
    | CallReady
    | ProviderToolStarted
    | ProviderToolEnded
    | Cited
    | Used
    | Retrying
    | AskedAgain
    | Stopped
)
"""Everything a model can say while it answers."""
