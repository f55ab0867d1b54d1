"""A LangChain chat model that streams what it is given, for graphs that know nothing of this project."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field


class FakeStreamingChatModel(BaseChatModel):
    """Streams one list of chunks for each time it is asked.

    Attributes:
        replies: The chunks, call by call.
        asked: How often it was asked.
    """

    replies: list[list[AIMessageChunk]] = Field(default_factory=list[list[AIMessageChunk]])
    asked: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-streaming"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Nothing is bound: what it calls stands in `replies`."""
        del tools, kwargs
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del messages, stop, run_manager, kwargs
        whole = AIMessageChunk(content="")
        for chunk in self._next():
            whole += chunk
        return ChatResult(generations=[ChatGeneration(message=whole)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        del messages, stop, kwargs
        for chunk in self._next():
            piece = ChatGenerationChunk(message=chunk)
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=piece)
            yield piece

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        del messages, stop, kwargs
        for chunk in self._next():
            piece = ChatGenerationChunk(message=chunk)
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=piece)
            yield piece

    def _next(self) -> list[AIMessageChunk]:
        self.asked += 1
        return [chunk.model_copy() for chunk in self.replies[self.asked - 1]]


class FakeHaltingChatModel(FakeStreamingChatModel):
    """Streams the first chunk of its reply, and then nothing more.

    Attributes:
        halted: Set when nothing more comes.
    """

    halted: asyncio.Event = Field(default_factory=asyncio.Event)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for piece in super()._astream(messages, stop, run_manager, **kwargs):
            yield piece
            self.halted.set()
            await asyncio.Event().wait()


def says(*pieces: str, input_tokens: int = 7, output_tokens: int = 3, model: str = "fake-1") -> list[AIMessageChunk]:
    """A reply in words, its usage with the last piece."""
    chunks = [AIMessageChunk(content=piece) for piece in pieces[:-1]]
    return [*chunks, _last(AIMessageChunk(content=pieces[-1]), input_tokens, output_tokens, model)]


def calls(tool: str, arguments: str, call_id: str, *, model: str = "fake-1") -> list[AIMessageChunk]:
    """A reply that calls a tool; its arguments come in two pieces."""
    half = len(arguments) // 2
    first = {"name": tool, "args": arguments[:half], "id": call_id, "index": 0, "type": "tool_call_chunk"}
    rest = {"name": None, "args": arguments[half:], "id": None, "index": 0, "type": "tool_call_chunk"}
    return [
        AIMessageChunk(content="", tool_call_chunks=[first]),  # pyright: ignore[reportArgumentType] - a TypedDict
        _last(AIMessageChunk(content="", tool_call_chunks=[rest]), 5, 2, model),  # pyright: ignore[reportArgumentType] - as above
    ]


def _last(chunk: AIMessageChunk, input_tokens: int, output_tokens: int, model: str) -> AIMessageChunk:
    total = input_tokens + output_tokens
    return chunk.model_copy(
        update={
            "usage_metadata": {"input_tokens": input_tokens, "output_tokens": output_tokens, "total_tokens": total},
            "response_metadata": {"model_name": model},
            "chunk_position": "last",
        }
    )
