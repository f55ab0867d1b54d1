"""Stands in for `agents.models.model.Model`: says what a test wants, and keeps what it was asked."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from agents.errors import AgentError
from agents.models.deltas import CallReady, Delta, Stopped, TextDelta, Used
from agents.models.model import Abilities
from agents.models.request import ModelRequest, ToolCall

Part: TypeAlias = Delta | AgentError | Callable[[], Awaitable[None]]
"""What happens next: something is said, something fails, or something is awaited."""

ALL_ABILITIES = Abilities(tools=True, reply_schema=True, web_search=True)


@dataclass(slots=True)
class FakeModel:
    """A model that plays one turn for every request.

    Attributes:
        turns: What it says, turn by turn; the turn's last part may be left out where it is a plain stop.
        abilities: As in the port.
        name: As in the port.
        requests: What it was asked.
        closed: How many of its streams were left before their end.
    """

    turns: list[tuple[Part, ...]]
    abilities: Abilities = ALL_ABILITIES
    name: str = "fake:model"
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    closed: int = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
        """As in the port."""
        self.requests.append(request)
        assert len(self.requests) <= len(self.turns), "the model was asked more often than the test says"
        parts = self.turns[len(self.requests) - 1]
        ended = False
        try:
            for part in parts:
                if isinstance(part, AgentError):
                    ended = True
                    raise part
                if callable(part):
                    await part()
                else:
                    yield part
            if not any(isinstance(part, Stopped) for part in parts):
                called = any(isinstance(part, CallReady) for part in parts)
                yield Stopped(reason="called_tools" if called else "answered")
            ended = True
        finally:
            self.closed += not ended

    async def aclose(self) -> None:
        """As in the port."""


def says(text: str, *more: Part, cost_usd: float | None = 0.01) -> tuple[Part, ...]:
    """A turn that answers."""
    return (TextDelta(text), *more, Used(model="model", input_tokens=10, output_tokens=5, cost_usd=cost_usd))


def calls(tool: str, arguments: str = "{}", *, text: str = "", call_id: str = "call_1") -> tuple[Part, ...]:
    """A turn that calls one tool."""
    said: tuple[Part, ...] = (TextDelta(text),) if text else ()
    used = Used(model="model", input_tokens=10, output_tokens=5, cost_usd=0.01)
    return (*said, CallReady(ToolCall(call_id, tool, arguments)), used)
