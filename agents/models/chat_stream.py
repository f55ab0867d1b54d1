"""The stream of OpenAI's Chat Completions protocol, as deltas. No I/O: events in, deltas out.

It takes what servers make of the protocol: reasoning as `reasoning_content` or as `reasoning`, calls in pieces or
whole, with or without an index, a `finish_reason` of `stop` after calls, usage in the last chunk or in every one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import orjson

from agents.agent import Source
from agents.errors import ModelRefused
from agents.json_fields import (
    Json,
    JsonObject,
    count_of,
    object_of,
    objects_of,
    optional_int_of,
    optional_number_of,
    text_of,
)
from agents.models.answer_reader import ErrorTold
from agents.models.chat_request import told_call
from agents.models.deltas import (
    CallPreparing,
    CallReady,
    Cited,
    Delta,
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
    "stop": "answered",
    "tool_calls": "called_tools",
    "function_call": "called_tools",
    "length": "output_limit",
}


@dataclass(slots=True)
class _Call:
    """A call that is being written.

    Attributes:
        call_id: As the server gives it, or made up where it gives none.
        tool: The tool's name.
        arguments: Pieces of its arguments.
        extra: What else the server says of it and wants to have back, such as a signed thought.
    """

    call_id: str
    tool: str = ""
    arguments: list[str] = field(default_factory=list[str])
    extra: JsonObject = field(default_factory=dict[str, Json])
    announced: bool = False


class ChatReader:
    """Reads one answer.

    Args:
        model: Name of the model that was asked.
        price_of: What the tokens cost, where the server does not say it itself.
    """

    def __init__(self, model: str, price_of: PriceOf) -> None:
        self._model = model
        self._price_of = price_of
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._thinking_field = ""
        self._is_thinking = False
        self._refusal: list[str] = []
        self._details: list[Json] = []
        self._calls: list[_Call] = []
        self._current: dict[int, _Call] = {}
        self._usage: JsonObject = {}
        self._finish_reason = ""
        self._begun = False
        self._failed = False
        self._use_told = False

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._text)

    @property
    def has_begun(self) -> bool:
        """Whether anything of an answer has come."""
        return self._begun

    @property
    def is_whole(self) -> bool:
        """Whether the answer has come to its end."""
        return bool(self._finish_reason)

    @property
    def is_over(self) -> bool:
        """Never known: after the end of the answer its usage is to come, and `[DONE]`."""
        return False

    def read(self, event: JsonObject) -> Iterator[Delta]:
        """Take a chunk.

        Raises:
            ErrorTold: It is an error.
        """
        self._model = text_of(event, "model") or self._model
        self._usage = object_of(event, "usage") or self._usage  # an error has been paid for, too
        match event.get("error"):
            case dict() as error:
                self._failed = True
                raise ErrorTold(error)
            case str() as words:
                self._failed = True
                raise ErrorTold({"message": words})
            case _:
                pass
        for choice in objects_of(event, "choices")[:1]:
            self._begun = True
            yield from self._add(object_of(choice, "delta"))
            self._finish_reason = text_of(choice, "finish_reason") or self._finish_reason

    def finish(self) -> Iterator[Delta]:
        """Say how the answer ended, after its last event.

        Raises:
            ModelRefused: The model would not answer.
        """
        yield from self._end_thinking()
        self._use_told = True
        yield self._used()
        refusal = "".join(self._refusal)
        if refusal or self._finish_reason == "content_filter":
            raise ModelRefused(refusal or "The provider's filter stopped the answer.", partial=self.text)
        if self._finish_reason == "error":
            raise ErrorTold({"message": "the answer ended with an error"})
        reason = _REASONS.get(self._finish_reason, "answered")
        if self._calls and reason != "output_limit":  # a call that the limit cut off is not whole
            for call in self._calls:
                yield from self._announce(call)
                yield CallReady(ToolCall(call.call_id, call.tool, "".join(call.arguments)))
            reason = "called_tools"
        yield Stopped(reason=reason, echo=self._echo())

    def use_of_a_broken_answer(self) -> Used | None:
        """What an answer that broke off has cost, as far as is known. None if it never began, or all was told."""
        if self._use_told or not (self._begun or self._usage):
            return None
        used = self._used()
        is_all = self._failed or bool(self._finish_reason)  # else the server would have counted on
        return used if is_all else replace(used, cost_usd=None)

    def _add(self, delta: JsonObject) -> Iterator[Delta]:
        for name in ("reasoning_content", "reasoning"):  # OpenRouter's gateways may send the same under both
            if thinking := text_of(delta, name):
                self._thinking_field = name
                self._is_thinking = True
                self._thinking.append(thinking)
                yield ThinkingDelta(thinking)
                break
        self._details += objects_of(delta, "reasoning_details")
        if text := text_of(delta, "content"):
            yield from self._end_thinking()
            self._text.append(text)
            yield TextDelta(text)
        if refusal := text_of(delta, "refusal"):
            self._refusal.append(refusal)
        for piece in objects_of(delta, "tool_calls"):
            yield from self._end_thinking()
            yield from self._add_to_call(piece)
        for annotation in objects_of(delta, "annotations"):
            yield from _cited(annotation)

    def _add_to_call(self, piece: JsonObject) -> Iterator[Delta]:
        call = self._call_of(piece)
        function = object_of(piece, "function")
        call.tool += text_of(function, "name")
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            call.arguments.append(arguments)
        elif isinstance(arguments, dict):  # not by the protocol, and yet met
            call.arguments.append(orjson.dumps(arguments).decode())
        if extra := object_of(piece, "extra_content"):
            call.extra["extra_content"] = extra
        if call.tool:
            yield from self._announce(call)

    def _call_of(self, piece: JsonObject) -> _Call:
        """The call a piece belongs to: by its index; a new id under an index that is taken is a call of its own."""
        call_id = text_of(piece, "id")
        index = optional_int_of(piece, "index")
        at = index if index is not None else -1
        known = self._current.get(at)
        is_new = known is None or (call_id != "" and call_id != known.call_id)
        if not is_new and known is not None and (index is not None or not call_id):
            return known
        call = _Call(call_id or f"call_{len(self._calls)}")
        self._calls.append(call)
        self._current[at] = call
        return call

    def _announce(self, call: _Call) -> Iterator[Delta]:
        if not call.announced:
            call.announced = True
            yield CallPreparing(call.tool)

    def _end_thinking(self) -> Iterator[Delta]:
        if self._is_thinking:
            self._is_thinking = False
            yield ThinkingEnded()

    def _used(self) -> Used:
        if not self._usage:  # the server was asked for it, and does not tell
            return Used(model=self._model, input_tokens=0, output_tokens=0, cost_usd=None)
        read = object_of(self._usage, "prompt_tokens_details")
        cached, written = count_of(read, "cached_tokens"), count_of(read, "cache_write_tokens")
        count = TokenCount(
            input_tokens=max(0, count_of(self._usage, "prompt_tokens") - cached - written),
            cache_read_tokens=cached,
            cache_write_tokens=written,
            output_tokens=count_of(self._usage, "completion_tokens"),
        )
        reported = optional_number_of(self._usage, "cost")
        return Used(
            model=self._model,
            input_tokens=count.all_input_tokens,
            output_tokens=count.output_tokens,
            cost_usd=reported if reported is not None else self._price_of(self._model, count),
        )

    def _echo(self) -> JsonObject:
        """The answer as the server wants it back; some refuse a conversation whose reasoning before a call is gone."""
        echo: JsonObject = {"role": "assistant", "content": self.text}
        if self._calls:
            calls: list[Json] = [
                told_call(ToolCall(call.call_id, call.tool, "".join(call.arguments))) | call.extra
                for call in self._calls
            ]
            echo["tool_calls"] = calls
            if self._thinking_field == "reasoning_content":
                echo["reasoning_content"] = "".join(self._thinking)
        if self._details:
            echo["reasoning_details"] = self._details
        return echo


def _cited(annotation: JsonObject) -> Iterator[Delta]:
    citation = object_of(annotation, "url_citation")
    if url := text_of(citation, "url"):
        yield Cited(Source(url, text_of(citation, "title"), text_of(citation, "content")))
