"""One client's connection, bounded: how many there may be, how long a request's head may take, and how large it may be.

uvicorn bounds what comes after the head. A client that connects and says nothing, or half of something, would
otherwise keep its connection for ever, and with it one of the few the system has.
"""

import asyncio
from typing import Any, cast

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from mcp_server.http.patience import Patience
from mcp_server.http.problem import MEDIA_TYPE, Problem

HEAD_BYTES = 32 * 1024
"""A request's line and headers together; a browser's cookies and a long token fit several times."""
ABORT = "agent_workflows.abort"
"""Key in a scope's extensions: a function that cuts the connection, whatever was not sent yet."""
OUTLET = "agent_workflows.outlet"
"""Key in a scope's extensions: the connection's `Outlet`; not there for HTTP/1.0, which does not know chunks."""


def chunk(data: bytes) -> bytes:
    """A piece of a body, not empty, as it goes over the wire (RFC 9112, section 7.1): the same for every connection."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Outlet:
    """Writes chunks straight to a connection, between the start and the end of a body that has no length.

    What many clients get is framed once, and costs each of them no more than the writing.

    Args:
        transport: Where to.
        flow: Tells whether the client reads.
    """

    __slots__ = ("_flow", "_transport", "written")

    def __init__(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        self._transport = transport
        self._flow = flow
        self.written = 0
        """Bytes so far."""

    def write(self, chunk: bytes) -> bool:
        """Write a chunk without waiting; False, and it is not written, if the client does not read just now."""
        if self._flow.write_paused or self._transport.is_closing():
            return False
        self._transport.write(chunk)
        self.written += len(chunk)
        return True


class BoundedConnection(H11Protocol):
    """A connection of uvicorn with bounds of its own. See the base class for the arguments."""

    most: int = 2000
    """How many connections there may be at once; set by `bounded`."""
    head_seconds: float = 10.0
    """See `mcp_server.http.patience.Patience.head`; set by `bounded`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._answer = cast("ASGIApp", self.app)  # uvicorn has types of its own for the same protocol
        self.app = cast("Any", self._answer_bounded)
        self._head: asyncio.TimerHandle | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as in uvicorn
        """Somebody has connected."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._refuse(Problem(503, "too_many_connections", "This server has as many connections as it can hold."))
            return
        self._head = self.loop.call_later(self.head_seconds, self._too_slow)

    def data_received(self, data: bytes) -> None:
        """Something has come; what does not belong to a request that is being answered begins the next head."""
        super().data_received(data)
        if self._head is None and not self._upgraded and not self._is_answering and not self.transport.is_closing():
            self._head = self.loop.call_later(self.head_seconds, self._too_slow)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From now on this is the connection of a WebSocket, which has bounds of its own."""
        self._head_is_there()
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._head_is_there()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or too much of it."""
        self._head_is_there()
        if len(self.conn.trailing_data[0]) > HEAD_BYTES:
            limit = f"The request's line and headers have more than {HEAD_BYTES:,} bytes."
            self._refuse(Problem(431, "head_too_large", limit))
        else:
            self._refuse(Problem(400, "malformed_http", msg))

    @property
    def _is_answering(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete  # there is none before the first request

    async def _answer_bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._head_is_there()
        extensions: dict[str, object] = scope.setdefault("extensions", {})
        extensions[ABORT] = self.transport.abort
        if scope.get("http_version") == "1.1":
            extensions[OUTLET] = Outlet(self.transport, self.flow)
        await self._answer(scope, receive, send)

    def _head_is_there(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_slow(self) -> None:
        self._head = None
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            limit = f"The request's head had not arrived after {self.head_seconds:g} s."
            self._refuse(Problem(408, "head_too_slow", limit))
        else:
            self.transport.close()  # nothing was asked, so there is nothing to answer

    def _refuse(self, problem: Problem) -> None:
        body = problem.body()
        head = (
            f"HTTP/1.1 {problem.status} {problem.kind}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def bounded(most: int, patience: Patience) -> type[BoundedConnection]:
    """Connections of which there may be so many at once, and that wait so long."""

    class Bounded(BoundedConnection):
        pass

    Bounded.most = most
    Bounded.head_seconds = patience.head
    return Bounded
