"""One client's end of a stream: what is sent to it, when it gets a comment, and how long it may leave things unread."""

import time

import anyio
from starlette.types import Scope, Send

from mcp_server.http.connection import OUTLET, Outlet
from mcp_server.http.patience import Patience


class StreamConnection:
    """One client's end of a stream.

    Args:
        scope: The request.
        send: Sends an ASGI message.
        patience: How long to wait.
    """

    def __init__(self, scope: Scope, send: Send, patience: Patience) -> None:
        self._send = send
        self._patience = patience
        self._outlet: Outlet | None = scope.get("extensions", {}).get(OUTLET)
        self._sending = False
        self._since = time.monotonic()
        """Since when it is sending, or silent."""

    @property
    def has_outlet(self) -> bool:
        """Whether chunks can be written to it."""
        return self._outlet is not None

    def write(self, chunk: bytes) -> bool:
        """Write a chunk of the body, framed as `mcp_server.http.connection.chunk` does, without waiting.

        Returns:
            False, and nothing is written, if the client does not read just now.
        """
        if self._outlet is None or not self._outlet.write(chunk):
            return False
        self._since = time.monotonic()
        return True

    async def send(self, data: bytes) -> None:
        """Send some bytes; waits while the client does not read."""
        self._sending, self._since = True, time.monotonic()
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self._sending, self._since = False, time.monotonic()

    async def attend(self) -> None:
        """Send a comment whenever nothing was sent for a while, and do not wait for ever for who does not read.

        Raises:
            TimeoutError: The client has not read for long.
        """
        longest = min(self._patience.quiet, self._patience.unread)  # either can begin meanwhile
        while True:
            left = self._since + self._bound() - time.monotonic()
            if left > 0:
                await anyio.sleep(min(left, longest))
            elif self._sending:
                raise TimeoutError
            else:
                await self._comment()

    async def _comment(self) -> None:
        with anyio.fail_after(self._patience.unread):
            await self._send({"type": "http.response.body", "body": b": keep-alive\n\n", "more_body": True})
        if not self._sending:
            self._since = time.monotonic()

    def _bound(self) -> float:
        return self._patience.unread if self._sending else self._patience.quiet

    async def finish(self) -> None:
        """Say that nothing will follow, not even a comment; waits while the client does not read."""
        self._sending, self._since = True, time.monotonic()
        await self._send({"type": "http.response.body"})
