"""Serves MCP over standard input and output, in both protocol eras."""

import json
import os
import re
import select
import stat
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Protocol, TypeAlias, cast

import anyio
import anyio.to_thread
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import PROTOCOL_VERSION_META_KEY, JSONRPCRequest

from mcp_server.doorstep import Doorstep

Incoming: TypeAlias = SessionMessage | Exception
"""A message, or why a line was none."""

_AT_ONCE = 512 if sys.platform == "win32" else select.PIPE_BUF
"""Bytes that are written to a pipe as a whole, and without waiting where it is said to be writable (POSIX, `write`)."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


class Inbox(Protocol):
    """Where messages come from; raises `anyio.EndOfStream` when the client has closed its end."""

    async def receive(self) -> Incoming:
        """The next message."""
        ...


class Outbox(Protocol):
    """Where messages go."""

    async def send(self, item: SessionMessage, /) -> None:
        """Send a message; returns when it is taken."""
        ...

    async def aclose(self) -> None:
        """Say that nothing will follow."""
        ...


class _Inlet:
    """The client's end of the wire, line by line.

    JSON can hold half of a surrogate pair, and JavaScript writes it where a text was cut in the middle of an emoji. The
    SDK cannot read such a line and drops it: its request would never be answered. So halves become U+FFFD here.

    Args:
        doorstep: Where the client waits.
    """

    def __init__(self, doorstep: Doorstep) -> None:
        self._doorstep = doorstep

    async def __aiter__(self) -> AsyncIterator[str]:
        if line := await anyio.to_thread.run_sync(self._doorstep.first_line):
            yield _with_whole_characters(line)
            async for line in anyio.wrap_file(self._doorstep.lines):
                yield _with_whole_characters(line)


class _Outlet:
    """Our end of the wire. When nobody reads it any more, that is told once, and what would still be said is dropped.

    A message for which the pipe has room is written at once; any other waits in a thread, so that a client that does
    not read holds up nobody but itself.

    Args:
        descriptor: Where to write.
        on_answer: Called when the first message is written.
        on_close: Called when the other end is closed.
    """

    def __init__(self, descriptor: int, on_answer: Callable[[], None], on_close: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_answer: Callable[[], None] | None = on_answer
        self._on_close = on_close
        self._held = ""
        self._closed = False
        self._room = _room_in(descriptor)

    async def write(self, text: str) -> None:
        """Hold a text until it is flushed, which follows at once: each of the two would wait for a thread."""
        self._held += text

    async def flush(self) -> None:
        """Write what is held."""
        data, self._held = self._held.encode(), ""
        if self._closed:
            return
        try:
            if len(data) <= _AT_ONCE and self._room is not None and self._room.poll(0):
                self._write_out(data)
            else:
                await anyio.to_thread.run_sync(self._write_out, data)
        except OSError:
            self._closed = True
            self._on_close()
        if self._on_answer is not None:
            self._on_answer()
            self._on_answer = None

    def _write_out(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]


def _room_in(descriptor: int) -> "select.poll | None":
    """Tells whether a pipe has room for `_AT_ONCE` bytes; None for anything else, and where that cannot be asked."""
    if sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return None
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    return room


async def serve_stdio(
    server: Server[dict[str, object]],
    doorstep: Doorstep,
    *,
    on_answer: Callable[[], None],
    on_close: Callable[[], None],
) -> None:
    """Answer until the client closes one of its ends.

    Args:
        server: Who answers.
        doorstep: Where the client waits.
        on_answer: Called when the first answer is written, or at once if it was written on the doorstep.
        on_close: Called at once when the client has closed an end, before any open request is told.
    """
    if doorstep.take_over():
        on_answer()
    stdin = cast("anyio.AsyncFile[str]", _Inlet(doorstep))
    stdout = cast("anyio.AsyncFile[str]", _Outlet(doorstep.stdout, on_answer, on_close))
    async with stdio_server(stdin, stdout) as (incoming, outgoing):
        try:
            first = await _after_probes(server, incoming, outgoing)
        except anyio.EndOfStream:
            on_close()
            await outgoing.aclose()
            return
        send, receive = anyio.create_memory_object_stream[Incoming](0)

        async def relay() -> None:
            async with send:
                await send.send(first)
                async for message in incoming:
                    await send.send(message)
                on_close()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(relay)
            await _answer(server, receive, outgoing)
            tasks.cancel_scope.cancel()


def _with_whole_characters(line: str) -> str:
    """The same JSON, with U+FFFD for every half of a surrogate pair whose other half is missing."""
    if _SURROGATE_ESCAPE.search(line) is None:
        return line
    try:
        text = json.dumps(json.loads(line), ensure_ascii=False)  # joins the halves that belong together
    except (ValueError, RecursionError):  # no JSON; who reads it next says so
        return line
    return line if _HALF.search(text) is None else _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


async def _after_probes(server: Server[dict[str, object]], incoming: Inbox, outgoing: Outbox) -> Incoming:
    """Answer probes, and return the first message that is none.

    The SDK lets the first request choose the protocol era of the whole connection. Some clients probe with the modern
    `server/discover` and then open a session the old way on the same pipe; so each probe is answered on a connection
    of its own, and the request after it chooses.

    Raises:
        anyio.EndOfStream: The client closed its end.
    """
    while _is_probe(message := await incoming.receive()):
        ask, asked = anyio.create_memory_object_stream[Incoming](1)
        reply, replied = anyio.create_memory_object_stream[SessionMessage](1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(_answer, server, asked, reply))
            await ask.send(message)
            await outgoing.send(await replied.receive())
            tasks.cancel_scope.cancel()
        for stream in (ask, asked, reply, replied):
            stream.close()
    return message


def _is_probe(message: Incoming) -> bool:
    request = message.message if isinstance(message, SessionMessage) else None
    if not isinstance(request, JSONRPCRequest) or request.method != "server/discover":
        return False
    return PROTOCOL_VERSION_META_KEY in ((request.params or {}).get("_meta") or {})


async def _answer(server: Server[dict[str, object]], incoming: Inbox, outgoing: Outbox) -> None:
    await serve_dual_era_loop(
        server,
        incoming,  # pyright: ignore[reportArgumentType] - the SDK's stream protocols are private names
        outgoing,  # pyright: ignore[reportArgumentType] - as above
        lifespan_state={},
        init_options=server.create_initialization_options(),
    )
