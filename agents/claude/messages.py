"""Everything the CLI can write, as a closed union of facts.

`CliMessage` is what `agents.claude.parser.parse_message` makes of a line. Texts are empty, numbers zero and lists
empty where the CLI gave nothing or nothing of the right type; None is used where the absence means something.
"""

from dataclasses import dataclass
from typing import TypeAlias, final

import msgspec

from agents.claude.stream_messages import AnyStreamMessage
from agents.claude.system_messages import BackgroundTasksChanged, Remark, TaskMessage, ToolProgress, TurnStarted
from agents.json_fields import JsonObject


@final
class TextBlock(msgspec.Struct, frozen=True, tag="text"):
    """A finished piece of text."""

    text: str


@final
class ThinkingBlock(msgspec.Struct, frozen=True, tag="thinking"):
    """A finished thought; the text is empty where the model's thinking is withheld."""

    text: str = msgspec.field(name="thinking")


@final
class ToolUseBlock(msgspec.Struct, frozen=True):
    """A tool call with its complete input."""

    call_id: str
    tool: str
    input: JsonObject


@final
class OtherBlock(msgspec.Struct, frozen=True):
    """A block of another type (`redacted_thinking`, `server_tool_use` ...), or one that is not as declared."""

    kind: str


AssistantBlock: TypeAlias = TextBlock | ThinkingBlock | ToolUseBlock | OtherBlock
"""What an `assistant` line can contain."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a line is from.

    Attributes:
        parent_call_id: The Agent tool call of the sub-agent it is from; None for the main thread.
        agent_type: Kind of sub-agent, or empty.
        description: What the sub-agent was started for, or empty.
    """

    parent_call_id: str | None
    agent_type: str
    description: str


@dataclass(frozen=True, slots=True)
class ApiFailure:
    """What the CLI says about a failed request.

    Attributes:
        error: `authentication_failed`, `billing_error`, `rate_limit`, `overloaded`, `invalid_request`,
            `model_not_found`, `server_error`, `max_output_tokens`, `unknown` ..., or empty (`result` has none).
        status: HTTP status, None if no HTTP answer came.
        error_type: Error type of the API, for example `overloaded_error`, or empty.
        cause: For example `connection_failed`, or empty.
    """

    error: str = ""
    status: int | None = None
    error_type: str = ""
    cause: str = ""


@final
class AssistantSaid(msgspec.Struct, frozen=True):
    """`assistant`: one line per finished block; the blocks of one API message share its id.

    Attributes:
        message_id: Id of the API message.
        blocks: Usually one.
        sender: Main thread or sub-agent.
        synthetic: Written by the CLI itself: an API error as text, or the output of a local command.
        failure: The API error, if it is one.
        aborted: Cut off by an interrupt.
    """

    message_id: str
    blocks: tuple[AssistantBlock, ...]
    sender: Sender
    synthetic: bool
    failure: ApiFailure | None
    aborted: bool


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool call gave back.

    Attributes:
        call_id: The call.
        output: As text: blocks are joined with newlines, images and other blocks are named.
        is_error: Whether it failed, or was denied.
    """

    call_id: str
    output: str
    is_error: bool


@final
class UserSaid(msgspec.Struct, frozen=True):
    """`user`: tool results, and words to the model that no model wrote.

    Attributes:
        results: Tool results, matched to their calls by id; they come in order of completion.
        text: Other text, or empty.
        sender: Main thread or sub-agent.
        synthetic: Words of the CLI to the model: a nudge, a note, a summary.
        replay: Echo of something that was said before.
        background_task_id: The task that goes on after this Bash call has returned, or empty.
    """

    results: tuple[ToolResult, ...]
    text: str
    sender: Sender
    synthetic: bool
    replay: bool
    background_task_id: str


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What was used of one model: `input_tokens` includes cached ones, `cost_usd` is None if unknown."""

    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded:
    """`result`: a turn is over. A process writes one per turn; only end of file ends the run.

    Attributes:
        subtype: `success`, which is no success if `is_error`, or `error_...`.
        is_error: Whether the turn failed.
        text: The answer, or the error as text; empty for `error_...`.
        errors: Error texts of `error_...`.
        terminal_reason: `completed`, `max_turns`, `api_error`, `prompt_too_long` ..., or empty.
        stop_reason: Of the last API message, or empty.
        failure: What is said about a failed request; its `error` is always empty here.
        structured_output: The typed answer, None if none was delivered.
        usage: Per model, since the last result of this process (results that were held back: the first has all,
            the others nothing); None if the CLI does not say (older releases).
        turn_usage: Tokens of this turn's main thread, of unknown price; the fallback where `usage` is None.
        turns: Rounds between the model and its tools.
        queued_turns: Turns that are going to follow.
        session_id: The conversation.
    """

    subtype: str
    is_error: bool
    text: str
    errors: tuple[str, ...]
    terminal_reason: str
    stop_reason: str
    failure: ApiFailure
    structured_output: JsonObject | None
    usage: tuple[ModelUsage, ...] | None
    turn_usage: ModelUsage
    turns: int
    queued_turns: int
    session_id: str


@dataclass(frozen=True, slots=True)
class ControlRequested:
    """`control_request`: the CLI asks us, for example `can_use_tool`; `request` is the whole question."""

    request_id: str
    subtype: str
    request: JsonObject


@dataclass(frozen=True, slots=True)
class ControlAnswered:
    """`control_response`: the answer to a request of ours; `error` is empty on success."""

    request_id: str
    subtype: str
    error: str
    response: JsonObject


@dataclass(frozen=True, slots=True)
class ControlCancelled:
    """`control_cancel_request`: the CLI no longer waits for our answer."""

    request_id: str


@dataclass(frozen=True, slots=True)
class MessageTaken:
    """`command_lifecycle`: how far the CLI is with a message that was written to it while it runs.

    Attributes:
        message_id: As it was given with the message (`uuid`).
        state: `queued`, `started` (the model is told it with the next request), `completed`, or one of the ways in
            which it is never told: `cancelled`, `discarded`, `refused`.
    """

    message_id: str
    state: str


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of a type this program has nothing to do with, or a known one that is not as declared."""

    type: str
    subtype: str
    fields: JsonObject


@dataclass(frozen=True, slots=True)
class NotAMessage:
    """A line that is no JSON object.

    Attributes:
        reason: For people.
        excerpt: Beginning of the line.
    """

    reason: str
    excerpt: str


ControlMessage: TypeAlias = ControlRequested | ControlAnswered | ControlCancelled
"""The control protocol."""

CliMessage: TypeAlias = (
    AnyStreamMessage
    | AssistantSaid
    | UserSaid
    | TurnStarted
    | TurnEnded
    | ToolProgress
    | BackgroundTasksChanged
    | TaskMessage
    | Remark
    | ControlMessage
    | MessageTaken
    | UnknownMessage
    | NotAMessage
)
"""Everything the CLI can write."""
