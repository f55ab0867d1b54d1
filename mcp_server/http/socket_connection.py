"""A WebSocket's connection, which can be cut."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mcp_server.http.connection import ABORT


class AbortableSocket(WebSocketsSansIOProtocol):
    """A connection of uvicorn whose application can cut it. See the base class for the arguments."""

    async def run_asgi(self) -> None:
        """Run the application on it."""
        self.scope.setdefault("extensions", {})[ABORT] = self.transport.abort  # pyright: ignore[reportArgumentType] - a key of our own
        await super().run_asgi()
