"""A model provider's HTTP API on loopback, in any wire format, played by a script; what it is asked is kept.

The scripts are those of the fake Messages API: a wire format reads its own requests as that API's, and says the
scripted reply in its own words.
"""

import inspect
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol, assert_never

import anyio
import h11
import orjson
from pydantic import JsonValue, ValidationError

from tests.fakes.http_connection import HttpConnection
from tests.fakes.http_fake import http_fake
from tests.fakes.messages_request import ModelRequest, RequestBody
from tests.fakes.messages_script import (
    Answer,
    CutStream,
    Halted,
    Malformed,
    Reply,
    Script,
    Silent,
    Slow,
    Status,
    turns,
)
from tests.fakes.messages_stream import Frame, Identity, middle_of_last_block, output_tokens, tokens


class WireFormat(Protocol):
    """How a provider says things."""

    path: str
    """Where a model is asked."""
    models_path: str
    """Where the list of models is."""

    def read(self, body: Mapping[str, JsonValue]) -> RequestBody:
        """A request of this format as one of the Messages API."""
        ...

    def frames(self, reply: Reply, identity: Identity, breaks: AbstractSet[int]) -> Iterator[Frame]:
        """The reply as server-sent events, every delta ending at the latest at the next of `breaks`."""
        ...

    def error(self, status: Status) -> Mapping[str, JsonValue]:
        """The body of an error."""
        ...

    def error_frame(self, error_type: str) -> bytes:
        """An error in the middle of a stream."""
        ...


