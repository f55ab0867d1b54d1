"""The lines a run consists of, as the CLI writes them, declared for msgspec, which builds only what is declared.

Most of what such a line holds is read by nobody; not building it halves the time that reading takes. This is a short
cut and nothing else: whatever is not exactly as declared here is left to the parsers that take anything, and
what both take means the same to both (but a number too large for a double is not noticed where nobody reads it).
Therefore a field is declared with the types it is read with, and one that changes the meaning of a line but stands on
few has the type None.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias, final

import msgspec
import orjson

from agents.claude.conversation_parser import MAIN_THREAD
from agents.claude.messages import (
    AssistantBlock,
    AssistantSaid,
    CliMessage,
    Sender,
    TextBlock,
    ThinkingBlock,
    ToolResult,
    ToolUseBlock,
    UserSaid,
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
from agents.claude.system_messages import StatusChanged
from agents.json_fields import LARGEST_NUMBER, Json

_Index: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)]
_Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]

_loads: Callable[[memoryview], Json] = orjson.loads


@final
class _TextDelta(msgspec.Struct, tag="text_delta", gc=False):
    text: str


@final
class _ThinkingDelta(msgspec.Struct, tag="thinking_delta", gc=False):
    thinking: str


@final
class _InputDelta(msgspec.Struct, tag="input_json_delta", gc=False):
    partial_json: str


@final
class _BlockDelta(msgspec.Struct, tag="content_block_delta", gc=False):
    index: _Index
    delta: _TextDelta | _InputDelta | _ThinkingDelta


class _StartedBlock(msgspec.Struct, gc=False):
    type: str
    name: str = ""


@final
class _BlockStart(msgspec.Struct, tag="content_block_start", gc=False):
    index: _Index
    content_block: _StartedBlock


@final
class _BlockStop(msgspec.Struct, tag="content_block_stop", gc=False):
    index: _Index


@final
class _MessageStart(msgspec.Struct, tag="message_start", gc=False):
    index: None = None


class _Stop(msgspec.Struct, gc=False):
    stop_reason: str | None = None


class _Used(msgspec.Struct, frozen=True, gc=False):
    input_tokens: _Index = 0
    cache_read_input_tokens: _Index = 0
    cache_creation_input_tokens: _Index = 0
    output_tokens: _Index = 0


_NOTHING_USED = _Used()


@final
class _MessageDelta(msgspec.Struct, tag="message_delta", gc=False):
    delta: _Stop
    usage: _Used = _NOTHING_USED
    index: None = None


@final
class _MessageStop(msgspec.Struct, tag="message_stop", gc=False):
    index: None = None


@final
class _StreamLine(msgspec.Struct, tag="stream_event", gc=False):
    event: _BlockDelta | _BlockStart | _BlockStop | _MessageStart | _MessageDelta | _MessageStop
    api_message_id: str
    parent_tool_use_id: str | None = None
    abandoned_blocks: None = None


@final
class _ToolUse(msgspec.Struct, tag="tool_use", gc=False):
    id: _Name
    name: _Name
    input: msgspec.Raw


class _AssistantMessage(msgspec.Struct, gc=False):
    id: str
    content: tuple[TextBlock | ThinkingBlock | _ToolUse, ...]
    model: str = ""


@final
class _AssistantLine(msgspec.Struct, tag="assistant", gc=False):
    message_: _AssistantMessage = msgspec.field(name="message")
    parent_tool_use_id: str | None = None
    subagent_type: str = ""
    task_description: str = ""
    error: None = None
    is_api_error_message: None = None
    aborted: bool = False


class _Output(msgspec.Struct, gc=False):
    type: Literal["text"]  # no tag: where only one is possible, msgspec does not insist on it
    text: str


@final
class _ToolResult(msgspec.Struct, tag="tool_result", gc=False):
    tool_use_id: str
    content: str | list[_Output]
    is_error: bool = False


class _UserMessage(msgspec.Struct, gc=False):
    content: list[_ToolResult | TextBlock]


@final
class _About(msgspec.Struct, gc=False):
    background_task_id: str = msgspec.field(default="", name="backgroundTaskId")


@final
class _UserLine(msgspec.Struct, tag="user", gc=False):
    message_: _UserMessage = msgspec.field(name="message")
    parent_tool_use_id: str | None = None
    subagent_type: str = ""
    task_description: str = ""
    is_synthetic: bool = msgspec.field(default=False, name="isSynthetic")
    is_replay: bool = msgspec.field(default=False, name="isReplay")
    tool_use_result: _About | str | list[Any] | None = None


class _SystemLine(msgspec.Struct, tag="system", gc=False):
    subtype: str
    status: str | None = None
    compact_result: str | None = None


def _assistant(line: _AssistantLine) -> AssistantSaid:
    said = line.message_
    blocks: tuple[AssistantBlock, ...]
    if len(said.content) == 1:  # as it usually is
        (block,) = said.content
        blocks = (_called(block) if type(block) is _ToolUse else block,)
    else:
        blocks = tuple([_called(block) if type(block) is _ToolUse else block for block in said.content])
    parent = line.parent_tool_use_id
    sender = MAIN_THREAD if parent is None else Sender(parent, line.subagent_type, line.task_description)
    return AssistantSaid(said.id, blocks, sender, said.model == "<synthetic>", None, line.aborted)


def _called(block: _ToolUse) -> ToolUseBlock:
    # orjson again: it makes floats of whole numbers that it could not write, msgspec does not.
    arguments = _loads(memoryview(block.input))
    return ToolUseBlock(block.id, block.name, arguments if isinstance(arguments, dict) else {})


def _user(line: _UserLine) -> UserSaid:
    content = line.message_.content
    if len(content) == 1 and type(content[0]) is _ToolResult:  # as it usually is
        results, text = (_given_back(content[0]),), ""
    else:
        results = tuple([_given_back(block) for block in content if type(block) is _ToolResult])
        text = "\n".join([block.text for block in content if type(block) is TextBlock and block.text])
    parent, about = line.parent_tool_use_id, line.tool_use_result
    return UserSaid(
        results,
        text,
        MAIN_THREAD if parent is None else Sender(parent, line.subagent_type, line.task_description),
        line.is_synthetic,
        line.is_replay,
        about.background_task_id if type(about) is _About else "",
    )


def _given_back(block: _ToolResult) -> ToolResult:
    content = block.content
    output = content if isinstance(content, str) else "\n".join([part.text for part in content])
    return ToolResult(block.tool_use_id, output, block.is_error)


def _stream(line: _StreamLine) -> AnyStreamMessage:
    event, message_id = line.event, line.api_message_id
    if line.parent_tool_use_id is not None:
        return OtherStreamEvent(message_id, "of a sub-agent")
    if type(event) is _BlockDelta:  # the most come first
        delta = event.delta
        if type(delta) is _TextDelta:
            return TextDelta(message_id, event.index, delta.text)
        if type(delta) is _InputDelta:
            return InputDelta(message_id, event.index, delta.partial_json)
        return ThinkingDelta(message_id, event.index, delta.thinking)
    if type(event) is _BlockStart:
        return BlockStarted(message_id, event.index, event.content_block.type, event.content_block.name)
    if type(event) is _BlockStop:
        return BlockStopped(message_id, event.index)
    if type(event) is _MessageDelta:
        used = event.usage
        read = used.input_tokens + used.cache_read_input_tokens + used.cache_creation_input_tokens
        return MessageDelta(message_id, event.delta.stop_reason, read, used.output_tokens)
    return MessageStarted(message_id) if type(event) is _MessageStart else MessageStopped(message_id, None)


_decode = msgspec.json.Decoder(_StreamLine | _AssistantLine | _UserLine | _SystemLine).decode


def parse_usual_line(line: bytes) -> CliMessage | None:
    """Read a line that is as most lines are.

    Args:
        line: One line as `LineFramer` gives it, of any length.

    Returns:
        The message; None if the line is of another kind or not exactly as declared, which says nothing against it.
    """
    try:
        if not line.isascii():
            line.decode()  # msgspec does not look for broken characters in what it skips
        read = _decode(line)
        if type(read) is _StreamLine:
            return _stream(read)
        if type(read) is _AssistantLine:
            return _assistant(read)
        if type(read) is _UserLine:
            return _user(read)
        return StatusChanged(read.status, read.compact_result) if read.subtype == "status" else None
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
