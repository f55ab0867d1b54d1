"""An agent on a fake model, and what it said."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from agents.agent import AgentReply, AgentTask
from agents.command_runner import CommandResult
from agents.conversation.task_tools import ModelTools
from agents.events import (
    AgentSaid,
)
from agents.model_agent import ModelAgent
from agents.tools.web_page import WebPage
from tests.fakes.model import FakeModel, Part


async def run_no_command(argv: Sequence[str], cwd: Path, **_: Any) -> CommandResult:
    raise AssertionError(f"{argv} was run in {cwd}")


async def run_every_command(argv: Sequence[str], cwd: Path, **_: Any) -> CommandResult:
    return CommandResult(exit_code=0, stdout=f"ran {argv[-1]} in {cwd.name}".encode(), stderr="", seconds=0.5)


async def fetch_hello(url: str) -> WebPage:
    return WebPage(url, "hello from the web", is_whole=True)


class Play:
    """An agent on a fake model, with what it said."""

    def __init__(self, workspace: Path, *turns: tuple[Part, ...], **tools: Any) -> None:
        self.workspace = workspace
        self.model = FakeModel(list(turns))
        self.said: list[AgentSaid] = []
        self.tools = replace(ModelTools(run_command=run_no_command, fetch=fetch_hello), **tools)

    def task(self, **more: Any) -> AgentTask:
        return replace(AgentTask(role="coder", prompt="do it", workspace=self.workspace), **more)

    async def run(self, **more: Any) -> AgentReply:
        with anyio.fail_after(5):
            return await ModelAgent(self.model, self.tools).run(self.task(**more), self.said.append)

    def heard(self, *kinds: type[AgentSaid]) -> list[AgentSaid]:
        return [said for said in self.said if isinstance(said, kinds)]
