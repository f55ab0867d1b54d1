"""What an agent can say while it works.

House rule: an event is a frozen fact that has just happened. It is never a plan, a guess or a placeholder.
The union `AgentSaid` is closed; whoever reads it matches it exhaustively, so a new kind of event is a type error
at every place that has to learn it.

Times are seconds. Costs are US dollars, `None` where the price is unknown (never zero for "unknown").
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

Details: TypeAlias = Mapping[str, object]
"""Further facts of an event; values must be plain JSON (str, int, float, bool, None, list, dict)."""

WaitReason: TypeAlias = Literal["model", "tool", "rate_limit", "retry", "person", "start"]
"""Why an agent is quiet: the model has not answered, a tool runs, the provider asked to wait, a failed request
will be repeated, a person has to answer, or the agent itself is still starting."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What all events share.

    Attributes:
        speaker: Names of the sub-agents below the agent itself, outermost first; empty for the agent itself.
            `("explore",)` under `codesmith` is shown as `codesmith ▸ explore`.
    """

    speaker: tuple[str, ...] = ()


class Thought(Said, frozen=True, kw_only=True):
    """A whole thought, finished.

    Attributes:
        text: The thought as the model gave it.
    """

    text: str


class TextStreamed(Said, frozen=True, kw_only=True):
    """A piece of the answer, as it was produced.

    Attributes:
        text: The piece; pieces of one answer are simply joined.
    """

    text: str


class ThinkingStreamed(Said, frozen=True, kw_only=True):
    """A piece of thinking, as it was produced.

    Attributes:
        text: The piece.
    """

    text: str


class StreamWithdrawn(Said, frozen=True, kw_only=True):
    """Live text shown since the last finished block is void: the stream broke off and is asked for again.

    Attributes:
        reason: One line for people.
        characters: How many characters of text and thinking are void.
    """

    reason: str
    characters: int


class Progressed(Said, frozen=True, kw_only=True):
    """Something was done that is neither a tool call nor a decision.

    Attributes:
        message: One line for people.
        details: Further facts.
    """

    message: str
    details: Details = msgspec.field(default_factory=dict[str, object])


class Decided(Said, frozen=True, kw_only=True):
    """The agent chose; `details` says between what and why, where it is known.

    Attributes:
        message: One line for people.
        details: Further facts.
    """

    message: str
    details: Details = msgspec.field(default_factory=dict[str, object])


class Found(Said, frozen=True, kw_only=True):
    """The agent has a result, whole or in part.

    Attributes:
        message: One line for people.
        details: Further facts.
    """

    message: str
    details: Details = msgspec.field(default_factory=dict[str, object])


class ReasoningStep(Said, frozen=True, kw_only=True):
    """One numbered step of a reasoning that is reported step by step.

    Attributes:
        step: 1, 2, 3 ...
        thought: The step's text.
    """

    step: int
    thought: str


class ToolStarted(Said, frozen=True, kw_only=True):
    """A tool call has begun.

    Attributes:
        tool: The tool's name as the agent knows it, for example `Edit`.
        call_id: Unique within the agent's run; its `ToolEnded` carries the same.
        input: The tool's arguments.
    """

    tool: str
    call_id: str
    input: Details


class ToolEnded(Said, frozen=True, kw_only=True):
    """A tool call is over. A call that was cut off (limit, interrupt) has none.

    Attributes:
        tool: As in `ToolStarted`.
        call_id: As in `ToolStarted`.
        seconds: From start to end, by our clock.
        ok: False where the tool failed or was denied.
        output: What the tool gave back, as text; may be long.
    """

    tool: str
    call_id: str
    seconds: float
    ok: bool
    output: str


class UsageReported(Said, frozen=True, kw_only=True):
    """What the provider charged since the last report; reports add up to the agent's whole usage.

    Attributes:
        model: The model's name as the provider gives it.
        input_tokens: Tokens read, cached ones included.
        output_tokens: Tokens written.
        cost_usd: US dollars, None if unknown.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class Waiting(Said, frozen=True, kw_only=True):
    """The agent is quiet, and why. The reason holds until the agent says anything else.

    Attributes:
        reason: See `WaitReason`.
        message: One line for people, for example `rate limited, next try in 8 s`.
        seconds: How long it has been quiet already, or 0 where the wait begins now.
    """

    reason: WaitReason
    message: str
    seconds: float = 0.0


class ConversationOpened(Said, frozen=True, kw_only=True):
    """The agent's own conversation with its model has begun, or goes on.

    Attributes:
        session_id: By which the agent knows it.
        resumable: Whether an agent on this machine can go on with it if this work is interrupted
            (`AgentTask.resume_session`).
    """

    session_id: str
    resumable: bool


AgentSaid: TypeAlias = (
    Thought
    | TextStreamed
    | ThinkingStreamed
    | StreamWithdrawn
    | Progressed
    | Decided
    | Found
    | ReasoningStep
    | ToolStarted
    | ToolEnded
    | UsageReported
    | Waiting
    | ConversationOpened
)
"""Everything an agent can say while it works."""

Emit: TypeAlias = Callable[[AgentSaid], None]
"""Where an agent says it. Never blocks and never raises; safe to call as often as there is something to say."""
