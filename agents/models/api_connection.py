"""A provider's HTTP API: one request as JSON, the answer as server-sent events.

Imported when the first request is made: it brings the HTTP client along, and TLS with it.
"""

import json
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import cache
from typing import cast

import anyio
import httpx2
import orjson

from agents.errors import (
    AgentError,
    AgentMisconfigured,
    NotLoggedIn,
    ProviderTimedOut,
    ProviderUnreachable,
    ResponseMalformed,
    StreamCut,
)
from agents.json_fields import Json, JsonObject
from agents.models.answer_reader import AnswerReader, ErrorTold
from agents.models.api_access import ApiAccess
from agents.models.deltas import Delta
from agents.models.http_failures import Refusal, error_of, refusal_of_error, refusal_of_response

_CONNECT_SECONDS = 10.0
_ERROR_BYTES = 64 * 1024
_OK = 200
_REJECTED = frozenset({400, 422})
_END = "[DONE]"


class _Rejected(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__("the provider refused the request")
        self.refusal = refusal


class ApiConnection:
    """An HTTP client for one provider.

    Args:
        access: Where the API is and who we are.

    Raises:
        AgentMisconfigured: The proxy settings of this machine cannot be used.
    """

    def __init__(self, access: ApiAccess) -> None:
        self._access = access
        try:
            timeout = httpx2.Timeout(access.silent_seconds, connect=_CONNECT_SECONDS)
            self._client = httpx2.AsyncClient(timeout=timeout, verify=_tls())
        except (ValueError, ImportError, httpx2.InvalidURL) as error:  # of the *_PROXY variables
            raise AgentMisconfigured(
                f"The proxy settings of this machine cannot be used: {type(error).__name__}.",
                recovery=("Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY",),
            ) from None  # the error may repeat the proxy's password

    async def stream(
        self, path: str, body: JsonObject, reader: AnswerReader, *, optional: Sequence[str] = ()
    ) -> AsyncGenerator[Delta, None]:
        """Send one request and tell the answer as it comes.

        Args:
            path: Where to, below the base URL.
            body: The request.
            reader: Reads the answer.
            optional: Fields of the body that not every model takes; one that the provider refuses by name is left out,
                and the request is sent once more. A request that is refused costs nothing.

        Raises:
            AgentError: There is no (whole) answer.
        """
        try:
            try:
                async with aclosing(self._events(path, body, optional)) as events:
                    async for event in events:
                        for delta in reader.read(event):
                            yield delta
                        if reader.is_over:
                            break
            except httpx2.HTTPError:
                if not reader.is_whole:  # what comes after the answer's end may be missed
                    raise
            if not reader.is_whole:
                raise self._unfinished(reader)
            for delta in reader.finish():
                yield delta
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ErrorTold, AgentError, _Rejected) as error:
            if (used := reader.use_of_a_broken_answer()) is not None:
                yield used
            if isinstance(error, AgentError):
                error.partial = error.partial or reader.text
                raise
            # Not `from error`: it may repeat the key, and whoever logs this error would log that one too.
            raise self._error_of(error, reader.text, begun=reader.has_begun) from None

    async def get(self, path: str, seconds: float, headers: Mapping[str, str]) -> None:
        """Ask for something small, to see whether we are let in; what comes is thrown away.

        Args:
            path: Where to, below the base URL.
            seconds: How long that may take in all.
            headers: What the request carries besides the key.

        Raises:
            AgentError: Nobody answered, or what came was an error.
        """
        try:
            with anyio.fail_after(seconds):
                async with self._client.stream("GET", self._url(path), headers={**self._headers(), **headers}) as got:
                    if got.status_code != _OK:
                        raise _Rejected(await _refusal_in(got))
        except TimeoutError:
            raise ProviderTimedOut(f"{self._access.provider} did not answer within {seconds:g} s.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, _Rejected) as error:
            raise self._error_of(error, "", begun=False) from None

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._client.aclose()

    async def _events(self, path: str, body: JsonObject, optional: Sequence[str]) -> AsyncGenerator[JsonObject, None]:
        left = [name for name in optional if name in body]
        while True:
            try:
                async with aclosing(self._events_of(path, body)) as events:
                    async for event in events:
                        yield event
            except _Rejected as rejected:
                refused = rejected.refusal.parameter.partition(".")[0].partition("[")[0]
                if rejected.refusal.status not in _REJECTED or refused not in left:
                    raise
                left.remove(refused)
                body = {name: value for name, value in body.items() if name != refused}
            else:
                return

    async def _events_of(self, path: str, body: JsonObject) -> AsyncGenerator[JsonObject, None]:
        headers = {**self._headers(), "content-type": "application/json", "accept": "text/event-stream"}
        async with self._client.stream("POST", self._url(path), content=_encoded(body), headers=headers) as response:
            if response.status_code != _OK:
                raise _Rejected(await _refusal_in(response))
            if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
                raise self._no_stream(await _refusal_in(response))
            try:
                async with aclosing(_events_in(response)) as events:
                    async for event in events:
                        if event.data == _END:
                            return
                        if event.data:
                            yield self._parsed(event.data)
            except httpx2.SSEError:
                raise self._malformed("sent an event that is too long") from None

    def _parsed(self, data: str) -> JsonObject:
        try:
            parsed: Json = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise self._malformed("sent an event that is no JSON") from None
        match parsed:
            case dict():
                return parsed
            case _:
                raise self._malformed("sent an event that is no JSON object")

    def _headers(self) -> Mapping[str, str]:
        key = (self._access.api_key or "").strip()
        if not key:
            if self._access.needs_key:
                raise NotLoggedIn(
                    f"{self._access.provider} needs a key, and none is set.", recovery=self._access.login_recovery
                )
            return {}
        if not (key.isascii() and key.isprintable()):  # the client would refuse the header, and repeat it in its error
            raise NotLoggedIn(
                f"What {self._access.key_variable} holds is no key: keys are printable ASCII characters.",
                recovery=self._access.login_recovery,
            )
        if self._access.key_header == "x-api-key":
            return {"x-api-key": key}
        return {"authorization": f"Bearer {key}"}

    def _url(self, path: str) -> str:
        return self._access.base_url.rstrip("/") + path

    def _error_of(self, error: Exception, partial: str, *, begun: bool) -> AgentError:
        who = self._access.provider
        match error:
            case _Rejected(refusal=refusal):
                return error_of(refusal, self._access, partial)
            case ErrorTold(fields=fields):
                return error_of(refusal_of_error(fields), self._access, partial)
            case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
                where = self._access.address_variable or "the base URL"
                return AgentMisconfigured(
                    f"The address of {who} is no http or https address.", recovery=(f"Correct {where}",)
                )
            case httpx2.ConnectTimeout():
                return self._unreachable()
            case httpx2.TimeoutException():
                return ProviderTimedOut(f"{who} did not answer in time.", partial=partial)
            case httpx2.DecodingError():
                return ResponseMalformed(f"{who} sent an answer that cannot be decoded.", partial=partial)
            case _ if begun:
                return StreamCut(f"The connection to {who} broke in the middle of the answer.", partial=partial)
            case _:
                return self._unreachable()

    def _unreachable(self) -> ProviderUnreachable:
        return ProviderUnreachable(
            f"{self._access.provider} cannot be reached.", recovery=self._access.network_recovery
        )

    def _unfinished(self, reader: AnswerReader) -> AgentError:
        who = self._access.provider
        if reader.has_begun:
            return StreamCut(f"The answer of {who} broke off before its end.", partial=reader.text)
        return self._malformed("answered with something that is no answer")

    def _no_stream(self, refusal: Refusal) -> AgentError:
        if refusal.words or refusal.codes:
            return error_of(refusal, self._access)
        return self._malformed("answered with something that is no stream of events")

    def _malformed(self, what: str) -> ResponseMalformed:
        return ResponseMalformed(f"{self._access.provider} {what}.")


@cache
def _tls() -> ssl.SSLContext:
    """This machine's trust in certificates; to read it takes as long as all else about a client."""
    return httpx2.create_ssl_context()


def _encoded(body: JsonObject) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # half a character, as in a file's name that is no UTF-8
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def _events_in(response: httpx2.Response) -> AsyncGenerator[httpx2.ServerSentEvent, None]:
    return cast("AsyncGenerator[httpx2.ServerSentEvent, None]", aiter(httpx2.EventSource(response)))


async def _refusal_in(response: httpx2.Response) -> Refusal:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _ERROR_BYTES:
            break
    return refusal_of_response(response.status_code, body, response.headers)
