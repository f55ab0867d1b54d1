"""`agent-workflows demo`: everything for real but the model.

A real MCP client starts `agent-workflows serve --offline` and calls `build_feature` over stdio. Scripted agents take
the place of models; they really write files and really run tests, in a fresh git repository.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import click
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ProgressNotification, ServerNotification, TextContent, TextResourceContents

from mcp_server.commands.following import leave_broken_pipe
from mcp_server.commands.options import json_option
from mcp_server.run_calls import EVENT_META
from mcp_server.terminal.results import print_structured_result
from mcp_server.terminal.view import View, choose_view
from workflows.runs.event_json import decode
from workflows.runs.events import RunEvent

TASK = "Add a small, well-tested module that turns titles into URL slugs"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a demo happens.

    Attributes:
        workspace: The git repository the agents work in.
        data: The server's data directory.
    """

    workspace: Path
    data: Path

    @classmethod
    @contextmanager
    def fresh(cls) -> Generator["Place"]:
        """A new temporary directory with an empty git repository in it.

        It stays for the user to look at, unless they end the demo before there is a result.
        """
        base = Path(tempfile.mkdtemp(prefix="agent-workflows-demo-"))
        place = cls(base / "workspace", base / "data")
        try:
            place.workspace.mkdir()
            if shutil.which("git"):
                subprocess.run(["git", "init", "--quiet"], cwd=place.workspace, check=True, stdin=subprocess.DEVNULL)
            yield place
        except (KeyboardInterrupt, SystemExit):  # Ctrl-C, or nobody reads on: nobody will be told where it is
            shutil.rmtree(base, ignore_errors=True)
            raise
        except BaseException:  # whatever went wrong, what is there stays for the user to look at
            click.echo(f"What there is so far is in {base}", err=True)
            raise


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """Watch build_feature work, offline, in a fresh temporary git repository."""
    with Place.fresh() as place:
        if not as_json:
            click.echo("Starting `agent-workflows serve --offline`, and calling its tool build_feature over MCP …\n")
        result = _result(place, as_json=as_json)
    if not as_json:
        _tell(result, place)


def _result(place: Place, *, as_json: bool) -> CallToolResult:
    try:
        result = anyio.run(_call, place, as_json)
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is not None:
            raise KeyboardInterrupt from group
        if group.split(BrokenPipeError)[1] is None:
            sys.exit(leave_broken_pipe())
        if group.split(MCPError)[1] is None:
            raise click.ClickException("The server did not answer; what it said on standard error is above.") from group
        raise
    if result.is_error:
        raise click.ClickException(_text_of(result))
    return result


def _tell(result: CallToolResult, place: Place) -> None:
    print_structured_result(result.structured_content or {}, stream=sys.stdout)
    click.echo(f"\nThe files are in {place.workspace}")
    click.echo("This was scripted, without a model. With the real agents, in Claude Code:\n")
    click.echo(f"  claude mcp add agent-workflows -- {_own_command()} serve\n")


def _text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def _call(place: Place, as_json: bool) -> CallToolResult:  # noqa: FBT001 - anyio.run passes no keywords
    server = StdioServerParameters(
        command=_own_command(),
        args=["serve", "--offline"],
        env={**os.environ, "AGENT_WORKFLOWS_HOME": str(place.data), "AGENT_WORKFLOWS_ROOTS": str(place.workspace)},
        cwd=place.workspace,
    )
    with choose_view(sys.stdout, json=as_json, workspace=str(place.workspace)) as view:
        follower = _Follower(view)
        async with Client(server, message_handler=follower.on_message) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow, client)
            result = await client.call_tool(
                "build_feature", {"task": TASK, "isolation": "in_place"}, progress_callback=_wanted
            )
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True), anyio.fail_after(10):
                await follower.catch_up(client)
            return result
    raise AssertionError("a client either returns a result or raises")


async def _wanted(progress: float, total: float | None, message: str | None) -> None:
    """A client that gives a callback is a client that asks for progress; the events come through `on_message`."""


class _Follower:
    """Shows every event of the run: each notification says that the log has grown, the log has all of them."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._run_id = ""
        self._seen = 0
        self._news = anyio.Event()

    async def on_message(self, message: ServerNotification | Exception) -> None:
        if isinstance(message, ProgressNotification) and (event := (message.params.meta or {}).get(EVENT_META)):
            self._run_id = event["run_id"]
            self._news.set()

    async def follow(self, client: Client) -> None:
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            await self.catch_up(client)

    async def catch_up(self, client: Client) -> None:
        while self._run_id and (page := await self._page(client)):
            for event in page:
                if event.seq == self._seen + 1:
                    self._view.show(event)
                    self._seen = event.seq

    async def _page(self, client: Client) -> list[RunEvent]:
        uri = f"runs://{self._run_id}/events?after={self._seen}"
        contents = (await client.read_resource(uri)).contents[0]
        text = contents.text if isinstance(contents, TextResourceContents) else ""
        return [decode(line) for line in text.split("\n") if line]


def _own_command() -> str:
    """The console script beside this interpreter; else whatever was called."""
    script = Path(sys.executable).with_name("agent-workflows")
    return str(script) if script.exists() else sys.argv[0]
