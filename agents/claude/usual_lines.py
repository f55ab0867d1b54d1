"""The lines a run consists of, as the CLI writes them, declared for msgspec, which builds only what is declared.

Most of what such a line holds is read by nobody; not building it halves the time that reading takes. This is a short
cut and nothing else: whatever is not exactly as declared here is left to the parsers that take anything, and
what both take means the same to both (but a number too large for a double is not noticed where nobody reads it).
Therefore a field is declared with the types it is read with, and one that changes the meaning of a line but stands on
few has the type None.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

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


class _TextDelta(msgspec.Struct, tag="text_delta", gc=False):
    text: str

    def message(self, message_id: str, index: int) -> TextDelta:
        return TextDelta(message_id, index, self.text)


class _ThinkingDelta(msgspec.Struct, tag="thinking_delta", gc=False):
    thinking: str

    def message(self, message_id: str, index: int) -> ThinkingDelta:
        return ThinkingDelta(message_id, index, self.thinking)


class _InputDelta(msgspec.Struct, tag="input_json_delta", gc=False):
    partial_json: str

    def message(self, message_id: str, index: int) -> InputDelta:
        return InputDelta(message_id, index, self.partial_json)


class _BlockDelta(msgspec.Struct, tag="content_block_delta", gc=False):
    index: _Index
    delta: _TextDelta | _InputDelta | _ThinkingDelta

    def message(self, message_id: str) -> AnyStreamMessage:
        return self.delta.message(message_id, self.index)


class _StartedBlock(msgspec.Struct, gc=False):
    type: str
    name: str = ""


class _BlockStart(msgspec.Struct, tag="content_block_start", gc=False):
    index: _Index
    content_block: _StartedBlock

    def message(self, message_id: str) -> AnyStreamMessage:
        return BlockStarted(message_id, self.index, self.content_block.type, self.content_block.name)


class _BlockStop(msgspec.Struct, tag="content_block_stop", gc=False):
    index: _Index

    def message(self, message_id: str) -> AnyStreamMessage:
        return BlockStopped(message_id, self.index)


class _MessageStart(msgspec.Struct, tag="message_start", gc=False):
    index: None = None

    def message(self, message_id: str) -> AnyStreamMessage:
        return MessageStarted(message_id)


class _Stop(msgspec.Struct, gc=False):
    stop_reason: str | None = None


class _Used(msgspec.Struct, frozen=True, gc=False):
    input_tokens: _Index = 0
    cache_read_input_tokens: _Index = 0
    cache_creation_input_tokens: _Index = 0
    output_tokens: _Index = 0


_NOTHING_USED = _Used()


class _MessageDelta(msgspec.Struct, tag="message_delta", gc=False):
    delta: _Stop
    usage: _Used = _NOTHING_USED
    index: None = None

    def message(self, message_id: str) -> AnyStreamMessage:
        used = self.usage
        read = used.input_tokens + used.cache_read_input_tokens + used.cache_creation_input_tokens
        return MessageDelta(message_id, self.delta.stop_reason, read, used.output_tokens)


class _MessageStop(msgspec.Struct, tag="message_stop", gc=False):
    index: None = None

    def message(self, message_id: str) -> AnyStreamMessage:
        return MessageStopped(message_id, None)


class _StreamLine(msgspec.Struct, tag="stream_event", gc=False):
    event: _BlockDelta | _BlockStart | _BlockStop | _MessageStart | _MessageDelta | _MessageStop
    api_message_id: str
    parent_tool_use_id: str | None = None
    abandoned_blocks: None = None

    def message(self) -> AnyStreamMessage:
        if self.parent_tool_use_id is not None:
            return OtherStreamEvent(self.api_message_id, "of a sub-agent")
        return self.event.message(self.api_message_id)


class _Text(msgspec.Struct, tag="text", gc=False):
    text: str

    def block(self) -> TextBlock:
        return TextBlock(self.text)


class _Thinking(msgspec.Struct, tag="thinking", gc=False):
    thinking: str

    def block(self) -> ThinkingBlock:
        return ThinkingBlock(self.thinking)


class _ToolUse(msgspec.Struct, tag="tool_use", gc=False):
    id: _Name
    name: _Name
    input: msgspec.Raw

    def block(self) -> ToolUseBlock:
        # orjson again: it makes floats of whole numbers that it could not write, msgspec does not.
        arguments = _loads(memoryview(self.input))
        return ToolUseBlock(self.id, self.name, arguments if isinstance(arguments, dict) else {})


class _AssistantMessage(msgspec.Struct, gc=False):
    id: str
    content: list[_Text | _Thinking | _ToolUse]
    model: str = ""


class _AssistantLine(msgspec.Struct, tag="assistant", gc=False):
    message_: _AssistantMessage = msgspec.field(name="message")
    parent_tool_use_id: str | None = None
    subagent_type: str = ""
    task_description: str = ""
    error: None = None
    is_api_error_message: None = None
    aborted: bool = False

    def message(self) -> AssistantSaid:
        said = self.message_
        blocks: tuple[AssistantBlock, ...]
        if len(said.content) == 1:  # as it usually is
            blocks = (said.content[0].block(),)
        else:
            blocks = tuple([block.block() for block in said.content])
        sender = _sender(self.parent_tool_use_id, self.subagent_type, self.task_description)
        return AssistantSaid(said.id, blocks, sender, said.model == "<synthetic>", None, self.aborted)


class _Output(msgspec.Struct, gc=False):
    type: Literal["text"]  # no tag: where only one is possible, msgspec does not insist on it
    text: str


class _ToolResult(msgspec.Struct, tag="tool_result", gc=False):
    tool_use_id: str
    content: str | list[_Output]
    is_error: bool = False


class _UserMessage(msgspec.Struct, gc=False):
    content: list[_ToolResult | _Text]


class _About(msgspec.Struct, gc=False):
    background_task_id: str = msgspec.field(default="", name="backgroundTaskId")


class _UserLine(msgspec.Struct, tag="user", gc=False):
    message_: _UserMessage = msgspec.field(name="message")
    parent_tool_use_id: str | None = None
    subagent_type: str = ""
    task_description: str = ""
    is_synthetic: bool = msgspec.field(default=False, name="isSynthetic")
    is_replay: bool = msgspec.field(default=False, name="isReplay")
    tool_use_result: _About | str | list[Any] | None = None

    def message(self) -> UserSaid:
        results: list[ToolResult] = []
        texts: list[str] = []
        for block in self.message_.content:
            if isinstance(block, _ToolResult):
                results.append(ToolResult(block.tool_use_id, _output(block.content), block.is_error))
            elif block.text:
                texts.append(block.text)
        about = self.tool_use_result
        return UserSaid(
            tuple(results),
            "\n".join(texts),
            _sender(self.parent_tool_use_id, self.subagent_type, self.task_description),
            self.is_synthetic,
            self.is_replay,
            about.background_task_id if isinstance(about, _About) else "",
        )


class _SystemLine(msgspec.Struct, tag="system", gc=False):
    subtype: str
    status: str | None = None
    compact_result: str | None = None

    def message(self) -> StatusChanged | None:
        return StatusChanged(self.status, self.compact_result) if self.subtype == "status" else None


def _sender(parent: str | None, agent_type: str, description: str) -> Sender:
    return MAIN_THREAD if parent is None else Sender(parent, agent_type, description)


def _output(content: str | list[_Output]) -> str:
    return content if isinstance(content, str) else "\n".join([block.text for block in content])


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
        return _decode(line).message()
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
