"""Stands in for `agents.agent.Agent`: does whatever a test wants."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.agent import AgentReply, AgentTask
from agents.events import Emit


@dataclass(frozen=True, slots=True)
class FakeAgent:
    """An agent that is a function.

    Attributes:
        act: What it does.
        offline: As in the port.
    """

    act: Callable[[AgentTask, Emit], Awaitable[AgentReply]]
    offline: bool = False

    @property
    def name(self) -> str:
        """As in the port."""
        return "fake"

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """As in the port."""
        return await self.act(task, emit)
