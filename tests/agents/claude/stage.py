"""A place where an agent on the misbehaving fake is run, watched and stopped."""

import os
import sys
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from agents.agent import AgentReply, AgentTask
from agents.claude.agent import ClaudeAgent
from agents.events import AgentSaid, TextStreamed
from agents.processes.patience import Patience
from agents.processes.registry import ProcessRegistry
from tests.descendants import processes_with_marker

FAKE_CLAUDE = Path(__file__).parents[2] / "fakes" / "claude_cli.py"
IMPATIENT = Patience(interrupt_seconds=0.2, terminate_seconds=0.2, linger_seconds=0.3)
"""For fakes, which have nothing to finish."""

Behaviour = Callable[[], object]
"""A function of `tests.fakes.claude_cli`."""


def fake_environment(behaviour: Behaviour | None = None, **more: str) -> dict[str, str]:
    """The environment in which the fake behaves as asked; its first line finds this Python first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    chosen = {"FAKE_CLAUDE": behaviour.__name__} if behaviour else {}
    return {"PATH": path, "HOME": "/nonexistent", **chosen, **more}


@asynccontextmanager
async def open_registry(*, parent_death_signal: bool = True) -> AsyncGenerator[ProcessRegistry]:
    """A registry that is closed at the end."""
    registry = ProcessRegistry(parent_death_signal=parent_death_signal)
    try:
        yield registry
    finally:
        await registry.close()


class Stage:
    """The place.

    Attributes:
        workspace: An existing directory.
        temporary: For the temporary files of a server in a process of its own; not there yet.
        registry: Owns the processes.
        run_id: By which everything an agent here has started is found.
        said: What agents said.
    """

    def __init__(self, workspace: Path, registry: ProcessRegistry) -> None:
        self.workspace = workspace
        self.temporary = workspace / "temporary files"
        self.registry = registry
        self.run_id = f"run-{uuid.uuid4().hex}"
        self.said: list[AgentSaid] = []
        self._heard = anyio.Event()

    def task(self, prompt: str = "do it", **more: Any) -> AgentTask:
        """A task of this stage's run; `more` are further fields."""
        task = AgentTask(role="coder", prompt=prompt, workspace=self.workspace, run_id=self.run_id)
        return replace(task, **more)

    def agent(self, behaviour: Behaviour | None = None, patience: Patience = IMPATIENT, **more: str) -> ClaudeAgent:
        """An agent on a fake that behaves so; `more` are further variables."""
        return ClaudeAgent(FAKE_CLAUDE, self.registry, environ=fake_environment(behaviour, **more), patience=patience)

    async def play(
        self, behaviour: Behaviour | None = None, task: AgentTask | None = None, patience: Patience = IMPATIENT
    ) -> AgentReply:
        """Run a fake that behaves so."""
        with anyio.fail_after(5):
            return await self.agent(behaviour, patience).run(task or self.task(), self.emit)

    def emit(self, said: AgentSaid) -> None:
        """Listen to an agent."""
        self.said.append(said)
        self._heard.set()
        self._heard = anyio.Event()

    async def heard(self, text: str) -> None:
        """Wait until an agent has said this."""
        with anyio.fail_after(5):
            while not any(isinstance(said, TextStreamed) and text in said.text for said in self.said):
                await self._heard.wait()

    @property
    def left_over(self) -> list[int]:
        """Processes of this run that are there now."""
        return processes_with_marker(self.run_id)
