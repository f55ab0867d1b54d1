"""A server that is going to be killed: runs one agent until then, and prints a line for whatever the agent says.

Its only argument is a JSON object with the fields of `Orders`.
"""

import logging
import sys
from pathlib import Path

import anyio
from pydantic import BaseModel

from agents.access import Access
from agents.agent import AgentTask
from agents.claude.agent import ClaudeAgent
from agents.events import AgentSaid
from agents.processes.registry import ProcessRegistry


class Orders(BaseModel):
    """What it does."""

    executable: Path
    workspace: Path
    run_id: str
    prompt: str = "do it"
    access: Access = "none"
    parent_death_signal: bool = True


async def serve(orders: Orders) -> None:
    """Run the agent."""
    agent = ClaudeAgent(orders.executable, ProcessRegistry(parent_death_signal=orders.parent_death_signal))
    task = AgentTask(
        role="coder",
        prompt=orders.prompt,
        workspace=orders.workspace,
        access=orders.access,
        run_id=orders.run_id,
    )
    await agent.run(task, _print)


def _print(said: AgentSaid) -> None:
    sys.stdout.write(f"{said!r}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig()
    anyio.run(serve, Orders.model_validate_json(sys.argv[1]))
