"""The stream of the Messages API, as deltas. No I/O: events in, deltas out.

Every pattern names the `type`, for the SDK takes a kind of event it does not know for one it knows. What matches
nothing is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

import orjson
from anthropic import types as sdk
from pydantic import BaseModel, JsonValue

from agents.agent import Source
from agents.errors import ContextOverflowed, ModelRefused
from agents.models.call_arguments import arguments_of
from agents.models.deltas import (
    CallPreparing,
    CallReady,
    Cited,
    Delta,
    ProviderToolEnded,
    ProviderToolStarted,
    Stopped,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingEnded,
    Used,
)
from agents.models.model import PriceOf, TokenCount
from agents.models.request import ToolCall

_REASONS: dict[str, StopReason] = {
    "end_turn": "answered",
    "stop_sequence": "answered",
    "tool_use": "called_tools",
    "pause_turn": "paused",
    "max_tokens": "output_limit",
}


@dataclass(slots=True)
class _Block:
    """A block of the answer.

    Attributes:
        kind: Its type.
        content: As it is sent back.
        input: JSON text of a call's arguments.
        tool: Name of the tool that is called.
        call_id: Id of the call.
    """

    kind: Literal["text", "thinking", "call", "provider_call", "other"]
    content: dict[str, JsonValue]
    input: list[str] = field(default_factory=list[str])
    tool: str = ""
    call_id: str = ""


class AnswerReader:
    """Reads one answer.

    Args:
        model: Name of the model that was asked.
        price_of: What the tokens cost.
    """

    def __init__(self, model: str, price_of: PriceOf) -> None:
        self._price_of = price_of
        self._model = model
        self._blocks: dict[int, _Block] = {}
        self._text: list[str] = []
        self._count = TokenCount()
        self._told = _ToldUse()
        self._stop_reason: str | None = None
        self._refusal = ""
        self.has_begun = False
        self.is_whole = False

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._text)

    def read(self, event: sdk.RawMessageStreamEvent) -> Iterator[Delta]:
        """Take an event."""
        match event:
            case sdk.RawMessageStartEvent(type="message_start", message=sdk.Message(model=str(model))):
                self.has_begun = True
                self._model = model
                yield from self._use(getattr(event.message, "usage", None))
            case sdk.RawContentBlockStartEvent(type="content_block_start", content_block=BaseModel()):
                yield from self._start(event)
            case sdk.RawContentBlockDeltaEvent(type="content_block_delta", index=index, delta=delta):
                if index in self._blocks:
                    yield from self._add(self._blocks[index], delta)
            case sdk.RawContentBlockStopEvent(type="content_block_stop", index=index):
                if index in self._blocks:
                    yield from _end(self._blocks[index])
            case sdk.RawMessageDeltaEvent(type="message_delta", delta=sdk.raw_message_delta_event.Delta() as end):
                self._stop_reason = end.stop_reason
                self._refusal = (end.stop_details.explanation or "") if end.stop_details else ""
                yield from self._use(getattr(event, "usage", None))
            case sdk.RawMessageStopEvent(type="message_stop"):
                self.is_whole = True
            case _:
                return

    def finish(self) -> Iterator[Delta]:
        """Say how the answer ended, after its last event.

        Raises:
            ModelRefused: The model would not answer.
            ContextOverflowed: The conversation became longer than the model reads.
        """
        match self._stop_reason:
            case "refusal":
                raise ModelRefused(self._refusal or "The model would not answer.", partial=self.text)
            case "model_context_window_exceeded":
                raise ContextOverflowed(
                    "The conversation became longer than the model reads, in the middle of its answer.",
                    partial=self.text,
                )
            case reason:
                called = any(block.kind == "call" for block in self._blocks.values())
                known = _REASONS.get(reason or "", "called_tools" if called else "answered")
                echo = [block.content for _, block in sorted(self._blocks.items())]
                yield Stopped(reason=known, echo=cast("JsonValue", echo))

    def use_of_a_broken_answer(self) -> Used | None:
        """What an answer that broke off has cost beyond what was told: nobody says. None if it never began."""
        if not self.has_begun or self.is_whole:
            return None
        return Used(model=self._model, input_tokens=0, output_tokens=0, cost_usd=None)

    def _start(self, event: sdk.RawContentBlockStartEvent) -> Iterator[Delta]:
        content = event.content_block.to_dict()
        kept = cast("dict[str, JsonValue]", content)
        match event.content_block:
            case sdk.TextBlock(type="text", text=text):
                block = _Block("text", kept)
                if text:
                    yield from self._say(text)
            case sdk.ThinkingBlock(type="thinking"):
                block = _Block("thinking", kept)
            case sdk.ToolUseBlock(type="tool_use", id=call_id, name=name):
                block = _Block("call", kept, tool=name, call_id=call_id)
                yield CallPreparing(name)
            case sdk.ServerToolUseBlock(type="server_tool_use", id=call_id, name=name):
                block = _Block("provider_call", kept, tool=name, call_id=call_id)
                yield CallPreparing(name)
            case sdk.WebSearchToolResultBlock(type="web_search_tool_result") as found:
                block = _Block("other", kept)
                yield _search_ended(found)
            case _:
                block = _Block("other", kept)
        self._blocks[event.index] = block

    def _add(self, block: _Block, delta: sdk.RawContentBlockDelta) -> Iterator[Delta]:
        match delta:
            case sdk.TextDelta(type="text_delta", text=str(text)) if block.kind == "text" and text:
                _append(block, "text", text)
                yield from self._say(text)
            case sdk.ThinkingDelta(type="thinking_delta", thinking=str(text)) if block.kind == "thinking" and text:
                _append(block, "thinking", text)
                yield ThinkingDelta(text)
            case sdk.SignatureDelta(type="signature_delta", signature=str(signature)):
                block.content["signature"] = signature
            case sdk.InputJSONDelta(type="input_json_delta", partial_json=str(piece)):
                block.input.append(piece)
            case sdk.CitationsDelta(type="citations_delta", citation=citation):
                cited = block.content.get("citations")
                earlier = cited if isinstance(cited, list) else []
                block.content["citations"] = [*earlier, cast("JsonValue", citation.to_dict())]
                if isinstance(citation, sdk.CitationsWebSearchResultLocation):
                    yield Cited(Source(citation.url, citation.title or "", citation.cited_text))
            case _:
                return

    def _say(self, text: str) -> Iterator[Delta]:
        self._text.append(text)
        yield TextDelta(text)

    def _use(self, usage: object) -> Iterator[Delta]:
        match usage:
            case sdk.Usage(input_tokens=int(), output_tokens=int()) | sdk.MessageDeltaUsage(output_tokens=int()):
                self._count = _count(usage, self._count)
            case _:
                return  # of another shape than the protocol says: nothing is known from it
        cost = self._price_of(self._model, self._count)
        told, self._told = self._told, _ToldUse(self._count.all_input_tokens, self._count.output_tokens, cost or 0.0)
        yield Used(
            model=self._model,
            input_tokens=self._told.input_tokens - told.input_tokens,
            output_tokens=self._told.output_tokens - told.output_tokens,
            cost_usd=None if cost is None else cost - told.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class _ToldUse:
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


def _append(block: _Block, key: str, piece: str) -> None:
    block.content[key] = f"{block.content.get(key) or ''}{piece}"


def _end(block: _Block) -> Iterator[Delta]:
    match block.kind:
        case "thinking":
            if block.content.get("thinking"):
                yield ThinkingEnded()
        case "call":
            arguments = "".join(block.input) or orjson.dumps(block.content.get("input") or {}).decode()
            block.content["input"] = arguments_of(arguments) or {}
            yield CallReady(ToolCall(block.call_id, block.tool, arguments))
        case "provider_call":
            arguments = "".join(block.input) or orjson.dumps(block.content.get("input") or {}).decode()
            block.content["input"] = arguments_of(arguments) or {}
            yield ProviderToolStarted(block.call_id, block.tool, arguments)
        case "text" | "other":
            return


def _search_ended(found: sdk.WebSearchToolResultBlock) -> ProviderToolEnded:
    match found.content:
        case sdk.WebSearchToolResultError(error_code=code):
            return ProviderToolEnded(found.tool_use_id, "web_search", ok=False, output=f"The search failed: {code}")
        case list() as results:
            lines = [f"{result.title} — {result.url}" for result in results]
            output = "\n".join(lines) or "Nothing found"
            return ProviderToolEnded(found.tool_use_id, "web_search", ok=True, output=output)
        case _:
            return ProviderToolEnded(found.tool_use_id, "web_search", ok=True, output="")


def _count(usage: sdk.Usage | sdk.MessageDeltaUsage, before: TokenCount) -> TokenCount:
    """What was used so far: every report is of the whole request, and leaves out what has not changed."""
    searches = usage.server_tool_use.web_search_requests if usage.server_tool_use else before.web_searches
    written, written_1h = before.cache_write_tokens, before.cache_write_1h_tokens
    if isinstance(usage, sdk.Usage) and usage.cache_creation is not None:
        written = usage.cache_creation.ephemeral_5m_input_tokens
        written_1h = usage.cache_creation.ephemeral_1h_input_tokens
    elif usage.cache_creation_input_tokens is not None:
        written = usage.cache_creation_input_tokens - written_1h
    return TokenCount(
        input_tokens=before.input_tokens if usage.input_tokens is None else usage.input_tokens,
        cache_read_tokens=(
            before.cache_read_tokens if usage.cache_read_input_tokens is None else usage.cache_read_input_tokens
        ),
        cache_write_tokens=written,
        cache_write_1h_tokens=written_1h,
        output_tokens=usage.output_tokens,
        web_searches=searches,
    )
