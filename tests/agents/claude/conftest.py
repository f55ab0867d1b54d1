"""Agents on the misbehaving fake, and the check that nothing of them is left."""

import os
import sys
import uuid
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import anyio
import pytest
from pydantic import BaseModel

from agents.agent import Access, AgentReply, AgentTask
from agents.claude.agent import ClaudeAgent
from agents.claude.child import Patience
from agents.claude.process import ProcessRegistry
from agents.events import AgentSaid, TextStreamed
from tests.descendants import processes_with_marker
from tests.waiting import until

FAKE_CLAUDE = Path(__file__).parents[2] / "fakes" / "claude_cli.py"
IMPATIENT = Patience(interrupt_seconds=0.2, terminate_seconds=0.2, linger_seconds=0.3)
"""For fakes, which have nothing to finish."""


def fake_environment(behaviour: Callable[..., object] | None = None, **more: str) -> dict[str, str]:
    """The environment in which the fake behaves as asked; its first line finds this Python first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    chosen = {"FAKE_CLAUDE": behaviour.__name__} if behaviour else {}
    return {"PATH": path, "HOME": "/nonexistent", **chosen, **more}


class Stage:
    """A place where an agent on the fake can be run, watched and stopped.

    Attributes:
        said: What the agent said.
        run_id: By which everything it started is found.
    """

    def __init__(self, workspace: Path, registry: ProcessRegistry) -> None:
        self.workspace = workspace
        self.registry = registry
        self.run_id = f"run-{uuid.uuid4().hex}"
        self.said: list[AgentSaid] = []
        self._heard = anyio.Event()

    def agent(self, behaviour: Callable[..., object] | None = None, patience: Patience = IMPATIENT, **more: str) -> ClaudeAgent:
        return ClaudeAgent(FAKE_CLAUDE, self.registry, environ=fake_environment(behaviour, **more), patience=patience)

    def task(
        self,
        prompt: str = "do it",
        *,
        access: Access = "none",
        max_seconds: float | None = None,
        reply_model: type[BaseModel] | None = None,
    ) -> AgentTask:
        return AgentTask(
            role="coder",
            prompt=prompt,
            workspace=self.workspace,
            access=access,
            max_seconds=max_seconds,
            reply_model=reply_model,
            run_id=self.run_id,
        )

    def emit(self, said: AgentSaid) -> None:
        self.said.append(said)
        self._heard.set()
        self._heard = anyio.Event()

    async def play(self, behaviour: Callable[..., object] | None = None, **more: str) -> AgentReply:
        return await self.agent(behaviour, **more).run(self.task(), self.emit)

    async def heard(self, text: str) -> None:
        """Wait until the agent has said this. Bounded by whoever waits."""
        while not any(isinstance(said, TextStreamed) and text in said.text for said in self.said):
            await self._heard.wait()

    @property
    def left_over(self) -> list[int]:
        return processes_with_marker(self.run_id)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A stage; when the test is over, nothing of what ran on it may be left."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    registry = ProcessRegistry()
    stage = Stage(workspace, registry)
    yield stage
    left_over = stage.left_over
    await registry.close()
    assert left_over == []
    await until(lambda: stage.left_over == [])
