"""`serve`: from the claimed wire to the last exit, whoever asks for it.

Clients allow little time: Claude Code sends SIGINT, 0.1 s later SIGTERM, and 0.49 s after the first SIGKILL. So on any
end all children are signalled first and at once, then the log is made durable, then the process is gone. It does not
wait for children: what outlives their signal is ended by the watchdog.
"""

import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import NoReturn

import anyio
from anyio.abc import TaskStatus
from mcp.server.lowlevel import Server

from mcp_server.assembly import Assembly, assemble
from mcp_server.logs import log_to_stderr
from mcp_server.refusing_server import RefusingServer
from mcp_server.server import WorkflowServer, definitions, own_version
from mcp_server.settings import Settings
from mcp_server.stdio import serve_stdio
from mcp_server.wire import Wire
from workflows.catalog import Catalog
from workflows.runs.errors import RunError

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM) if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LOG_SECONDS = 0.1
"""How long the log may take to become durable at the end."""
SETTLE_SECONDS = 0.35
"""How long the server may take in all, whatever the disk or another process does."""


def serve(settings: Settings, catalog: Catalog, wire: Wire) -> NoReturn:
    """Serve over stdio until the client closes its end or a signal comes. Does not return.

    Exit codes: 0 when the client closed its end, 128 + the signal's number.
    """
    log_to_stderr()
    anyio.run(_serve, settings, catalog, wire)
    _exit(1)


async def _serve(settings: Settings, catalog: Catalog, wire: Wire) -> None:
    async with AsyncExitStack() as stack:
        try:
            assembly = await stack.enter_async_context(assemble(settings, catalog))
        except RunError as error:
            logger.error("%s", error.message)
            await _answer_until_the_end(RefusingServer(definitions(catalog), own_version(), error), wire, _End())
        else:
            await _answer_until_the_end(WorkflowServer(assembly), wire, _End(assembly))


async def _answer_until_the_end(server: Server[dict[str, object]], wire: Wire, end: "_End") -> None:
    async with anyio.create_task_group() as tasks:
        await tasks.start(_listen_for_signals, end)
        tasks.start_soon(_answer, server, wire, end)
        await end.come.wait()
        try:
            with anyio.move_on_after(SETTLE_SECONDS, shield=True):
                await end.settle()
        finally:
            # Not by returning: the thread that reads the wire may be blocked in its read, and everybody waits for it.
            _exit(end.code)


class _End:
    """The server's end: children are signalled and runs stopped in the moment it comes."""

    def __init__(self, assembly: Assembly | None = None) -> None:
        self._assembly = assembly
        self.come = anyio.Event()
        self.code = 0

    def comes(self, code: int) -> None:
        """Now; the first reason is the one the exit code tells."""
        if self._assembly is not None:
            self._assembly.children.signal_all()
            self._assembly.engine.stop_all()
        if not self.come.is_set():
            self.code = code
            self.come.set()

    async def settle(self) -> None:
        """Leave the runs as interrupted, and the log on disk."""
        if self._assembly is not None:
            await self._assembly.engine.close()
            await self._assembly.log.close(LOG_SECONDS)
            self._assembly.lock.release()


async def _answer(server: Server[dict[str, object]], wire: Wire, end: _End) -> None:
    try:
        await serve_stdio(server, wire, on_close=lambda: end.comes(0))
    except Exception:  # whatever the wire died of: the server ends in order, and runs are left interrupted
        logger.exception("the connection broke")
    finally:
        end.comes(0)


async def _listen_for_signals(end: _End, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            end.comes(128 + number)


def _exit(code: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(code)
