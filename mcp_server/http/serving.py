"""`serve --http`: from the claimed address to the last exit.

The end of it: SIGTERM or SIGINT stops the taking of runs. With a time to drain, runs may still end by themselves
meanwhile; a second signal ends that. Then children are signalled, runs are left interrupted, watchers are told, the log
is made durable, and the process is gone, within 0.4 s whatever the disk or a client does.
"""

import logging
import os
import socket
import sys
from contextlib import AsyncExitStack
from typing import NoReturn

import anyio
from anyio.abc import TaskStatus
from uvicorn import Config, Server

from mcp_server.assembly import Assembly, assemble
from mcp_server.ends import SIGNALS, exit_now
from mcp_server.http.access import access_of
from mcp_server.http.app import create_app
from mcp_server.http.closing import Closing
from mcp_server.http.connection import HEAD_BYTES, bounded
from mcp_server.http.file_limit import allow_connections
from mcp_server.http.network import ListenAddress
from mcp_server.http.patience import Patience
from mcp_server.http.socket_connection import AbortableSocket
from mcp_server.http.telemetry import Telemetry, telemetry_of
from mcp_server.http.websocket import LARGEST_MESSAGE
from mcp_server.logs import log_to_stderr
from mcp_server.serving import LOG_SECONDS
from mcp_server.settings import Settings
from workflows.catalog import Catalog
from workflows.runs.errors import RunError

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 0.35
"""How long the end may take once runs are not waited for any more; with the exit itself that makes 0.4 s."""
FLUSH_SECONDS = 0.2
"""How long the end waits for the last spans to be taken."""
KEEP_ALIVE_SECONDS = 30
"""How long a connection may be silent between two requests."""
VANISHED_SECONDS = 60
"""For how long what was sent may stay unacknowledged."""
WAITING_CONNECTIONS = 1024
"""Connections that may wait to be accepted; more than there are come back a second later."""
ACCEPTED_AT_ONCE = 4
"""Connections that are accepted in one turn of the event loop. asyncio takes all that wait: when 500 watchers came in
the same moment, nobody else got anything for half a second."""
_LOOK_SECONDS = 0.1


def serve(settings: Settings, catalog: Catalog, listen: ListenAddress) -> NoReturn:
    """Serve over HTTP until a signal comes. Does not return.

    Exit codes: 0 when a signal ended it in order, 1 when it could not start.
    """
    log_to_stderr(access=True)
    try:
        anyio.run(_serve, settings, catalog, listen)
    except RunError as error:
        logger.error("%s %s", error.message, " ".join(error.recovery))
    exit_now(1)


async def _serve(settings: Settings, catalog: Catalog, listen: ListenAddress) -> None:
    allow_connections(settings.max_connections)
    sock = claimed(listen)
    address = ListenAddress(listen.host, sock.getsockname()[1])
    async with AsyncExitStack() as stack:
        telemetry = await telemetry_of(os.environ)
        observe = telemetry.observe if telemetry is not None else None
        assembly = await stack.enter_async_context(assemble(settings, catalog, observe=observe))
        end = End(assembly, settings.drain_seconds, telemetry)
        server = uvicorn_server(settings, assembly, address, end.closing)
        async with anyio.create_task_group() as tasks:
            await tasks.start(_listen_for_signals, end)
            tasks.start_soon(_run, server, sock, end)
            sys.stderr.write(f"agent-workflows serves http://{address}/ and, for MCP clients, /mcp\n")
            sys.stderr.flush()
            await end.come.wait()
            try:
                with anyio.move_on_after(SETTLE_SECONDS, shield=True):
                    await end.settle(server)
            finally:
                exit_now(0)


