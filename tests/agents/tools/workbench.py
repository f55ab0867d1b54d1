"""A workspace and the tools that work in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from agents.command_runner import CommandResult, RunCommand
from agents.tools.inside import Inside
from agents.tools.reading import reading_tools
from agents.tools.tool import ToolFailed, ToolOutcome
from agents.tools.writing import writing_tools


async def run_nothing(argv: Sequence[str], cwd: Path, **_: Any) -> CommandResult:
    """Fail: tools that only handle files run no command."""
    raise AssertionError(f"{argv} was run in {cwd}")


class Workbench:
    """The place.

    Args:
        directory: A directory; the workspace is made in it, so that there is something around it.
        run_command: Runs commands.
    """

    def __init__(self, directory: Path, run_command: RunCommand) -> None:
        self.root = directory / "workspace"
        self.root.mkdir()
        (directory / "secret.txt").write_text("a secret")
        inside = Inside(self.root.resolve())
        tools = (*reading_tools(inside), *writing_tools(inside, run_command, "run-1"))
        self._tools = {tool.name: tool for tool in tools}

    def put(self, path: str, text: str = "") -> Path:
        """Put a file there."""
        whole = self.root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, newline="")
        return whole

    async def use(self, tool: str, **arguments: Any) -> ToolOutcome:
        """Call a tool."""
        with anyio.fail_after(5):
            return await self._tools[tool].call(arguments)

    async def refused(self, tool: str, **arguments: Any) -> str:
        """Call a tool that cannot do it, and say why."""
        with pytest.raises(ToolFailed) as failure:
            await self.use(tool, **arguments)
        return str(failure.value)
