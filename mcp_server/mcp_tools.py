"""The tools of the MCP servers a user has connected, as tools for agents over a model; `claude` connects by itself."""

import json
import logging
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias, cast

import anyio
import httpx2
import mcp_types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent
from pydantic import JsonValue, TypeAdapter

from agents.errors import AgentError, ToolsUnavailable
from agents.mcp_servers import HttpServer, McpServers, StdioServer, expanded
from agents.processes.registry import ProcessRegistry
from agents.tools.tool import Tool, ToolFailed, ToolOutcome
from mcp_server.mcp_transport import Streams, child_transport

CONNECT_SECONDS = 30.0
"""How long all servers together may take to start and to tell their tools."""
CLOSE_SECONDS = 5.0
"""How long connected servers may take to say goodbye; then they are ended."""
CALL_SECONDS = 600.0
"""How long one call may take."""
HTTP_SECONDS = 30.0
"""How long a connection over HTTP may take, and a piece of it be written."""
MOST_PAGES = 50
"""How many pages a server's list of tools may have."""

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_Schema = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])
_Transport: TypeAlias = AbstractAsyncContextManager[Streams]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectedServers:
    """Implements `agents.tools.tool.ToolSource`: the servers of a file, started anew for every task.

    Attributes:
        config: The file; read anew for every task.
        registry: Owns the processes of this server.
        environ: This process's environment.
        name: For people.
    """

    config: Path
    registry: ProcessRegistry
    environ: Mapping[str, str]
    name: str = "connected MCP servers"

    @asynccontextmanager
    async def open(self, workspace: Path, run_id: str) -> AsyncGenerator[Sequence[Tool]]:
        """As in the port. All servers start side by side; what ends them is bounded, see `mcp_transport`.

        Raises:
            agents.errors.AgentMisconfigured: The file cannot be used.
        """
        servers = McpServers.read(self.config)
        connections = [
            _Connection(name, partial(self._transport, expanded(server, self.environ), workspace, run_id))
            for name, server in servers.by_name.items()
        ]
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            for connection in connections:
                tasks.start_soon(connection.keep)
            try:
                await _all_ready(connections)
                yield [tool for connection in connections for tool in connection.tools]
            except Exception as error:  # noqa: BLE001 - raised again below, so that it does not arrive in a group
                failure = error
            await _closed(connections)
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    @asynccontextmanager
    async def _transport(
        self, server: StdioServer | HttpServer, workspace: Path, run_id: str
    ) -> AsyncGenerator[Streams]:
        match server:
            case StdioServer():
                async with child_transport(
                    server, self.registry, workspace=workspace, run_id=run_id, environ=self.environ
                ) as streams:
                    yield streams
            case HttpServer():
                timeout = httpx2.Timeout(HTTP_SECONDS, read=CALL_SECONDS)
                async with (
                    httpx2.AsyncClient(headers=server.headers, timeout=timeout) as http,
                    streamable_http_client(server.url, http_client=http) as streams,
                ):
                    yield cast("Streams", streams)  # the SDK's own names for them are private


@dataclass(slots=True)
class _Connection:
    """One server, kept connected by a task of its own: what is entered there is left there.

    Attributes:
        name: The server's name.
        transport: Connects to it.
        ready: Its tools are there, or it has failed.
        close: Set when it is not needed any more.
        gone: Nothing of it is left.
        tools: What it offers.
        problem: Why it could not be connected; empty if it could.
    """

    name: str
    transport: Callable[[], _Transport]
    ready: anyio.Event = field(default_factory=anyio.Event)
    close: anyio.Event = field(default_factory=anyio.Event)
    gone: anyio.Event = field(default_factory=anyio.Event)
    tools: list[Tool] = field(default_factory=list[Tool])
    problem: str = ""

    async def keep(self) -> None:
        """Connect, and stay connected until told to close. Raises nothing but its own cancellation."""
        try:
            async with Client(self.transport(), read_timeout_seconds=CALL_SECONDS) as client:
                self.tools = [tool async for tool in _tools_of(self.name, client)]
                self.ready.set()
                await self.close.wait()
        except Exception as error:  # noqa: BLE001 - somebody else's server can fail in any way, also in a group
            if self.ready.is_set():
                logger.warning("MCP server %s: %s", self.name, _told(error))
            else:
                self.problem = _told(error)
        finally:
            self.ready.set()
            self.gone.set()


