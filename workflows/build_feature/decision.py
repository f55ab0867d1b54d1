"""Who goes next: what the supervisor decides, and the rules that stand above it. Pure.

The supervisor's model decides; the rules only keep a run from going round for ever and from ending without an answer.
Where they overrule the supervisor, they say so.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from pydantic import BaseModel, Field

from workflows.build_feature.state import Standing

AgentName: TypeAlias = Literal["research", "architect", "codesmith", "reviewfix", "responder"]

MOST_TIMES = MappingProxyType[AgentName, int]({"research": 2, "architect": 2, "codesmith": 3, "reviewfix": 3})
"""How often each agent may work in one run. The responder works once: after it the run is over."""
MOST_ROUNDS = 9
"""How many rounds there may be before the responder's."""


class Decision(BaseModel):
    """What the supervisor decides."""

    analysis: str = Field(
        min_length=1,
        description="Where the work stands, in one to three sentences: what is done, observed, and missing.",
    )
    reasoning: str = Field(min_length=1, description="Why this agent is next, in one or two sentences.")
    confidence: float = Field(ge=0, le=1, description="How sure you are that this is the right next step, 0 to 1.")
    next_agent: Literal["research", "architect", "codesmith", "reviewfix", "responder", "finish"] = Field(
        description="Who is next. `finish` is the same as `responder`: it writes the final answer, and ends the run."
    )
    instructions: str = Field(
        min_length=1,
        description="What the next agent is to do now, complete in itself: it sees the task and the results so far, "
        "not your thoughts.",
    )

    @property
    def agent(self) -> AgentName:
        """Who that is: nothing is finished without an answer."""
        return "responder" if self.next_agent == "finish" else self.next_agent


@dataclass(frozen=True, slots=True)
class Routing:
    """Who really goes.

    Attributes:
        next_agent: The agent.
        instructions: What it is told.
        overruled: Why this is not what the supervisor decided; empty if it is.
    """

    next_agent: AgentName
    instructions: str
    overruled: str = ""


def settle(decision: Decision, standing: Standing) -> Routing:
    """Apply the rules to a decision.

    Args:
        decision: The supervisor's.
        standing: Where the work stands.
    """
    reason = _reason_against(decision.agent, standing)
    if not reason:
        return Routing(decision.agent, decision.instructions)
    instead = _instead(standing)
    return Routing(instead, _INSTRUCTIONS[instead], f"{reason} {_INTENTION[instead]}")


def _reason_against(agent: AgentName, standing: Standing) -> str:
    if agent == "responder":
        return ""
    times = standing.times(agent)
    if len(standing.rounds) >= MOST_ROUNDS:
        return f"{agent} was decided on, but the limit of {MOST_ROUNDS} rounds is reached."
    if times >= MOST_TIMES[agent]:
        return f"{agent} was decided on, but has already worked {times} times, which is its limit."
    return ""


def _instead(standing: Standing) -> AgentName:
    """The most useful agent that is still allowed."""
    useful: AgentName = "reviewfix" if standing.times("codesmith") else "codesmith"
    return "responder" if standing.is_reviewed or _reason_against(useful, standing) else useful


_INTENTION = MappingProxyType[AgentName, str](
    {
        "codesmith": "Nothing is built yet, so codesmith goes.",
        "reviewfix": "The newest code is not reviewed, so reviewfix goes.",
        "responder": "So the responder answers with what there is.",
    }
)
_INSTRUCTIONS = MappingProxyType[AgentName, str](
    {
        "codesmith": "Build the feature with what is known, write its tests, and run them.",
        "reviewfix": "Review the newest state of the code, fix what you can, and run the tests.",
        "responder": "Write the answer from what there is. Say plainly what is open: no further round is allowed.",
    }
)
