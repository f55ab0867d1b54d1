"""The stream of OpenAI's Responses protocol, as deltas; Perplexity's dialect of it included. No I/O.

What matches no kind of event or item that is known here is left out.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import orjson

from agents.agent import Source
from agents.errors import ModelRefused
from agents.json_fields import (
    Json,
    JsonObject,
    count_of,
    object_of,
    objects_of,
    optional_number_of,
    text_of,
    texts_of,
)
from agents.models.answer_reader import ErrorTold
from agents.models.deltas import (
    CallPreparing,
    CallReady,
    Cited,
    Delta,
    ProviderToolEnded,
    ProviderToolStarted,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnded,
    Used,
)
from agents.models.model import PriceOf, TokenCount
from agents.models.request import ToolCall

_ECHOED = frozenset({"message", "function_call", "reasoning", "web_search_call"})

Echo: TypeAlias = Callable[[JsonObject], JsonObject | None]
"""An item of an answer as it is sent back with the next request; None if it is not."""


def whole_item(item: JsonObject) -> JsonObject | None:
    """An item as it came, which OpenAI wants: reasoning without what it led to is refused, and the other way round.

    Reasoning that was not kept there and is not sent along cannot be referred to.
    """
    kind = text_of(item, "type")
    if kind not in _ECHOED or (kind == "reasoning" and not text_of(item, "encrypted_content")):
        return None
    return item


class ResponsesReader:
    """Reads one answer.

    Args:
        model: Name of the model that was asked.
        price_of: What the tokens cost, where the provider does not say it itself.
        echo: What of the answer is sent back.
    """

    def __init__(self, model: str, price_of: PriceOf, *, echo: Echo = whole_item) -> None:
        self._model = model
        self._price_of = price_of
        self._echoed = echo
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._is_thinking = False
        self._echo: list[Json] = []
        self._called = False
        self._cited: set[str] = set()
        self._searches = _Searches()
        self._end: JsonObject | None = None
        self._begun = False
        self._failed_usage: JsonObject = {}

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
        return self._end is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come: the last event has everything."""
        return self._end is not None

    def read(self, event: JsonObject) -> Iterator[Delta]:
        """Take an event.

        Raises:
            ErrorTold: It is an error.
        """
        kind = text_of(event, "type")
        self._begun = self._begun or kind.startswith("response.")
        match kind:
            case "response.created" | "response.in_progress":
                self._model = text_of(object_of(event, "response"), "model") or self._model
            case "response.output_text.delta":
                yield from self._say(text_of(event, "delta"))
            case "response.refusal.delta":
                self._refusal.append(text_of(event, "delta"))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._think(text_of(event, "delta"))
            case "response.reasoning_summary_text.done" | "response.reasoning_text.done":
                yield from self._end_thinking()
            case "response.output_text.annotation.added":
                yield from self._cite(object_of(event, "annotation"))
            case "response.output_item.added":
                yield from self._begin(object_of(event, "item"))
            case "response.output_item.done":
                yield from self._take(object_of(event, "item"))
            case "response.completed" | "response.incomplete":
                self._end = object_of(event, "response")
                self._model = text_of(self._end, "model") or self._model
            case "response.failed" | "error":
                response = object_of(event, "response")
                self._model = text_of(response, "model") or self._model
                self._failed_usage = object_of(response, "usage")  # a failure has been paid for, too
                raise ErrorTold(_error_of(event))
            case _ if kind.startswith("response.reasoning."):  # Perplexity's searches
                yield from self._research(kind.removeprefix("response.reasoning."), event)
            case _:
                return

    def finish(self) -> Iterator[Delta]:
        """Say how the answer ended, after its last event.

        Raises:
            ModelRefused: The model would not answer.
        """
        end = self._end or {}
        if not self._text:  # it came in the last event only
            for item in objects_of(end, "output"):
                yield from self._say(text_of_message(item))
                yield from self._sources_of(item)
        yield from self._end_thinking()
        yield self._used(object_of(end, "usage"))
        why = text_of(object_of(end, "incomplete_details"), "reason")
        refusal = "".join(self._refusal)
        if refusal or why == "content_filter":
            raise ModelRefused(refusal or "The provider's filter stopped the answer.", partial=self.text)
        if self._called:
            yield Stopped(reason="called_tools", echo=self._echo)
        else:
            yield Stopped(reason="output_limit" if why == "max_output_tokens" else "answered", echo=self._echo)

    def use_of_a_broken_answer(self) -> Used | None:
        """What an answer that broke off has cost; only a failure says it. None if it never began, or all was told."""
        if not self._begun or self._end is not None:
            return None
        return self._used(self._failed_usage)

    def _say(self, text: str) -> Iterator[Delta]:
        if text:
            yield from self._end_thinking()
            self._text.append(text)
            yield TextDelta(text)

    def _think(self, text: str) -> Iterator[Delta]:
        if text:
            self._is_thinking = True
            yield ThinkingDelta(text)

    def _end_thinking(self) -> Iterator[Delta]:
        if self._is_thinking:
            self._is_thinking = False
            yield ThinkingEnded()

    def _begin(self, item: JsonObject) -> Iterator[Delta]:
        match text_of(item, "type"):
            case "function_call":
                yield from self._end_thinking()
                yield CallPreparing(text_of(item, "name"))
            case "web_search_call":
                yield from self._searches.started(text_of(item, "id"), "web_search", {})
            case _:
                return

    def _take(self, item: JsonObject) -> Iterator[Delta]:
        kind = text_of(item, "type")
        if (sent_back := self._echoed(item)) is not None:
            self._echo.append(sent_back)
        match kind:
            case "function_call":
                self._called = True
                call_id = text_of(item, "call_id") or text_of(item, "id")
                yield CallReady(ToolCall(call_id, text_of(item, "name"), text_of(item, "arguments")))
            case "web_search_call":
                action = object_of(item, "action")
                looked_for = text_of(action, "query") or text_of(action, "url") or text_of(action, "type")
                ok = text_of(item, "status") != "failed"
                yield from self._searches.ended(text_of(item, "id"), "web_search", looked_for, ok=ok)
                self._searches.made += text_of(action, "type") in {"search", ""}  # to open a page costs nothing
            case "search_results" | "fetch_url_results":
                yield from self._found(item)
            case _:
                yield from self._sources_of(item)

    def _sources_of(self, item: JsonObject) -> Iterator[Delta]:
        for part in objects_of(item, "content"):
            for annotation in objects_of(part, "annotations"):
                yield from self._cite(annotation)

    def _cite(self, named: JsonObject) -> Iterator[Delta]:
        url = text_of(named, "url")
        if url and url not in self._cited:
            self._cited.add(url)
            yield Cited(Source(url, text_of(named, "title"), text_of(named, "snippet")))

    def _research(self, what: str, event: JsonObject) -> Iterator[Delta]:
        if thought := text_of(event, "thought"):
            yield from self._think(thought)
            yield from self._end_thinking()
        match what:
            case "search_queries":
                queries: list[Json] = list(texts_of(event, "queries"))
                yield from self._searches.started("", "web_search", {"queries": queries})
            case "fetch_url_queries":
                urls: list[Json] = list(texts_of(event, "urls"))
                yield from self._searches.started("", "fetch_url", {"urls": urls})
            case "search_results" | "fetch_url_results":
                yield from self._found(event)
            case _:
                return

    def _found(self, told: JsonObject) -> Iterator[Delta]:
        """What Perplexity has found: told while it searches, and once more as an item of the answer."""
        is_search = bool(objects_of(told, "results")) or "results" in told
        tool = "web_search" if is_search else "fetch_url"
        found = objects_of(told, "results") or objects_of(told, "contents")
        is_new = self._searches.is_open(tool) or any(text_of(one, "url") not in self._cited for one in found)
        if is_new:
            lines = [f"{text_of(one, 'title')} — {text_of(one, 'url')}" for one in found]
            yield from self._searches.ended("", tool, "\n".join(lines) or "Nothing found", ok=True)
            self._searches.made += is_search
        for one in found:
            yield from self._cite(one)

    def _used(self, usage: JsonObject) -> Used:
        if not usage:
            return Used(model=self._model, input_tokens=0, output_tokens=0, cost_usd=None)
        read = object_of(usage, "input_tokens_details")
        invoked = object_of(object_of(usage, "tool_calls_details"), "web_search")
        cached = count_of(read, "cached_tokens") or count_of(read, "cache_read_input_tokens")
        written = count_of(read, "cache_write_tokens") or count_of(read, "cache_creation_input_tokens")
        count = TokenCount(
            input_tokens=max(0, count_of(usage, "input_tokens") - cached - written),
            cache_read_tokens=cached,
            cache_write_tokens=written,
            output_tokens=count_of(usage, "output_tokens"),
            web_searches=count_of(invoked, "invocation") or self._searches.made,
        )
        reported = optional_number_of(object_of(usage, "cost"), "total_cost")
        return Used(
            model=self._model,
            input_tokens=count.all_input_tokens,
            output_tokens=count.output_tokens,
            cost_usd=reported if reported is not None else self._price_of(self._model, count),
        )


