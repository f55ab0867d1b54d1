"""What the CLI passes on of a model's answer while it is produced (`--include-partial-messages`).

Live text belongs to a message id and a block index. It is a preview: the `assistant` line of a finished block is the
truth, and `MessageStopped.abandoned_from` takes live text back. Sub-agents have no live text.
"""

from typing import TypeAlias, final

import msgspec


class StreamMessage(msgspec.Struct, frozen=True):
    """What all of these share.

    Attributes:
        message_id: Id of the API message, the same as in `AssistantSaid.message_id`.
    """

    message_id: str


@final
class MessageStarted(StreamMessage, frozen=True):
    """The model has begun to answer."""


@final
class BlockStarted(StreamMessage, frozen=True):
    """A block of the answer begins.

    Attributes:
        index: Position of the block in the message, from 0.
        kind: `text`, `thinking`, `tool_use` or another block type.
        tool: Name of the tool of a `tool_use` block, else empty.
    """

    index: int
    kind: str
    tool: str


@final
class TextDelta(StreamMessage, frozen=True):
    """A piece of a text block.

    Attributes:
        index: Position of the block in the message, from 0.
        text: The piece.
    """

    index: int
    text: str


@final
class ThinkingDelta(StreamMessage, frozen=True):
    """A piece of a thinking block.

    Attributes:
        index: Position of the block in the message, from 0.
        text: The piece.
    """

    index: int
    text: str


@final
class InputDelta(StreamMessage, frozen=True):
    """A piece of the JSON of a tool's input; not a JSON value by itself.

    Attributes:
        index: Position of the block in the message, from 0.
        text: The piece.
    """

    index: int
    text: str


@final
class BlockStopped(StreamMessage, frozen=True):
    """A block is over; its `assistant` line, if it has one, came before.

    Attributes:
        index: Position of the block in the message, from 0.
    """

    index: int


@final
class MessageDelta(StreamMessage, frozen=True):
    """How the message ended.

    Attributes:
        stop_reason: For example `end_turn`, `tool_use`, `refusal`; None if not given.
        input_tokens: Tokens read for the message, cached ones included.
        output_tokens: Tokens written.
    """

    stop_reason: str | None
    input_tokens: int = 0
    output_tokens: int = 0


@final
class MessageStopped(StreamMessage, frozen=True):
    """The message is over.

    Attributes:
        abandoned_from: Live text of blocks with this index or a higher one is void; None if all of it stands.
    """

    abandoned_from: int | None


@final
class OtherStreamEvent(StreamMessage, frozen=True):
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