def uvicorn_server(
    settings: Settings, assembly: Assembly, address: ListenAddress, closing: Closing, patience: Patience | None = None
) -> Server:
    """The HTTP server, not started.

    Args:
        settings: The settings.
        assembly: The server's parts.
        address: Where it will listen.
        closing: Tells when it ends.
        patience: How long it waits for its clients.
    """
    patience = patience or Patience()
    config = Config(
        create_app(assembly, access_of(settings, address), closing, patience),
        http=bounded(settings.max_connections, patience),
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws=AbortableSocket,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        backlog=ACCEPTED_AT_ONCE,
    )
    return Server(config)


class End:
    """The server's end, which comes in two steps.

    Args:
        assembly: The server's parts.
        drain_seconds: How long runs may still go on after the first signal.
        telemetry: Sends spans; None if nobody wants any.
    """

    def __init__(self, assembly: Assembly, drain_seconds: float, telemetry: Telemetry | None) -> None:
        self._assembly = assembly
        self._telemetry = telemetry
        self._drain_seconds = drain_seconds
        self.closing = Closing()
        self.come = anyio.Event()

    async def drain(self) -> None:
        """Take no more runs, and wait for those of this process, for so long at most."""
        engine = self._assembly.engine
        engine.drain()
        with anyio.move_on_after(self._drain_seconds):
            while engine.at_work:  # noqa: ASYNC110 - the engine tells nobody when its last run ends
                await anyio.sleep(_LOOK_SECONDS)
        self.comes()

    def comes(self) -> None:
        """Now: children are signalled and runs stopped in this moment."""
        self._assembly.children.signal_all()
        self._assembly.engine.stop_all()
        self.closing.begin()
        self.come.set()

    async def settle(self, server: Server) -> None:
        """Leave the runs as interrupted and the log on disk, and tell everybody who watches."""
        await self._assembly.engine.close()
        await self._assembly.log.close(LOG_SECONDS)  # with it end all who watch
        self._assembly.lock.release()
        if self._telemetry is not None:
            await self._telemetry.close(FLUSH_SECONDS)
        while server.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody when its last answer ends
            await anyio.sleep(0.01)


async def _run(server: Server, sock: socket.socket, end: End) -> None:
    try:
        # `serve` would take the signals, which are ours.
        await server._serve([sock])  # noqa: SLF001 - see above  # pyright: ignore[reportPrivateUsage] - see above
    except Exception:  # whatever it died of: the runs are left in order
        logger.exception("the HTTP server broke")
    finally:
        end.comes()


async def _listen_for_signals(end: End, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async with anyio.create_task_group() as tasks:
            first = True
            async for _ in signals:
                if first:
                    tasks.start_soon(end.drain)
                else:
                    end.comes()
                first = False


def claimed(listen: ListenAddress) -> socket.socket:
    """The socket, bound.

    Raises:
        workflows.runs.errors.RunError: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    # The protocol is named, because asyncio only then sends without waiting for the client's acknowledgement: 40 ms.
    sock = _ListeningSocket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _notice_who_vanished(sock)
        sock.bind((listen.host, listen.port))
        sock.listen()
    except OSError as error:
        sock.close()
        raise AddressUnavailable(
            f"{listen} cannot be listened at: {error.strerror}.", recovery=("Give another --http HOST:PORT",)
        ) from error
    sock.setblocking(False)  # noqa: FBT003 - the standard library's own form
    return sock


def _notice_who_vanished(sock: socket.socket) -> None:
    """Have connections cut whose client is gone without a word (no power, no network); accepted ones inherit it.

    A comment is sent every 10 s on every stream; without this the system goes on sending it again for a quarter of an
    hour before it gives the connection up.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_SECONDS * 1000)


class _ListeningSocket(socket.socket):
    """Lets many connections wait. asyncio has one number for both."""

    def listen(self, backlog: int = WAITING_CONNECTIONS) -> None:
        super().listen(max(backlog, WAITING_CONNECTIONS))


class AddressUnavailable(RunError):
    """The address is somebody else's, or not this machine's."""

    kind = "address_unavailable"
    blame = "setup"
