"""Live text and the finished blocks it is a preview of: everything is told once, and what is void is taken back.

The `assistant` line of a block is the truth. What was already streamed is not told again; what is missing is added;
what differs, was abandoned, or never got its line is withdrawn.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from agents.claude.messages import TextBlock, ThinkingBlock
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
from agents.claude.tool_calls import REPLY_TOOL
from agents.events import AgentSaid, StreamWithdrawn, TextStreamed, ThinkingStreamed, Thought, Waiting


@lru_cache(maxsize=256)
def _preparing(tool: str) -> Waiting:
    return Waiting(
        reason="model", message="writing the reply" if tool == REPLY_TOOL else f"preparing {tool or 'a tool call'}"
    )


@dataclass(slots=True)
class _LiveBlock:
    """What has been streamed of a block that has no `assistant` line yet."""

    kind: type[TextDelta | ThinkingDelta]
    pieces: list[str]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class LiveText:
    """Follows the main thread's answer while it is produced."""

    def __init__(self) -> None:
        self._message_id = ""
        self._live: dict[int, _LiveBlock] = {}  # by block index; only blocks without their `assistant` line
        self._finished: list[str] = []
        self._answer_from = 0  # among the finished

    @property
    def text(self) -> str:
        """All text so far: finished blocks, then what is being streamed, with empty lines between them."""
        streaming = [block.text for block in self._live.values() if block.kind is TextDelta]
        return "\n\n".join(part for part in (*self._finished, *streaming) if part)

    @property
    def answer(self) -> str:
        """The finished text since the last tool call; its parts go on from each other."""
        return "".join(self._finished[self._answer_from :])

    def begin_answer(self) -> None:
        """What was said so far is not part of the answer: a tool was called, or a turn began."""
        self._answer_from = len(self._finished)

    @property
    def is_streaming(self) -> bool:
        """Whether something is shown that is not finished yet."""
        return bool(self._live)

    def hear(self, message: AnyStreamMessage) -> list[AgentSaid]:
        """Take a stream event."""
        if type(message) is MessageStarted:
            return self._turn_to(message.message_id)
        if type(message) is MessageStopped:
            return self._stop(message)
        if type(message) is BlockStarted:
            return [_preparing(message.tool)] if message.kind == "tool_use" else []
        if type(message) is TextDelta or type(message) is ThinkingDelta:
            return self.preview(message)
        match message:
            case InputDelta() | BlockStopped() | MessageDelta() | OtherStreamEvent():
                return []
            case _:
                assert_never(message)

    def _stop(self, stopped: MessageStopped) -> list[AgentSaid]:
        if stopped.message_id != self._message_id:
            return []
        if stopped.abandoned_from is None:
            return self._withdraw(0, "this is not part of the answer")
        return self._withdraw(stopped.abandoned_from, "the answer broke off")

    def preview(self, delta: TextDelta | ThinkingDelta) -> list[AgentSaid]:
        """Take a piece of live text; most of what a run writes comes through here."""
        said = [] if delta.message_id == self._message_id else self._turn_to(delta.message_id)
        block = self._live.get(delta.index)
        if block is None:
            block = self._live[delta.index] = _LiveBlock(type(delta), [])
        text = delta.text
        block.pieces.append(text)
        said.append(TextStreamed(text=text) if block.kind is TextDelta else ThinkingStreamed(text=text))
        return said

    def finish_text(self, message_id: str, block: TextBlock) -> list[AgentSaid]:
        """Take a finished text block of the main thread.

        Args:
            message_id: The API message it belongs to.
            block: The block.

        Returns:
            What of it was not told yet, after taking back what is not in it.
        """
        text = block.text
        if text:
            self._finished.append(text)
        said = self._leave(message_id)
        shown = self._take(TextDelta, text)
        if not text.startswith(shown):
            said.append(StreamWithdrawn(reason="the finished text differs", characters=len(shown)))
            shown = ""
        if len(text) > len(shown):
            said.append(TextStreamed(text=text[len(shown) :]))
        return said

    def finish_thought(self, message_id: str, block: ThinkingBlock) -> list[AgentSaid]:
        """Take a finished thinking block of the main thread; it is told as a whole, whatever was streamed of it."""
        said = self._leave(message_id)
        shown = self._take(ThinkingDelta, block.text)
        if not block.text.startswith(shown):
            said.append(StreamWithdrawn(reason="the finished thought differs", characters=len(shown)))
        if block.text:
            said.append(Thought(text=block.text))
        return said

    def _turn_to(self, message_id: str) -> list[AgentSaid]:
        """Begin a message; what the one before left without an `assistant` line is void."""
        said = self._leave(message_id)
        self._message_id = message_id
        return said

    def _leave(self, message_id: str) -> list[AgentSaid]:
        return [] if message_id == self._message_id else self._withdraw(0, "the answer was asked for again")

    def _withdraw(self, from_index: int, reason: str) -> list[AgentSaid]:
        if not self._live:
            return []
        void = [index for index in self._live if index >= from_index]
        characters = sum(len(self._live.pop(index).text) for index in void)
        return [StreamWithdrawn(reason=reason, characters=characters)] if characters else []

    def _take(self, kind: type[TextDelta | ThinkingDelta], finished: str) -> str:
        """Remove and return what was streamed of a block that is finished now; empty if nothing was."""
        for index, block in self._live.items():
            if block.kind is kind and finished.startswith(text := block.text):
                del self._live[index]
                return text
        index = next((index for index, block in self._live.items() if block.kind is kind), None)
        return "" if index is None else self._live.pop(index).text
