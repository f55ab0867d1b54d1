"""Which agent fills which role."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.agent import Agent


@dataclass(frozen=True, slots=True)
class Team:
    """The agents of one server.

    Attributes:
        default: Fills every role that has nobody of its own.
        by_role: Agents for certain roles.
    """

    default: Agent
    by_role: Mapping[str, Agent] = field(default_factory=dict[str, Agent])

    def agent_for(self, role: str) -> Agent:
        """Who works in this role."""
        return self.by_role.get(role, self.default)

    @property
    def offline(self) -> bool:
        """Whether any of them has no model behind it."""
        return self.default.offline or any(agent.offline for agent in self.by_role.values())
