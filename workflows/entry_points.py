"""Which workflows installed packages offer, without loading any."""

from importlib.metadata import EntryPoint, entry_points

GROUP = "agent_workflows"
"""The group of entry points under which a package offers its workflows."""


def offered() -> tuple[EntryPoint, ...]:
    """Where they are."""
    return tuple(entry_points(group=GROUP))
