"""Who speaks: the names of sub-agents, by the tool call that started them."""

from agents.claude.messages import Sender


class Speakers:
    """Gives each sub-agent a name of its own below the agent that started it.

    A name is the kind of sub-agent, or what it was started for; the second of the same name under the same agent
    becomes `explore 2`.
    """

    def __init__(self) -> None:
        self._by_call: dict[str, tuple[str, ...]] = {}
        self._namesakes: dict[tuple[str, ...], int] = {}

    def introduce(self, call_id: str, below: tuple[str, ...], agent_type: str, description: str) -> tuple[str, ...]:
        """Name the sub-agent of an Agent tool call; the first name stays.

        Args:
            call_id: The Agent tool call.
            below: Who made the call.
            agent_type: Kind of sub-agent, or empty.
            description: What it was started for, or empty.

        Returns:
            Its full name, outermost first.
        """
        known = self._by_call.get(call_id)
        if known is not None:
            return known
        name = agent_type or description or "sub-agent"
        number = self._namesakes.get((*below, name), 0) + 1
        self._namesakes[*below, name] = number
        speaker = (*below, name if number == 1 else f"{name} {number}")
        self._by_call[call_id] = speaker
        return speaker

    def of(self, sender: Sender) -> tuple[str, ...]:
        """Name the sender of a line; empty for the main thread."""
        if sender.parent_call_id is None:
            return ()
        return self.introduce(sender.parent_call_id, (), sender.agent_type, sender.description)
