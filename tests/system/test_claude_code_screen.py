"""What a person sees: the real Claude Code in a terminal, this server registered, and real agents at work below it."""

import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from shlex import quote

import anyio
import pytest

from tests.fakes.build_feature_script import build_feature_model
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Reply, ToolUse, by_marker, say

pytestmark = pytest.mark.anyio

MARKER = "[a person's session]"
PROMPT = "Use build_feature to add slugify"


def person(request: ModelRequest) -> Answer:
    """The model of the session: calls the tool once, then is done."""
    if request.tool_results:
        return say("The feature is built.")
    return Reply((ToolUse("mcp__agent-workflows__build_feature", {"task": "Add slugify"}),))


class Screen:
    """A terminal of 110 by 36 characters in which a program runs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.seen: list[str] = []

    async def type(self, text: str) -> None:
        await _tmux("send-keys", "-t", self._name, "-l", text)
        await _tmux("send-keys", "-t", self._name, "Enter")

    async def until(self, *words: str, within: float = 30) -> str:
        """Look until all words are on the screen at once."""
        with anyio.move_on_after(within):
            while True:
                shown = await _tmux("capture-pane", "-p", "-t", self._name)
                self.seen.append(shown)
                if all(word in shown for word in words):
                    return shown
        raise AssertionError(f"{words} never came. The last screen:\n{self.seen[-1]}")


@asynccontextmanager
async def claude_code(directory: Path, url: str, workspace: Path) -> AsyncGenerator[Screen, None]:
    """Claude Code in a terminal, past its first questions, with this server registered."""
    environ = claude_environment(directory, url)
    known = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [environ["ANTHROPIC_API_KEY"][-20:]], "rejected": []},
        "projects": {str(workspace): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    for place in (Path(environ["CLAUDE_CONFIG_DIR"]), Path(environ["HOME"])):
        place.mkdir(parents=True, exist_ok=True)
        (place / ".claude.json").write_text(json.dumps(known))
    server = {
        "type": "stdio",
        "command": str(Path(sys.executable).with_name("agent-workflows")),
        "args": ["serve"],
        "env": {"AGENT_WORKFLOWS_HOME": str(directory / "data"), "AGENT_WORKFLOWS_CLAUDE": str(require_claude())},
    }
    config = directory / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"agent-workflows": server}}))
    variables = [f"{name}={quote(value)}" for name, value in environ.items()]
    options = [f"--mcp-config={config}", "--strict-mcp-config", "--allowedTools=mcp__agent-workflows"]
    command = ["env", *variables, str(require_claude()), *options, quote(f"--append-system-prompt={MARKER}")]
    name = f"agent-workflows-{os.getpid()}"
    size = ["-x", "110", "-y", "36"]
    await _tmux("new-session", "-d", "-s", name, *size, "-c", str(workspace), " ".join(command))
    try:
        yield Screen(name)
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(5):
            await _tmux("kill-session", "-t", name)


async def _tmux(*arguments: str) -> str:
    return (await anyio.run_process(["tmux", *arguments])).stdout.decode()


@pytest.mark.skipif(not shutil.which("tmux") and not os.environ.get("CI"), reason="needs tmux for a terminal")
async def test_a_person_watches_the_agents_work_in_claude_code(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    async with (
        messages_api(
            by_marker({MARKER: person}, otherwise=build_feature_model(("architect", "codesmith", "finish")))
        ) as api,
        claude_code(tmp_path, api.url, workspace) as screen,
    ):
        await screen.until("❯")
        await screen.type(PROMPT)
        await screen.until("The feature is built.", within=50)
    shown = "\n".join(screen.seen)
    for line in ("Calling agent-workflows", "architect", "codesmith", "· 3/5 ·", "%)"):
        assert line in shown, f"{line!r} was never on the screen"
    assert (workspace / "slugify.py").exists()
