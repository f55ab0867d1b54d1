"""Says why a run is quiet, when it is.

The pulse listens to what agents say; when nothing new was logged for a while, it knows who was last at work and what
they are waiting for: the model, a tool, a pause the provider asked for, a free slot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from agents.events import (
    AgentSaid,
    ConversationOpened,
    Decided,
    Found,
    Progressed,
    ReasoningStep,
    StreamWithdrawn,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
    UsageReported,
    Waiting,
)
from workflows.runs.events import Heartbeat

QUIET_SECONDS = 5.0
"""After how much silence a heartbeat is due, and how often it is repeated. Clients must hear something every 10 s."""

_WORDS = {
    "model": "waiting for the model",
    "tool": "waiting for a tool",
    "rate_limit": "the provider asked to wait",
    "retry": "will try again",
    "person": "waiting for an answer",
    "start": "starting",
    "work": "working on the result",
}


@dataclass(slots=True)
class _Activity:
    waiting_for: str = "start"
    reason: str = _WORDS["start"]
    since: float = 0.0


class Pulse:
    """Keeps what every agent was last seen doing.

    Args:
        clock: Seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last_logged = clock()
        self._agents: dict[str, _Activity] = {}
        self._open_tools: dict[str, dict[str, str]] = {}
        self._latest = ""
        self._idle = _Activity(waiting_for="start", reason="starting", since=clock())

    def logged(self) -> None:
        """Something else than a heartbeat was logged."""
        self._last_logged = self._clock()

    def idle(self, waiting_for: str, reason: str) -> None:
        """What is waited for while no agent works."""
        self._idle = _Activity(waiting_for=waiting_for, reason=reason, since=self._clock())

    def nobody(self) -> None:
        """No agent is at work any more."""
        self._agents.clear()
        self._open_tools.clear()
        self._latest = ""

    def agent_said(self, agent: str, said: AgentSaid) -> None:
        """An agent said something."""
        self._latest = agent
        tools = self._open_tools.setdefault(agent, {})
        match said:
            case ToolStarted():
                tools[said.call_id] = said.tool
            case ToolEnded():
                tools.pop(said.call_id, None)
            case Waiting():
                self._agents[agent] = _Activity(said.reason, said.message, self._clock() - said.seconds)
                return
            case Found() | UsageReported() if not tools:
                # The model has answered: what goes on now is other work of the node, until the agent says more.
                self._agents[agent] = _Activity("work", _WORDS["work"], self._clock())
                return
            case (
                Thought()
                | TextStreamed()
                | ThinkingStreamed()
                | StreamWithdrawn()
                | Progressed()
                | Decided()
                | Found()
                | ReasoningStep()
                | UsageReported()
                | ConversationOpened()
            ):
                pass
            case _:
                assert_never(said)
        if tools:
            name = list(tools.values())[-1]
            self._agents[agent] = _Activity("tool", f"{name} is running", self._clock())
        else:
            self._agents[agent] = _Activity("model", _WORDS["model"], self._clock())

    def beat(self, stage: str) -> Heartbeat | None:
        """The heartbeat that is due now, or None.

        Args:
            stage: The stage that runs.
        """
        now = self._clock()
        if now - self._last_logged < QUIET_SECONDS:
            return None
        self._last_logged = now
        activity = self._agents.get(self._latest, self._idle)
        return Heartbeat(
            agent=self._latest,
            stage=stage,
            seconds=round(now - activity.since, 1),
            waiting_for=activity.waiting_for,
            reason=activity.reason,
        )