@dataclass(slots=True)
class ProviderApi:
    """The fake, while it is up.

    Attributes:
        url: Its base URL.
        wire: Its wire format.
        requests: Every request that the script was asked, in order of arrival.
        bodies: The same as they came.
        headers: Headers of every request, those for other paths included; names in lower case.
        listed: How often the list of models was asked for.
        listing: What happens to whoever asks for it: a refusal, silence, or the list.
        counted: Input and output tokens of all answers that were sent to their end.
        failures: Why the script could not answer; checked when the fake is closed.
        client_gone: Set when a client has hung up on an answer that stood still.
    """

    url: str
    wire: WireFormat
    script: Script
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    bodies: list[dict[str, JsonValue]] = field(default_factory=list[dict[str, JsonValue]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    listed: int = 0
    listing: Status | Silent | None = None
    counted: tuple[int, int] = (0, 0)
    failures: list[str] = field(default_factory=list[str])
    client_gone: anyio.Event = field(default_factory=anyio.Event)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    async def respond(self, http: HttpConnection, request: h11.Request, body: bytes) -> None:
        """Answer one HTTP request."""
        headers = {name.decode().lower(): value.decode() for name, value in request.headers}
        self.headers.append(headers)
        method, path = request.method.decode(), request.target.decode().partition("?")[0]
        if (method, path) == ("GET", self.wire.models_path):
            self.listed += 1
            await self._list(http)
        elif (method, path) == ("POST", self.wire.path):
            await self._respond(http, headers, body)
        else:
            await http.send_json(404, self.wire.error(Status(404, f"{method} {path} is not there")))

    async def _list(self, http: HttpConnection) -> None:
        match self.listing:
            case Status() as refusal:
                await http.send_json(refusal.code, self.wire.error(refusal))
            case Silent():
                await http.wait_until_client_is_gone()
            case None:
                await http.send_json(200, {"object": "list", "data": [{"id": "test-model", "object": "model"}]})

    async def _respond(self, http: HttpConnection, headers: Mapping[str, str], body: bytes) -> None:
        parsed: dict[str, JsonValue] = orjson.loads(body)
        try:
            read = self.wire.read(parsed)
        except (ValidationError, KeyError, TypeError) as error:
            self.failures.append(f"A request that is none: {error!r}")
            await http.send_json(400, self.wire.error(Status(400, repr(error))))
            return
        asked = ModelRequest(read, headers, len(body.decode()))
        self.bodies.append(parsed)
        self.requests.append(asked)
        try:
            answer = self.script(asked)
            answer = await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - whatever a test's script raises is reported when the fake is closed
            self.failures.append(repr(error))
            answer = Status(400, f"The script failed: {error!r}")
        await self._play(http, asked, answer)

    async def _play(self, http: HttpConnection, asked: ModelRequest, answer: Answer) -> None:
        match answer:
            case Reply():
                await self._play_reply(http, asked, answer, {})
            case Slow(reply, pauses):
                await self._play_reply(http, asked, reply, pauses)
            case CutStream():
                await self._play_cut(http, asked, answer)
            case Halted(reply, after):
                await self._play_beginning(http, asked, reply, after)
                await self._wait_until_client_is_gone(http)
            case Status():
                retry_after = [] if answer.retry_after is None else [("retry-after", str(answer.retry_after))]
                await http.send_json(answer.code, self.wire.error(answer), retry_after)
            case Silent():
                await self._wait_until_client_is_gone(http)
            case Malformed():
                await http.send(200, answer.content_type, answer.body.encode())
            case _:
                assert_never(answer)

    async def _play_reply(
        self, http: HttpConnection, asked: ModelRequest, reply: Reply, pauses: Mapping[int, anyio.Event]
    ) -> None:
        identity = self._identity(asked)
        read, written = self.counted
        self.counted = (read + identity.input_tokens, written + output_tokens(reply))
        await http.start(200, "text/event-stream")
        waiting = sorted(pauses)
        for frame in self.wire.frames(reply, identity, pauses.keys()):
            await http.send_data(frame.data)
            while waiting and waiting[0] <= frame.end:
                await pauses[waiting.pop(0)].wait()
        await http.finish()

    async def _play_beginning(self, http: HttpConnection, asked: ModelRequest, reply: Reply, after: int) -> None:
        await http.start(200, "text/event-stream")
        for frame in self.wire.frames(reply, self._identity(asked), {after}):
            if frame.end > after:
                break
            await http.send_data(frame.data)

    async def _play_cut(self, http: HttpConnection, asked: ModelRequest, cut: CutStream) -> None:
        after = middle_of_last_block(cut.reply) if cut.after is None else cut.after
        await self._play_beginning(http, asked, cut.reply, after)
        if cut.until is not None:
            await cut.until.wait()
        if cut.error:
            await http.send_data(self.wire.error_frame(cut.error))
            await http.finish()
        else:
            await http.close()

    async def _wait_until_client_is_gone(self, http: HttpConnection) -> None:
        try:
            await http.wait_until_client_is_gone()
        finally:
            self.client_gone.set()

    def _identity(self, asked: ModelRequest) -> Identity:
        return Identity(f"msg_{next(self._ids):06}", asked.body.model, tokens(asked.characters))


@asynccontextmanager
async def provider_api(wire: WireFormat, script: Script | Sequence[Answer]) -> AsyncGenerator[ProviderApi]:
    """Bring the fake up on a free loopback port.

    Args:
        wire: Its wire format.
        script: What it answers; a sequence is played as `turns` does.

    Raises:
        ScriptFailed: At the end, if the script had no answer for something it was asked.
    """
    answers = script if callable(script) else turns(*script)
    async with http_fake(lambda url: ProviderApi(url, wire, answers)) as api:
        yield api


def data_frame(payload: Mapping[str, JsonValue] | str, end: int, event: str = "") -> Frame:
    """One server-sent event."""
    data = payload.encode() if isinstance(payload, str) else orjson.dumps(payload)
    head = f"event: {event}\n".encode() if event else b""
    return Frame(head + b"data: %b\n\n" % data, end)


def pieces(content: str, size: int, breaks: AbstractSet[int]) -> Iterator[str]:
    """The content in pieces of a size, none of which goes across a break."""
    ends = sorted({*range(size, len(content), size), *(b for b in breaks if 0 < b < len(content)), len(content)})
    start = 0
    for end in ends:
        if end > start:
            yield content[start:end]
        start = end