@dataclass(frozen=True, slots=True)
class McpTool:
    """Implements `agents.tools.tool.Tool`: a tool of an MCP server.

    Attributes:
        name: `mcp__<server>__<tool>`, as Claude calls it, too.
        description: As in the port.
        input_schema: As in the port.
        own_name: What the server calls it.
        reads_only: Whether the server says that it changes nothing.
        client: The connection.
    """

    name: str
    description: str
    input_schema: Mapping[str, JsonValue]
    own_name: str
    reads_only: bool
    client: Client

    async def call(self, arguments: Mapping[str, JsonValue]) -> ToolOutcome:
        """As in the port."""
        try:
            result = await self.client.call_tool(self.own_name, dict(arguments))
        except MCPError as error:
            raise ToolFailed(f"{self.name} failed: {error}") from error
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError) as error:
            raise ToolFailed(f"{self.name} failed: its server is gone ({type(error).__name__})") from error
        return ToolOutcome(output=_output(result), ok=not result.is_error, changed_something=not self.reads_only)


async def _all_ready(connections: Sequence[_Connection]) -> None:
    """Wait until every server's tools are there.

    Raises:
        ToolsUnavailable: One of them could not be connected, or not in time; names it.
    """
    with anyio.move_on_after(CONNECT_SECONDS):
        for connection in connections:
            await connection.ready.wait()
    late = [connection.name for connection in connections if not connection.ready.is_set()]
    if late:
        raise ToolsUnavailable(f"No tools from the MCP server {', '.join(late)} after {CONNECT_SECONDS:.0f} s.")
    failed = [f"{connection.name} ({connection.problem})" for connection in connections if connection.problem]
    if failed:
        raise ToolsUnavailable(f"The MCP server {', '.join(failed)} cannot be reached.")


async def _closed(connections: Sequence[_Connection]) -> None:
    """Let go of all servers; of those that are connected politely, for so long as is said."""
    for connection in connections:
        connection.close.set()
    with anyio.move_on_after(CLOSE_SECONDS):
        for connection in connections:
            if connection.tools:  # one that is not connected yet hears of nothing but its cancellation
                await connection.gone.wait()


async def _tools_of(server: str, client: Client) -> AsyncGenerator[Tool]:
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            name = f"mcp__{server}__{tool.name}"
            if not _TOOL_NAME.fullmatch(name):
                logger.warning("MCP server %s: its tool %r is left out: no model takes the name", server, tool.name)
                continue
            yield _tool(name, tool, client)
        cursor = page.next_cursor
        if cursor is None:
            return


def _tool(name: str, tool: mcp_types.Tool, client: Client) -> McpTool:
    annotations = tool.annotations
    return McpTool(
        name=name,
        description=tool.description or tool.title or tool.name,
        input_schema=_Schema.validate_python(tool.input_schema),
        own_name=tool.name,
        reads_only=annotations is not None and annotations.read_only_hint is True,
        client=client,
    )


def _output(result: CallToolResult) -> str:
    """What the model reads: the structured result where there is one, as Claude does it, else the texts."""
    if result.structured_content is not None and not result.is_error:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(_texts(result))


def _texts(result: CallToolResult) -> Iterator[str]:
    for block in result.content:
        yield block.text if isinstance(block, TextContent) else f"({block.type}: left out, only text is read)"


def _told(error: BaseException) -> str:
    """The first cause that says something."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    message = error.message if isinstance(error, AgentError) else str(error)
    return message or type(error).__name__