class _Searches:
    """The provider's own tools that run, so that each is told to begin once and to end once.

    Attributes:
        made: How many searches there were that cost something.
    """

    def __init__(self) -> None:
        self.made = 0
        self._open: dict[str, str] = {}
        self._number = 0

    def is_open(self, tool: str) -> bool:
        """Whether one of this tool has begun and not ended."""
        return tool in self._open.values()

    def started(self, call_id: str, tool: str, arguments: JsonObject) -> Iterator[Delta]:
        """One begins."""
        self._number += 1
        call_id = call_id or f"{tool}_{self._number}"
        self._open[call_id] = tool
        yield ProviderToolStarted(call_id, tool, orjson.dumps(arguments).decode())

    def ended(self, call_id: str, tool: str, output: str, *, ok: bool) -> Iterator[Delta]:
        """One ends: that of the id, or the oldest of the tool; one that was never told to begin, begins here."""
        open_id = call_id if call_id in self._open else next((key for key, of in self._open.items() if of == tool), "")
        if not open_id:
            yield from self.started(call_id, tool, {})
            open_id = next(reversed(self._open))
        del self._open[open_id]
        yield ProviderToolEnded(open_id, tool, ok=ok, output=output)


def text_of_message(item: JsonObject) -> str:
    """The text of an item that is a message; empty for any other."""
    return "".join(text_of(part, "text") for part in objects_of(item, "content") if text_of(item, "type") == "message")


def _error_of(event: JsonObject) -> JsonObject:
    """The error of an event: beside its type, within it, or within the response it carries."""
    return object_of(event, "error") or object_of(object_of(event, "response"), "error") or {**event, "type": ""}
