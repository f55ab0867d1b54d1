"""`serve`: from the claimed wire to the last exit, whoever asks for it.

Clients allow little time: Claude Code sends SIGINT, 0.1 s later SIGTERM, and 0.49 s after the first SIGKILL. So on any
end all children are signalled first and at once, then the log is made durable, then the process is gone. It does not
wait for children: what outlives their signal is ended by the watchdog.
"""

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NoReturn

import anyio
from anyio.abc import TaskStatus
from mcp.server.lowlevel import Server

from mcp_server.doorstep import Doorstep
from mcp_server.ends import SIGNALS, exit_now
from mcp_server.logs import log_to_stderr
from mcp_server.opening import OpenedWhenNeeded
from mcp_server.server import WorkflowServer
from mcp_server.settings import Settings
from mcp_server.stdio import serve_stdio

if TYPE_CHECKING:
    from workflows.catalog import Catalog

logger = logging.getLogger(__name__)

LOG_SECONDS = 0.1
"""How long the log may take to become durable at the end."""
SETTLE_SECONDS = 0.35
"""How long the server may take in all, whatever the disk or another process does."""


def serve(settings: Settings, catalog: "Catalog | None", doorstep: Doorstep) -> NoReturn:
    """Serve over stdio until the client closes its end or a signal comes. Does not return.

    Exit codes: 0 when the client closed its end, 128 + the signal's number.

    Args:
        settings: The settings.
        catalog: Which workflows there are; None for the built-in ones, which are loaded when they are needed.
        doorstep: Where the client waits.
    """
    log_to_stderr()
    anyio.run(_serve, settings, catalog, doorstep)
    exit_now(1)


async def _serve(settings: Settings, catalog: "Catalog | None", doorstep: Doorstep) -> None:
    async with AsyncExitStack() as stack:
        opening = OpenedWhenNeeded(settings, catalog, stack)
        await _answer_until_the_end(WorkflowServer(opening, doorstep.notice), doorstep, _End(opening))


async def _answer_until_the_end(server: Server[dict[str, object]], doorstep: Doorstep, end: "_End") -> None:
    async with anyio.create_task_group() as tasks:
        await tasks.start(_listen_for_signals, end)
        tasks.start_soon(_answer, server, doorstep, end)
        await end.come.wait()
        try:
            with anyio.move_on_after(SETTLE_SECONDS, shield=True):
                await end.settle()
        finally:
            # Not by returning: everybody would wait for the thread that reads the wire.
            exit_now(end.code)


class _End:
    """The server's end: children are signalled and runs stopped in the moment it comes."""

    def __init__(self, opening: OpenedWhenNeeded) -> None:
        self.opening = opening
        self.come = anyio.Event()
        self.code = 0

    def comes(self, code: int) -> None:
        """Now; the first reason is the one the exit code tells."""
        if (assembly := self.opening.assembly) is not None:
            assembly.children.signal_all()
            assembly.engine.stop_all()
        if not self.come.is_set():
            self.code = code
            self.come.set()

    async def settle(self) -> None:
        """Leave the runs as interrupted, and the log on disk."""
        if (assembly := self.opening.assembly) is not None:
            await assembly.engine.close()
            await assembly.log.close(LOG_SECONDS)
            assembly.lock.release()


async def _answer(server: Server[dict[str, object]], doorstep: Doorstep, end: _End) -> None:
    try:
        await serve_stdio(server, doorstep, on_answer=end.opening.begin, on_close=lambda: end.comes(0))
    except Exception:  # whatever the wire died of: the server ends in order, and runs are left interrupted
        logger.exception("the connection broke")
    finally:
        end.comes(0)


async def _listen_for_signals(end: _End, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            end.comes(128 + number)
