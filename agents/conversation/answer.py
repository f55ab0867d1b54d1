"""One answer of a model, told as an agent's events while it comes. No I/O: deltas in, events out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from agents.agent import Source, Usage
from agents.events import (
    AgentSaid,
    StreamWithdrawn,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
    UsageReported,
    Waiting,
)
from agents.models.call_arguments import arguments_of
from agents.models.deltas import (
    AskedAgain,
    CallPreparing,
    CallReady,
    Cited,
    Delta,
    ProviderToolEnded,
    ProviderToolStarted,
    Retrying,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnded,
    Used,
)
from agents.models.request import AssistantMessage, ToolCall

_BROKE_OFF = "the answer broke off"


@dataclass(frozen=True, slots=True)
class OpenTool:
    """A call of one of the provider's own tools that has begun.

    Attributes:
        tool: The tool's name.
        began: When, by `time.monotonic`.
    """

    tool: str
    began: float


OpenTools: TypeAlias = dict[str, OpenTool]
"""Calls of the provider's own tools that have begun and not ended, by id; a paused turn leaves some."""


class AnswerTeller:
    """Follows one answer.

    Args:
        model: Who answers, as long as the provider does not give the name.
        open_tools: What earlier answers have left open; kept up to date.

    Attributes:
        usage: What was reported for it so far, failed attempts included.
        sources: What it cites, each once.
        calls: The calls it wants made; to be made when the answer is whole.
        stopped: How it ended, or None while it has not.
    """

    def __init__(self, model: str, open_tools: OpenTools) -> None:
        self.usage = Usage()
        self.sources: dict[Source, None] = {}
        self.calls: list[ToolCall] = []
        self.stopped: Stopped | None = None
        self._model = model
        self._owes = False
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._open = open_tools
        self._opened_here: set[str] = set()

    @property
    def text(self) -> str:
        """Its text so far."""
        return "".join(self._text)

    @property
    def message(self) -> AssistantMessage:
        """It, as part of the conversation that goes on."""
        return AssistantMessage(self.text, tuple(self.calls), self.stopped.echo if self.stopped else None)

    def tell(self, delta: Delta) -> Iterator[AgentSaid]:
        """Take a delta."""
        self._owes = not isinstance(delta, Retrying | AskedAgain | Stopped)
        match delta:
            case TextDelta(text):
                yield from self._end_thought()
                self._text.append(text)
                yield TextStreamed(text=text)
            case ThinkingDelta(text):
                self._thinking.append(text)
                yield ThinkingStreamed(text=text)
            case ThinkingEnded():
                yield from self._end_thought()
            case CallPreparing(tool):
                yield from self._end_thought()
                yield Waiting(reason="model", message=f"preparing {tool}")
            case CallReady(call):
                self.calls.append(call)
            case ProviderToolStarted(call_id, tool, arguments):
                yield from self._end_thought()
                self._open[call_id] = OpenTool(tool, time.monotonic())
                self._opened_here.add(call_id)
                yield ToolStarted(tool=tool, call_id=call_id, input=arguments_of(arguments) or {})
            case ProviderToolEnded(call_id, _, ok, output):
                if call_id in self._open:  # a call that a retry has made void has had its end
                    yield self._end_tool(call_id, ok=ok, output=output)
            case Cited(source):
                self.sources[source] = None
            case Used():
                yield self._charge(delta)
            case Retrying():
                yield from self._begin_again(delta)
            case AskedAgain(attempt):
                yield Waiting(reason="model", message=f"waiting for the model, attempt {attempt}")
            case Stopped():
                yield from self._end_thought()
                self.stopped = delta
            case _:
                assert_never(delta)

    def fail(self) -> None:
        """Know that the model has failed: what the attempt has cost is told already, as far as anybody knows it."""
        self._owes = False

    def close(self) -> Iterator[AgentSaid]:
        """Take the end of what the model says, however it came about.

        What was left in the middle (a limit, a cancellation) costs more than was told, and nobody says how much.
        """
        if self._owes and self.usage.cost_usd is not None:
            yield self._charge(Used(model=self._model, input_tokens=0, output_tokens=0, cost_usd=None))
        self._owes = False

    def _end_thought(self) -> Iterator[AgentSaid]:
        """Finish what was thought; some providers do not say where a thought ends."""
        if self._thinking:
            yield Thought(text="".join(self._thinking))
            self._thinking.clear()

    def _end_tool(self, call_id: str, *, ok: bool, output: str) -> ToolEnded:
        opened = self._open.pop(call_id)
        seconds = time.monotonic() - opened.began
        return ToolEnded(tool=opened.tool, call_id=call_id, seconds=seconds, ok=ok, output=output)

    def _charge(self, used: Used) -> UsageReported:
        self._model = used.model
        self.usage += Usage(used.input_tokens, used.output_tokens, used.cost_usd)
        return UsageReported(
            model=used.model,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cost_usd=used.cost_usd,
        )

    def _begin_again(self, retrying: Retrying) -> Iterator[AgentSaid]:
        for said in (self._text, self._thinking, self.calls):
            said.clear()
        for call_id in [call_id for call_id in self._open if call_id in self._opened_here]:
            yield self._end_tool(call_id, ok=False, output=_BROKE_OFF)
        self._opened_here.clear()
        self.sources.clear()
        if retrying.void_characters:
            yield StreamWithdrawn(reason=_BROKE_OFF, characters=retrying.void_characters)
        yield Waiting(reason=retrying.reason, message=retrying.message)
