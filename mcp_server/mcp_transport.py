"""How an MCP server that is a child process is spoken to: the SDK's client over a child of this server's registry.

The SDK would start the process by itself. A child of the registry has what every child of this server has: it is found
by its marker, and nothing of it is left, however this server ends.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from agents.claude.lines import LineFramer, LineTooLong
from agents.mcp_servers import StdioServer
from agents.processes.child import ChildProcess
from agents.processes.environment import child_environment
from agents.processes.patience import Patience
from agents.processes.registry import ProcessRegistry

Incoming: TypeAlias = SessionMessage | Exception
"""A message, or why a line was none."""
Streams: TypeAlias = tuple[ObjectReceiveStream[Incoming], ObjectSendStream[SessionMessage]]

PATIENCE = Patience(interrupt_seconds=1.0, terminate_seconds=1.0, linger_seconds=1.0)
"""A server of tools has nothing to report after its input has ended."""
_LAST_WORDS_CHARACTERS = 300


@asynccontextmanager
async def child_transport(
    server: StdioServer, registry: ProcessRegistry, *, workspace: Path, run_id: str, environ: Mapping[str, str]
) -> AsyncGenerator[Streams]:
    """Start a server and speak to it; when the block is left, nothing of it is left.

    Args:
        server: Which, its variables filled in.
        registry: Owns the processes of this server.
        workspace: Where it is started.
        run_id: The run it belongs to.
        environ: What its environment is made from.

    Raises:
        OSError: It could not be started, or was gone too early; says what it wrote last to its standard error.
    """
    marker = uuid4().hex
    environment = child_environment({**environ, **server.env}, run_id=run_id, marker=marker)
    argv = [server.command, *server.args]
    child: ChildProcess | None = None
    try:
        async with (
            registry.child(
                argv, stdin=None, cwd=workspace, environment=environment, marker=marker, patience=PATIENCE
            ) as child,
            _streams(child) as streams,
        ):
            yield streams
    except Exception as error:
        last_words = child.stderr.strip().splitlines()[-1:] if child is not None else []
        if not last_words:
            raise
        raise OSError(f"{server.command} is gone; it said: {last_words[0][:_LAST_WORDS_CHARACTERS]}") from error


@asynccontextmanager
async def _streams(child: ChildProcess) -> AsyncGenerator[Streams]:
    """What is said and told, as messages; at the end the child is given time to go by itself."""
    told, incoming = anyio.create_memory_object_stream[Incoming](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, child, told)
        tasks.start_soon(_write, child, said)
        try:
            yield incoming, outgoing
        finally:
            with anyio.CancelScope(shield=True):
                await child.close_stdin()
                with anyio.move_on_after(PATIENCE.linger_seconds):
                    await child.wait()
                for stream in (told, incoming, outgoing, said):
                    stream.close()
            tasks.cancel_scope.cancel()


async def _read(child: ChildProcess, told: ObjectSendStream[Incoming]) -> None:
    framer = LineFramer()
    try:
        async with told:
            while piece := await child.receive():
                for line in framer.feed(piece):
                    if message := _message(line):
                        await told.send(message)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # nobody listens any more


async def _write(child: ChildProcess, said: ObjectReceiveStream[SessionMessage]) -> None:
    async with said:
        async for message in said:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            await child.send(f"{text}\n".encode())


def _message(line: bytes | LineTooLong) -> Incoming | None:
    if isinstance(line, LineTooLong):
        return ValueError(f"a line of {line.bytes:,} bytes is no message")
    if not line.strip():
        return None
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error
