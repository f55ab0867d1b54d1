"""What the CLI passes on of a model's answer while it is produced (`--include-partial-messages`).

Live text belongs to a message id and a block index. It is a preview: the `assistant` line of a finished block is the
truth, and `MessageStopped.abandoned_from` takes live text back. Sub-agents have no live text.
"""

from typing import TypeAlias

from agents.claude.fact import fact


@fact
class StreamMessage:
    """What all of these share.

    Attributes:
        message_id: Id of the API message, the same as in `AssistantSaid.message_id`.
    """

    message_id: str


@fact
class MessageStarted(StreamMessage):
    """The model has begun to answer."""


@fact
class BlockStarted(StreamMessage):
    """A block of the answer begins.

    Attributes:
        index: Position of the block in the message, from 0.
        kind: `text`, `thinking`, `tool_use` or another block type.
        tool: Name of the tool of a `tool_use` block, else empty.
    """

    index: int
    kind: str
    tool: str


@fact
class TextDelta(StreamMessage):
    """A piece of a text block.

    Attributes:
        index: Position of the block in the message, from 0.
        text: The piece.
    """

    index: int
    text: str


@fact
class ThinkingDelta(StreamMessage):
    """A piece of a thinking block.

    Attributes:
        index: Position of the block in the message, from 0.
        text: The piece.
    """

    index: int
    text: str


@fact
class InputDelta(StreamMessage):
    """A piece of the JSON of a tool's input; not a JSON value by itself.

    Attributes:
        index: Position of the block in the message, from 0.
        text: The piece.
    """

    index: int
    text: str


@fact
class BlockStopped(StreamMessage):
    """A block is over; its `assistant` line, if it has one, came before.

    Attributes:
        index: Position of the block in the message, from 0.
    """

    index: int


@fact
class MessageDelta(StreamMessage):
    """How the message ended.

    Attributes:
        stop_reason: For example `end_turn`, `tool_use`, `refusal`; None if not given.
        input_tokens: Tokens read for the message, cached ones included.
        output_tokens: Tokens written.
    """

    stop_reason: str | None
    input_tokens: int = 0
    output_tokens: int = 0


@fact
class MessageStopped(StreamMessage):
    """The message is over.

    Attributes:
        abandoned_from: Live text of blocks with this index or a higher one is void; None if all of it stands.
    """

    abandoned_from: int | None


@fact
class OtherStreamEvent(StreamMessage):
    """A stream event that has nothing to tell: a signature, a ping, a citation, or one of a later release.

    Attributes:
        kind: Type of the event, or of the delta.
    """

    kind: str


AnyStreamMessage: TypeAlias = (
    TextDelta
    | ThinkingDelta
    | InputDelta
    | BlockStarted
    | BlockStopped
    | MessageStarted
    | MessageDelta
    | MessageStopped
    | OtherStreamEvent
)
"""Every stream event, the frequent ones first."""
