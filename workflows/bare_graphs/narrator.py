"""Tells what happens in a bare graph in this program's words: what LangGraph streams, as what agents say."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import msgspec
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage

from agents.events import (
    AgentSaid,
    Found,
    Progressed,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
)
from workflows.bare_graphs.chat import plain
from workflows.bare_graphs.places import Place, place_of, place_of_namespace
from workflows.reports import AgentReport

MODES: tuple[Literal["messages", "tools"], ...] = ("messages", "tools")
"""What LangGraph is asked to stream for the narrator, besides what the runner itself needs."""

_WORDS = ("message", "text", "status", "progress", "event", "step")
"""Fields of a custom event that usually hold what a person would read, the most telling first."""


@dataclass(frozen=True, slots=True)
class _OpenCall:
    tool: str
    place: Place
    began: float


@dataclass(slots=True)
class Narrator:
    """Tells the story of one run of one graph.

    Attributes:
        name: The workflow's: whoever speaks where no node can be named is called so.
        clock: Seconds that only rise.
    """

    name: str
    clock: Callable[[], float] = time.monotonic
    _running: dict[str, tuple[Place, float]] = field(default_factory=dict[str, tuple[Place, float]])
    """Nodes at work, by task: where, and since when."""
    _callers: dict[str, tuple[Place, dict[str, object]]] = field(
        default_factory=dict[str, tuple[Place, dict[str, object]]]
    )
    """Which node's model has asked for a tool call, and with what, by call."""
    _open: dict[str, _OpenCall] = field(default_factory=dict[str, _OpenCall])
    _ended: set[str] = field(default_factory=set[str])
    _thoughts: dict[str, str] = field(default_factory=dict[str, str])
    """Thinking that has not come to its end, by message."""

    def told(self, part: Mapping[str, Any]) -> Iterator[AgentReport]:
        """What one part of the graph's stream says.

        Args:
            part: As LangGraph streams it (version 2).
        """
        namespace: Sequence[str] = part["ns"]
        match part["type"]:
            case "tasks":
                yield from self._task(part["data"], place_of_namespace(namespace))
            case "messages":
                message, metadata = part["data"]
                yield from self._message(message, place_of(metadata))
            case "tools":
                yield from self._tool(part["data"], self._only_one_in(place_of_namespace(namespace)))
            case "custom":
                yield from self._custom(part["data"], self._only_one_in(place_of_namespace(namespace)))
            case _:
                return

    def _task(self, data: Mapping[str, Any], around: Place) -> Iterator[AgentReport]:
        place = (*around, str(data["name"]))
        if "triggers" in data:
            self._running[data["id"]] = (place, self.clock())
            if around:
                yield self._report(place, Progressed(message="begins"))
            return
        self._remember_calls(data["result"], place)
        if around and data["error"] is None and not data["interrupts"]:
            yield self._report(place, Progressed(message="done", details={"state_update": plain(data["result"])}))
        self._running.pop(data["id"], None)

    def _message(self, message: object, place: Place) -> Iterator[AgentReport]:
        match message:
            case AIMessageChunk():
                yield from self._chunk(message, place)
            case AIMessage():
                self._remember_calls([message], place)
                if text := str(message.text):
                    yield self._report(place, Found(message=text))
            case ToolMessage():
                yield from self._tool_message(message, place)
            case _:  # what people or prompts say is no news
                return

    def _chunk(self, chunk: AIMessageChunk, place: Place) -> Iterator[AgentReport]:
        key = f"{place}{chunk.id}"
        for block in chunk.content_blocks:
            if block["type"] == "reasoning" and (thinking := block.get("reasoning")):
                self._thoughts[key] = self._thoughts.get(key, "") + thinking
                yield self._report(place, ThinkingStreamed(text=thinking))
            elif block["type"] == "text" and block["text"]:
                yield from self._thought(key, place)
                yield self._report(place, TextStreamed(text=block["text"]))
        if chunk.chunk_position == "last":
            yield from self._thought(key, place)

    def _thought(self, key: str, place: Place) -> Iterator[AgentReport]:
        if thought := self._thoughts.pop(key, ""):
            yield self._report(place, Thought(text=thought))

    def _tool(self, data: Mapping[str, Any], place: Place) -> Iterator[AgentReport]:
        call_id: str = data["tool_call_id"]
        match data["event"]:
            case "tool-started":
                caller, _ = self._callers.get(call_id, (place, {}))
                self._open[call_id] = _OpenCall(data["tool_name"], caller, self.clock())
                arguments = cast("dict[str, object]", plain(data.get("input") or {}))
                yield self._report(caller, ToolStarted(tool=data["tool_name"], call_id=call_id, input=arguments))
            case "tool-finished":
                output: object = data["output"]
                ok = getattr(output, "status", "success") != "error"
                yield from self._end(call_id, _text(output), ok=ok)
            case "tool-error":
                yield from self._end(call_id, data["message"], ok=False)
            case _:  # pieces of a tool's output: they come once more with its end
                return

    def _tool_message(self, message: ToolMessage, place: Place) -> Iterator[AgentReport]:
        """The answer to a call of a tool that is no LangChain tool: nobody has told of its beginning.

        It has run in the node that gives the answer, so it is told with this node's time.
        """
        call_id = message.tool_call_id
        if call_id in self._ended or call_id in self._open:
            return
        caller, arguments = self._callers.get(call_id, (place, {}))
        tool = message.name or "tool"
        began = min((since for at, since in self._running.values() if at == place), default=self.clock())
        self._open[call_id] = _OpenCall(tool, caller, began)
        yield self._report(caller, ToolStarted(tool=tool, call_id=call_id, input=arguments))
        yield from self._end(call_id, str(message.text), ok=message.status != "error")

    def _end(self, call_id: str, output: str, *, ok: bool) -> Iterator[AgentReport]:
        call = self._open.pop(call_id, None)
        if call is None:
            return
        self._ended.add(call_id)
        seconds = self.clock() - call.began
        said = ToolEnded(tool=call.tool, call_id=call_id, seconds=seconds, ok=ok, output=output)
        yield self._report(call.place, said)

    def _custom(self, data: object, place: Place) -> Iterator[AgentReport]:
        yield self._report(place, Progressed(message=_words(data), details={"data": plain(data)}))

    def _remember_calls(self, result: object, place: Place) -> None:
        for message in _messages_in(result):
            for call in message.tool_calls:
                if call["id"]:
                    self._callers[call["id"]] = (place, cast("dict[str, object]", plain(call["args"])))

    def _only_one_in(self, around: Place) -> Place:
        """The node at work in a graph, if there is one only: the library does not say which of several spoke."""
        inside = {place for place, _ in self._running.values() if place[:-1] == around}
        return inside.pop() if len(inside) == 1 else around

    def _report(self, place: Place, said: AgentSaid) -> AgentReport:
        agent, *inside = place or (self.name,)
        return AgentReport(agent, _spoken(said, tuple(inside)))


def _spoken(said: AgentSaid, speaker: Place) -> AgentSaid:
    if not speaker:
        return said
    return msgspec.structs.replace(said, speaker=speaker)


def _messages_in(result: object) -> Iterator[AIMessage]:
    match result:
        case AIMessage():
            yield result
        case Mapping():
            for value in cast("Mapping[object, object]", result).values():
                yield from _messages_in(value)
        case list() | tuple():
            for value in cast("Sequence[object]", result):
                yield from _messages_in(value)
        case _:
            return


def _text(output: object) -> str:
    if isinstance(output, ToolMessage):
        return str(output.text)
    return output if isinstance(output, str) else json.dumps(plain(output), ensure_ascii=False)


def _words(data: object) -> str:
    if isinstance(data, Mapping):
        entry = cast("Mapping[str, object]", data)
        for name in _WORDS:
            if isinstance(text := entry.get(name), str) and text:
                return text
    return _text(cast("object", data))
