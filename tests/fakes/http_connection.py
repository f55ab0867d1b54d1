"""The server's half of one HTTP/1.1 connection, for fakes that have to misbehave on it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import anyio
import h11
import orjson
from anyio.abc import SocketStream
from pydantic import JsonValue

GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, h11.RemoteProtocolError)
"""How it shows that the client has left."""

Respond: TypeAlias = "Callable[[HttpConnection, h11.Request, bytes], Awaitable[None]]"


class HttpConnection:
    """One client's connection: h11 over a socket."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.SERVER)
        self._method = b""

    async def serve(self, respond: Respond) -> None:
        """Answer request after request until one side has enough."""
        try:
            while (request := await self._next_event()) is not None:
                if isinstance(request, h11.Request):
                    self._method = request.method
                    await respond(self, request, await self._body())
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    return
                self._http.start_next_cycle()
        except GONE:
            return  # a client may leave at any time

    async def send_json(
        self, status: int, body: Mapping[str, JsonValue], headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Send a whole JSON response."""
        await self.send(status, "application/json", orjson.dumps(body), headers)

    async def send(self, status: int, content_type: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Send a whole response."""
        await self.start(status, content_type, [("content-length", str(len(body))), *headers])
        await self.send_data(body)
        await self.finish()

    async def start(self, status: int, content_type: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Send the head of a response; without a content length the body is sent in chunks."""
        head = [("content-type", content_type), ("request-id", "req_fake"), *headers]
        await self._send_event(h11.Response(status_code=status, headers=head))

    async def send_data(self, data: bytes) -> None:
        """Send a piece of the body; a HEAD request gets none."""
        if self._method != b"HEAD":
            await self._send_event(h11.Data(data=data))

    async def finish(self) -> None:
        """End the response."""
        await self._send_event(h11.EndOfMessage())

    async def close(self) -> None:
        """Hang up, whatever has been sent."""
        await self._stream.aclose()

    async def wait_until_client_is_gone(self) -> None:
        """Send nothing; return when the client hangs up."""
        while True:
            await self._stream.receive()

    async def _send_event(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            await self._stream.send(data)

    async def _next_event(self) -> h11.Event | None:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                try:
                    self._http.receive_data(await self._stream.receive())
                except anyio.EndOfStream:
                    self._http.receive_data(b"")
            elif isinstance(event, h11.Event):
                return None if isinstance(event, h11.ConnectionClosed) else event
            else:
                return None

    async def _body(self) -> bytes:
        pieces: list[bytes] = []
        while not isinstance(event := await self._next_event(), h11.EndOfMessage):
            if event is None:
                raise h11.RemoteProtocolError("The client left in the middle of its request.")
            if isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
        return b"".join(pieces)
