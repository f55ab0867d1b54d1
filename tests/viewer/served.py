"""`agent-workflows serve --http` as a process of its own, which can be ended and started again at the same address."""

import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.text import TextReceiveStream

from tests.system.place import Place

STARTS_WITHIN = 20.0
"""Seconds a server may take to say that it serves."""


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as claim:
        claim.bind(("127.0.0.1", 0))
        return cast("int", claim.getsockname()[1])


@asynccontextmanager
async def served(place: Place, port: int, *arguments: str) -> AsyncGenerator[Process, None]:
    """A server that serves; it is told to end, and ends, when this is left.

    Args:
        place: Its data and its workspace.
        port: Where it listens on loopback.
        arguments: Further ones of its command.
    """
    async with place.process("serve", "--http", f"127.0.0.1:{port}", *arguments) as process:
        assert process.stderr is not None
        async with anyio.create_task_group() as tasks:
            ready = anyio.Event()
            tasks.start_soon(_read, process.stderr, ready)
            with anyio.fail_after(STARTS_WITHIN):
                await ready.wait()
            try:
                yield process
            finally:
                with anyio.CancelScope(shield=True), anyio.move_on_after(5):
                    process.send_signal(signal.SIGTERM)
                    await process.wait()
                tasks.cancel_scope.cancel()


async def _read(stderr: ByteReceiveStream, ready: anyio.Event) -> None:
    """Read what a server says for as long as it lives: it must never wait for a reader."""
    said = ""
    async for text in TextReceiveStream(stderr, errors="replace"):
        said = (said + text)[-10_000:]
        if " serves http" in said:
            ready.set()
