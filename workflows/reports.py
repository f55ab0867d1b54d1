"""What a graph's node reports while it works, through the graph's stream writer.

The runner turns each report into an event of the run's log; nothing else reaches the log from inside a graph.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agents.events import AgentSaid


@dataclass(frozen=True, slots=True)
class AgentReport:
    """Something an agent said.

    Attributes:
        agent: The role it works in.
        said: What it said.
    """

    agent: str
    said: AgentSaid


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorReport:
    """Something a supervisor saw, decided or set going.

    Attributes:
        event_type: Which of the three.
        reasoning: Why.
        confidence: 0 to 1, None where it states none.
        next_agent: Who is next; empty in an analysis.
        instructions: What that agent is told.
    """

    event_type: Literal["analysis", "decision", "routing"]
    reasoning: str
    confidence: float | None = None
    next_agent: str = ""
    instructions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactReport:
    """Something was made that is worth keeping whole.

    Attributes:
        agent: The role that made it.
        name: Name of the artifact, for example `design.md`; where the run has used it before for another
            text, the new version is kept beside the old one as `design-2.md`.
        media_type: For example `text/markdown`.
        text: The whole of it.
        title: One line for people.
    """

    agent: str
    name: str
    media_type: str
    text: str
    title: str


Report: TypeAlias = AgentReport | SupervisorReport | ArtifactReport
Say: TypeAlias = Callable[[Report], None]
"""Where a node reports. Never blocks."""
