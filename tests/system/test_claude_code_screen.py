"""What a person sees: the real Claude Code in a terminal, this server registered, and runs at work below it.

What was on the screen is kept in `test-output/screens/`, one file for each test.
"""

import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from shlex import quote

import anyio
import pytest

from tests.fakes.build_feature_script import build_feature_model
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Reply, ToolUse, always, by_marker, say
from tests.system.place import OWN_WORKFLOWS, Place, command_of
from tests.waiting import until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.impatient,  # a server that takes over 3 s to its first answer gets a handshake, and no task
    pytest.mark.skipif(not shutil.which("tmux") and not os.environ.get("CI"), reason="needs tmux for a terminal"),
]

MARKER = "[a person's session]"
LOOK_SECONDS = 0.1
"""Between two looks at the screen: each is a process, and the client needs the machine too."""
SCREENS = Path(__file__).parents[2] / "test-output" / "screens"


def calls(tool: str, **arguments: str) -> Callable[[ModelRequest], Answer]:
    """The model of a session: calls the tool once, and says what it reads of it from then on."""

    def person(request: ModelRequest) -> Answer:
        if not request.tool_results:
            return Reply((ToolUse(f"mcp__agent-workflows__{tool}", dict(arguments)),))
        read = "\n".join(
            [message.text for message in request.body.messages[1:]] + [r.text for r in request.tool_results]
        )
        for sign in ("it is done", "approved: ", "is built in"):
            if sign in read:
                return say(f"I have read: {sign}")
        return say("It is under way.")

    return person


