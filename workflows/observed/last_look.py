"""A look at what an agent that failed has left."""

from collections.abc import Awaitable, Callable

import anyio

from agents.events import Found, Progressed
from workflows.reports import AgentReport, Say

LAST_LOOK_SECONDS = 10.0
"""How long it may take to see what an agent that failed has left."""


async def last_look(agent: str, look: Callable[[], Awaitable[Found]], say: Say) -> None:
    """Report what an agent has left that failed, within `LAST_LOOK_SECONDS`.

    Args:
        agent: Who has failed.
        look: Looks, and tells what it found.
        say: The node's stream writer.
    """
    with anyio.move_on_after(LAST_LOOK_SECONDS) as bound:
        say(AgentReport(agent, await look()))
    if bound.cancelled_caught:
        say(AgentReport(agent, Progressed(message="what it has left could not be seen in time")))
