"""The roles an agent can be asked to work in: instructions, access and limits, as data."""

from dataclasses import dataclass

from agents.agent import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role.

    Attributes:
        name: Machine name; also what people see.
        title: For people.
        access: What it may do in the workspace.
        instructions: What its agent is told apart from the task.
        max_turns: Limit of rounds between the model and its tools.
    """

    name: str
    title: str
    access: Access
    instructions: str
    max_turns: int