class Screen:
    """A terminal of 110 by 36 characters in which a program runs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.seen: list[str] = []

    async def press(self, key: str) -> None:
        """Press a key that is no text, for example `Escape`."""
        await _tmux("send-keys", "-t", self._name, key)

    async def type(self, text: str) -> None:
        await _tmux("send-keys", "-t", self._name, "-l", text)
        await _tmux("send-keys", "-t", self._name, "Enter")

    async def changed(self, before: str) -> None:
        """Look until something else is on the screen."""
        with anyio.fail_after(5):
            while await self._look() == before:
                pass

    async def gone(self, words: str, within: float) -> None:
        """Look until the words are no longer on the screen, or that many seconds are over."""
        with anyio.move_on_after(within):
            while words in await self._look():
                pass

    async def until(self, *words: str, within: float = 30) -> str:
        """Look until all words are on the screen at once."""
        with anyio.move_on_after(within):
            while True:
                shown = await self._look()
                if all(word in shown for word in words):
                    return shown
        raise AssertionError(f"{words} never came. The last screen:\n{self.seen[-1]}")

    async def _look(self) -> str:
        await anyio.sleep(LOOK_SECONDS)
        self.seen.append(await _tmux("capture-pane", "-p", "-t", self._name))
        return self.seen[-1]


@asynccontextmanager
async def claude_code(
    directory: Path,
    url: str,
    workspace: Path,
    *arguments: str,
    options: tuple[str, ...] = (),
    settings: Mapping[str, str] | None = None,
) -> AsyncGenerator[Screen, None]:
    """Claude Code in a terminal, past its first questions, with this server registered.

    Args:
        directory: Holds its configuration and the server's data.
        url: Where its model is.
        workspace: Where it is started.
        arguments: Of `agent-workflows serve`.
        options: Further ones of `claude`.
        settings: The server's, as environment variables.
    """
    environ = claude_environment(directory, url)
    known = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [environ["ANTHROPIC_API_KEY"][-20:]], "rejected": []},
        "projects": {str(workspace): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    for place in (Path(environ["CLAUDE_CONFIG_DIR"]), Path(environ["HOME"])):
        place.mkdir(parents=True, exist_ok=True)
        if not (place / ".claude.json").exists():
            (place / ".claude.json").write_text(json.dumps(known))
    server = {
        "type": "stdio",
        "command": str(Path(sys.executable).with_name("agent-workflows")),
        "args": ["serve", *arguments],
        "env": {
            "AGENT_WORKFLOWS_HOME": str(directory / "data"),
            "AGENT_WORKFLOWS_CLAUDE": str(require_claude()),
            **(settings or {}),
        },
    }
    config = directory / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"agent-workflows": server}}))
    variables = [f"{name}={quote(value)}" for name, value in environ.items()]
    all_options = [f"--mcp-config={config}", "--strict-mcp-config", "--allowedTools=mcp__agent-workflows", *options]
    command = ["env", *variables, str(require_claude()), *all_options, quote(f"--append-system-prompt={MARKER}")]
    name = f"agent-workflows-{os.getpid()}"
    size = ["-x", "110", "-y", "36"]
    await _tmux("new-session", "-d", "-s", name, *size, "-c", str(workspace), " ".join(command))
    screen = Screen(name)
    before = connections(directory)
    try:
        await screen.until("❯")
        await until(lambda: connections(directory) > before, within=30)
        yield screen
    finally:
        _keep(directory.name, screen)
        with anyio.CancelScope(shield=True), anyio.move_on_after(5):
            await _tmux("kill-session", "-t", name)


def connections(directory: Path) -> int:
    """How often Claude Code says in its own log that it is connected to the server."""
    cache = directory / "claude-home" / ".cache" / "claude-cli-nodejs"
    logs = cache.glob("*/mcp-logs-agent-workflows/*.jsonl")
    return sum(log.read_text().count("Successfully connected") for log in logs)


def _keep(name: str, screen: Screen) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    different = [shown for shown, _ in groupby(screen.seen)]
    with (SCREENS / f"{name}.txt").open("a") as kept:
        kept.write(f"\n{'─' * 110}\n".join(different))


async def _tmux(*arguments: str) -> str:
    return (await anyio.run_process(["tmux", *arguments])).stdout.decode()


HELD = ("--offline", "--workflow", str(OWN_WORKFLOWS / "held.py"))
ASKS = ("--offline", "--workflow", str(OWN_WORKFLOWS / "asks.py"))
A_MOMENT = {"AGENT_WORKFLOWS_TASK_GRACE_SECONDS": "8"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = tmp_path / "workspace"
    made.mkdir()
    return made


async def test_a_person_watches_the_agents_work(tmp_path: Path, workspace: Path) -> None:
    model = by_marker(
        {MARKER: calls("build_feature", task="Add slugify")},
        otherwise=build_feature_model(("architect", "codesmith", "finish")),
    )
    async with (
        messages_api(model) as api,
        claude_code(tmp_path, api.url, workspace, settings={"AGENT_WORKFLOWS_TASK_GRACE_SECONDS": "45"}) as screen,
    ):
        await screen.type("Use build_feature to add slugify")
        await screen.until("I have read: is built in", within=45)
    shown = "\n".join(screen.seen)
    for line in ("Calling agent-workflows", "architect", "codesmith", "· 3/5 ·", "%)"):
        assert line in shown, f"{line!r} was never on the screen"


async def test_a_call_becomes_a_task_whose_result_reaches_the_model_when_it_is_done(
    tmp_path: Path, workspace: Path
) -> None:
    async with (
        messages_api(by_marker({MARKER: calls("held", task="it")}, otherwise=always(say("-")))) as api,
        claude_code(tmp_path, api.url, workspace, *HELD, settings=A_MOMENT) as screen,
    ):
        await screen.type("Hold it")
        await screen.until("Calling agent-workflows", "waiting for go")
        await screen.until("MCP task", "It is under way.")
        (workspace / "go").touch()
        await screen.until("completed", "I have read: it is done", within=40)


async def test_a_task_of_a_client_that_was_closed_is_found_again_when_it_is_continued(
    tmp_path: Path, workspace: Path
) -> None:
    model = by_marker({MARKER: calls("held", task="it")}, otherwise=always(say("-")))
    async with messages_api(model) as api:
        async with claude_code(tmp_path, api.url, workspace, *HELD, settings=A_MOMENT) as screen:
            await screen.type("Hold it")
            await screen.until("MCP task", "It is under way.")
        (workspace / "go").touch()
        async with claude_code(
            tmp_path, api.url, workspace, *HELD, settings=A_MOMENT, options=("--continue",)
        ) as screen:
            await screen.until("I have read: it is done", within=60)


async def test_escape_cancels_the_run_and_leaves_nothing_running(tmp_path: Path, workspace: Path) -> None:
    long = ("--offline", "--workflow", str(OWN_WORKFLOWS / "long_command.py"))
    place = Place(tmp_path / "data", workspace)
    async with (
        messages_api(by_marker({MARKER: calls("long_command", task="it")}, otherwise=always(say("-")))) as api,
        claude_code(
            tmp_path,
            api.url,
            workspace,
            *long,
            settings={"AGENT_WORKFLOWS_TASK_GRACE_SECONDS": "60", **place.environment, "TEST_PLACE": place.mark},
        ) as screen,
    ):
        await screen.type("Run it")
        await screen.until("sleep 601")
        await place.populated("sleep 601", "sleep 602", "sleep 603", "sleep 604")
        await screen.press("Escape")
        await until(
            lambda: not [line for line in map(command_of, place.processes()) if line.startswith("sleep 60")], within=20
        )


async def test_a_question_opens_a_form_and_the_answer_goes_to_the_run(tmp_path: Path, workspace: Path) -> None:
    async with (
        messages_api(by_marker({MARKER: calls("asks", task="a house")}, otherwise=always(say("-")))) as api,
        claude_code(tmp_path, api.url, workspace, *ASKS, settings=A_MOMENT) as screen,
    ):
        await screen.type("Ask me")
        form = await screen.until("requests your input", "Shall I carry out the plan for a house?", "Accept")
        await screen.press("Space")
        await screen.changed(form)
        await screen.press("Down")
        await screen.until("Approved: ☒", "Type something…")
        await screen.press("Down")
        await screen.until("❯ Accept")
        while "requests your input" in await screen.until("agent-workflows"):  # it does not take up every key at once
            await screen.press("Enter")
            await screen.gone("requests your input", within=1)
        await screen.until("I have read: approved:", within=40)
