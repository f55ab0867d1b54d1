"""The real `claude` as an MCP client: it starts a server over stdio, calls tools that the test names, and reports.

Its model is the fake Messages API, so what it calls is certain; what the model reads of each result is what the
client really made of it.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import orjson

from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_request import ModelRequest, ToolResult
from tests.fakes.messages_script import (
    Answer,
    Json,
    Reply,
    Script,
    ScriptFailed,
    ToolUse,
    by_marker,
    say,
)
from tests.system.claude_process import STREAMING, ClaudeOutcome, ClaudeProcess, claude_process

MARKER = "[MCP client]"
"""In the system prompt of the client, so that agents the server starts itself can be told from it."""

Arguments: TypeAlias = Json | Callable[[Sequence[ToolResult]], Json]
"""Arguments of a call, or what makes them of the results so far."""


@dataclass(frozen=True, slots=True)
class McpCall:
    """One tool call that the client is to make.

    Attributes:
        tool: The tool's name as the server has it.
        arguments: Its arguments; a function gets the results so far, for example to pass on a run id.
    """

    tool: str
    arguments: Arguments = field(default_factory=dict[str, None])


@dataclass(frozen=True, slots=True)
class StdioServer:
    """The server under test.

    Attributes:
        command: Program and arguments; absolute paths, for it is started in the workspace.
        name: What it is called in the client's configuration.
        environment: What is added to the client's environment for it.
    """

    command: Sequence[str]
    name: str = "tested"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ClientOutcome:
    """What came of it.

    Attributes:
        results: What the model read of each call, in order.
        offered: The server's tools, by the names the server has for them.
        process: How `claude` ended.
    """

    results: tuple[ToolResult, ...]
    offered: tuple[str, ...]
    process: ClaudeOutcome


@dataclass(frozen=True, slots=True)
class ClaudeClient:
    """The client while it runs.

    Attributes:
        process: The `claude` process; it can be read, or be sent a signal.
        api: Its model.
        server: The server it talks to.
    """

    process: ClaudeProcess
    api: MessagesApi
    server: StdioServer

    @property
    def asked(self) -> list[ModelRequest]:
        """The client's own requests to its model so far."""
        return [request for request in self.api.requests if MARKER in request.system]

    async def finish(self) -> ClientOutcome:
        """Wait for its end. Bounded by whoever waits."""
        outcome = await self.process.finish()
        assert self.asked, f"The client never asked its model. Exit code {outcome.exit_code}: {outcome.stderr[-2000:]}"
        prefix = f"mcp__{self.server.name}__"
        offered = tuple(name.removeprefix(prefix) for name in self.asked[0].tools if name.startswith(prefix))
        return ClientOutcome(self.asked[-1].tool_results, offered, outcome)


@asynccontextmanager
async def claude_client(
    server: StdioServer,
    calls: Sequence[McpCall],
    *,
    tmp_path: Path,
    workspace: Path,
    agents: Script | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[ClaudeClient]:
    """Start the client and have it make the calls one after another; then it says `Done.` and ends.

    Args:
        server: The server it starts.
        calls: What it calls.
        tmp_path: For its home, settings and logs.
        workspace: Existing directory it works in, and the server too.
        agents: Script for the server's own agents, where they use the same Messages API.
        environment: Further variables for the client, which the server inherits.
    """
    config = {"command": server.command[0], "args": list(server.command[1:]), "env": dict(server.environment)}
    config_path = tmp_path / "mcp.json"
    config_path.write_bytes(orjson.dumps({"mcpServers": {server.name: {"type": "stdio", **config}}}))
    command = [
        require_claude(),
        *STREAMING,
        f"--mcp-config={config_path}",
        f"--allowedTools=mcp__{server.name}",
        f"--append-system-prompt={MARKER}",
        "--tools=",
    ]
    async with messages_api(by_marker({MARKER: _calling(server, calls)}, otherwise=agents)) as api:
        variables = claude_environment(tmp_path, api.url) | {"ENABLE_TOOL_SEARCH": "false"} | dict(environment or {})
        async with claude_process(
            command,
            prompt="Use the tools.",
            cwd=workspace,
            environment=variables,
            stderr_path=tmp_path / "client-stderr",
        ) as process:
            yield ClaudeClient(process, api, server)


def _calling(server: StdioServer, calls: Sequence[McpCall]) -> Script:
    def answer(request: ModelRequest) -> Answer:
        if request.step == len(calls):
            return say("Done.")
        call = calls[request.step]
        name = f"mcp__{server.name}__{call.tool}"
        if name not in request.tools:
            raise ScriptFailed(f"{name} is not offered to the model; it has {request.tools}.")
        arguments = call.arguments(request.tool_results) if callable(call.arguments) else call.arguments
        return Reply((ToolUse(name, arguments),))

    return answer
