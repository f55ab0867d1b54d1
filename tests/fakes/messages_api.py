"""A Messages API on loopback, played by a script; what it is asked is kept.

It speaks `POST /v1/messages`, streaming and not, and `POST /v1/messages/count_tokens`; everything else is 404.
Plain sockets and h11 instead of a web framework: half of its work is to misbehave (break off, fall silent, send
rubbish), which frameworks rightly make hard.
"""

import inspect
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import assert_never

import anyio
import h11
from pydantic import JsonValue, ValidationError

from tests.fakes.http_connection import HttpConnection
from tests.fakes.http_fake import http_fake
from tests.fakes.messages_request import ModelRequest, RequestBody, texts_of
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
    say,
    turns,
)
from tests.fakes.messages_stream import (
    Identity,
    error_frame,
    frames,
    message,
    middle_of_last_block,
    output_tokens,
    tokens,
)

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Delivered:
    """An answer that was sent to its end, and what it counted for.

    Attributes:
        request: What was asked.
        reply: What was answered.
        input_tokens: As the client was told.
        output_tokens: As the client was told.
    """

    request: ModelRequest
    reply: Reply
    input_tokens: int
    output_tokens: int


@dataclass(slots=True)
class MessagesApi:
    """The fake, while it is up.

    Attributes:
        url: For `ANTHROPIC_BASE_URL`.
        requests: Every request that the script was asked, in order of arrival.
        auxiliary: What `claude` asked the model beside its conversations (a web search, a title); answered harmlessly.
        delivered: Every proper answer that was sent to its end, in the order of its end.
        other_paths: Method and path of everything else that was asked for.
        failures: Why the script could not answer; checked when the fake is closed.
        client_gone: Set when a client has hung up on an answer that stood still (`Halted`, `Silent`).
    """

    url: str
    script: Script
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    auxiliary: list[ModelRequest] = field(default_factory=list[ModelRequest])
    delivered: list[Delivered] = field(default_factory=list[Delivered])
    other_paths: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    client_gone: anyio.Event = field(default_factory=anyio.Event)
    _openings: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict[tuple[str, str], tuple[str, str]])
    _ids: "count[int]" = field(default_factory=lambda: count(1))
    _arrival: anyio.Event = field(default_factory=anyio.Event)

    async def received(self, number: int) -> ModelRequest:
        """Wait for the request of this number, counted from 1. Bounded by whoever waits."""
        while len(self.requests) < number:
            await self._arrival.wait()
        return self.requests[number - 1]

    def of_session(self, session_id: str) -> list[ModelRequest]:
        """The requests of one session."""
        return [request for request in self.requests if request.session_id == session_id]

    async def respond(self, http: HttpConnection, request: h11.Request, body: bytes) -> None:
        """Answer one HTTP request."""
        path = request.target.decode().partition("?")[0]
        route = f"{request.method.decode()} {path}"
        match route:
            case "POST /v1/messages":
                await self._respond_message(http, request, body)
            case "POST /v1/messages/count_tokens":
                self.other_paths.append(route)
                await http.send_json(200, {"input_tokens": tokens(len(body.decode()))})
            case _:
                self.other_paths.append(route)
                await http.send_json(404, _error(404, f"{route} is not there"))

    async def _respond_message(self, http: HttpConnection, request: h11.Request, body: bytes) -> None:
        try:
            parsed = RequestBody.model_validate_json(body)
        except ValidationError as error:
            self.failures.append(f"A request that is none: {error}")
            await http.send_json(400, _error(400, str(error)))
            return
        headers = {name.decode().lower(): value.decode() for name, value in request.headers}
        asked = ModelRequest(parsed, headers, len(body.decode()))
        if self._is_auxiliary(asked):
            self.auxiliary.append(asked)
            await self._play(http, asked, say("Nothing to add."))
            return
        self.requests.append(asked)
        self._arrival.set()
        self._arrival = anyio.Event()
        await self._play(http, asked, await self._answer(asked))

    def _is_auxiliary(self, asked: ModelRequest) -> bool:
        """Whether this is beside a conversation of `claude`: other instructions *and* another first message.

        A process's first request is its conversation's own. The first system block is left out: it is a fingerprint.
        """
        if not asked.session_id:
            return False
        opening = (_instructions(asked), asked.body.messages[0].text if asked.body.messages else "")
        known = self._openings.setdefault(asked.conversation, opening)
        return opening[0] != known[0] and opening[1] != known[1]

    async def _answer(self, asked: ModelRequest) -> Answer:
        try:
            answer = self.script(asked)
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - whatever a test's script raises is reported when the fake is closed
            self.failures.append(repr(error))
            return Status(400, f"The script failed: {error!r}")

    async def _play(self, http: HttpConnection, asked: ModelRequest, answer: Answer) -> None:
        match answer:
            case Reply():
                await self._play_reply(http, asked, answer, {})
            case Slow(reply, pauses):
                await self._play_reply(http, asked, reply, pauses)
            case CutStream():
                await self._play_cut(http, asked, answer)
            case Status():
                retry_after = [] if answer.retry_after is None else [("retry-after", str(answer.retry_after))]
                await http.send_json(answer.code, _error(answer.code, answer.message, answer.type), retry_after)
            case Halted():
                await self._play_halted(http, asked, answer)
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
        if not asked.body.stream:
            await http.send_json(200, message(reply, identity))
        else:
            await http.start(200, "text/event-stream")
            waiting = sorted(pauses)
            for frame in frames(reply, identity, pauses.keys()):
                await http.send_data(frame.data)
                while waiting and waiting[0] <= frame.end:
                    await pauses[waiting.pop(0)].wait()
            await http.finish()
        self.delivered.append(Delivered(asked, reply, identity.input_tokens, output_tokens(reply)))

    async def _play_cut(self, http: HttpConnection, asked: ModelRequest, cut: CutStream) -> None:
        after = middle_of_last_block(cut.reply) if cut.after is None else cut.after
        if asked.body.stream:
            await http.start(200, "text/event-stream")
            for frame in frames(cut.reply, self._identity(asked), {after}):
                if frame.end > after:
                    break
                await http.send_data(frame.data)
            if cut.until is not None:
                await cut.until.wait()
            if cut.error:
                await http.send_data(error_frame(cut.error))
                await http.finish()
                return
        await http.close()

    async def _play_halted(self, http: HttpConnection, asked: ModelRequest, halted: Halted) -> None:
        await http.start(200, "text/event-stream")
        for frame in frames(halted.reply, self._identity(asked), {halted.after}):
            if frame.end > halted.after:
                break
            await http.send_data(frame.data)
        await self._wait_until_client_is_gone(http)

    async def _wait_until_client_is_gone(self, http: HttpConnection) -> None:
        try:
            await http.wait_until_client_is_gone()
        finally:
            self.client_gone.set()

    def _identity(self, asked: ModelRequest) -> Identity:
        return Identity(f"msg_{next(self._ids):06}", asked.body.model, tokens(asked.characters))


@asynccontextmanager
async def messages_api(script: Script | Sequence[Answer]) -> AsyncGenerator[MessagesApi]:
    """Bring the fake up on a free loopback port.

    Args:
        script: What it answers; a sequence is played as `turns` does.

    Raises:
        ScriptFailed: At the end, if the script had no answer for something it was asked.
    """
    answers = script if callable(script) else turns(*script)
    async with http_fake(lambda url: MessagesApi(url, answers)) as api:
        yield api


def _instructions(asked: ModelRequest) -> str:
    system = asked.body.system
    return system if isinstance(system, str) else texts_of(system[1:])


def _error(code: int, text: str, error_type: str = "") -> dict[str, JsonValue]:
    kind = error_type or _ERROR_TYPES.get(code, "api_error")
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_fake"}
