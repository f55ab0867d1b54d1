"""The one check in front of every route: `/mcp`, the API, streams, WebSockets, health, metrics and the page.

In this order: is the server asked under a name of its own (Host), by a page of its own (Origin), with no secret in the
address, by somebody who may (token, or the session of a browser), and not too often. Then the body is read, within
bounds. What is refused is told why, in the same form everywhere.
"""

import time
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.http.access_log import log_access
from mcp_server.http.auth import Authenticator, bearer
from mcp_server.http.connection import OUTLET, Outlet
from mcp_server.http.limits import BODY_BYTES, Rate, replayed, too_often, whole_body
from mcp_server.http.metrics import Metrics
from mcp_server.http.network import AllowedNames
from mcp_server.http.principal import Principal, address_of, enter
from mcp_server.http.problem import Problem
from mcp_server.http.sessions import Sessions
from mcp_server.http.shown_tokens import ShownTokens

PUBLIC_PREFIX = "/.well-known/oauth-protected-resource"
"""Where clients read, before they have a token, whom to ask for one (RFC 9728)."""
SIGN_IN = "/session"
"""Where a browser shows a token; whoever answers there looks at it."""
SIGN_IN_BYTES = 16 * 1024
"""A form with a token. Nobody knows yet who sends it, and nobody unknown has the server keep much."""

_SECRET_PARAMETERS = frozenset(
    {"token", "access_token", "api_key", "apikey", "key", "auth", "authorization", "bearer", "password", "secret"}
)
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""On every answer, unless it has its own: nothing that is not the page can act as one."""


class SignInPage(Protocol):
    """What a person sees who opens the page without having signed in."""

    def __call__(self, problem: Problem) -> Response:
        """The answer."""
        ...


class Guard:
    """ASGI middleware.

    Args:
        app: What is guarded.
        names: Under which names the server may be asked.
        authenticator: Who may use it.
        tokens: Looks at the tokens they show.
        sessions: Who has signed in with a browser.
        rate: How often one caller may ask.
        metrics: Counts.
        sign_in_page: Answers a browser that has not signed in.
        body_seconds: How long a request's body may take to arrive.
        challenge: The WWW-Authenticate header.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: AllowedNames,
        authenticator: Authenticator,
        tokens: ShownTokens,
        sessions: Sessions,
        rate: Rate,
        metrics: Metrics,
        sign_in_page: SignInPage,
        body_seconds: float,
        challenge: str = "Bearer",
    ) -> None:
        self._app = app
        self._names = names
        self._authenticator = authenticator
        self._tokens = tokens
        self._sessions = sessions
        self._rate = rate
        self._metrics = metrics
        self._sign_in_page = sign_in_page
        self._body_seconds = body_seconds
        self._challenge = challenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or a WebSocket through, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        try:
            await self._guarded(scope, receive, answer)
        except Problem as problem:
            self._metrics.refused(problem.kind)
            await self._refuse(problem, scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", None) or "none"
            seconds = time.monotonic() - answer.began
            self._metrics.answered(answer.method, route, answer.status, None if answer.is_stream else seconds)
            log_access(scope, answer.method, answer.status, answer.bytes + _written(scope), seconds)

    async def _guarded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        headers = Headers(scope=scope)
        self._check_names(headers)
        _check_query(scope)
        largest = BODY_BYTES
        if scope["path"].startswith(PUBLIC_PREFIX):
            self._check_rate(f"anybody at {address_of(scope)}")
        elif scope["path"] == SIGN_IN:
            self._check_rate(f"anybody at {address_of(scope)}")
            largest = SIGN_IN_BYTES
        else:
            principal = await self._principal(scope, headers)
            self._check_rate(f"{principal.owner} at {address_of(scope)}")
            enter(scope, principal)
        if scope["type"] == "http" and scope["method"] not in _WITHOUT_BODY:
            declared = headers.get("content-length")
            body = await whole_body(receive, declared, seconds=self._body_seconds, largest=largest)
            receive = replayed(body, receive)
        await self._app(scope, receive, answer.send)

    def _check_names(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._names.host_allowed(host):
            raise Problem(
                421,
                "wrong_host",
                f"Host: this server is not known as {host[:100]!r}.",
                recovery=(
                    "Ask it as localhost, or by its address",
                    "A name it is also known by is set with AGENT_WORKFLOWS_HOSTS",
                ),
                field="Host",
            )
        origin = headers.get("origin")
        if origin is not None and not self._names.origin_allowed(origin, host):
            raise Problem(
                403,
                "foreign_origin",
                f"Origin: pages of {origin[:100]!r} may not use this server.",
                recovery=("An origin that may is set with AGENT_WORKFLOWS_ORIGINS",),
                field="Origin",
            )

    async def _principal(self, scope: Scope, headers: Headers) -> Principal:
        if self._authenticator.open:
            found = await self._authenticator.principal(None)
        else:
            found = await self._shown(scope, headers)
        if found is None:
            raise Problem(
                401,
                "not_signed_in",
                "This server wants to know who you are.",
                recovery=("Send the header `Authorization: Bearer <token>`", "In a browser, open / and sign in"),
                field="Authorization",
                headers={"www-authenticate": self._challenge},
            )
        return found

    async def _shown(self, scope: Scope, headers: Headers) -> Principal | None:
        token = bearer(headers)
        if token is None:
            return self._sessions.find(headers)
        found = await self._tokens.principal(address_of(scope), token)
        if found is None:
            raise Problem(
                401,
                "wrong_token",
                "Authorization: this token is not valid here, or not any more.",
                recovery=("Ask whoever runs this server for a token",),
                field="Authorization",
                headers={"www-authenticate": _with_error(self._challenge, "invalid_token")},
            )
        return found

    def _check_rate(self, caller: str) -> None:
        wait = self._rate.take(caller)
        if wait:
            raise too_often(wait, "You are asking too often.")

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if answer.status:
            raise problem
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")
        if scope["type"] == "http" and problem.status == 401 and wants_page:
            await self._sign_in_page(problem)(scope, receive, answer.send)
        else:
            await problem.response()(scope, receive, answer.send)


class _Answer:
    """What is sent back, as it passes: it gets the security headers, and is measured.

    Args:
        scope: The request.
        send: Sends an ASGI message.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self.began = time.monotonic()
        self.method = "WEBSOCKET" if scope["type"] == "websocket" else str(scope["method"])
        self.status = 0
        self.bytes = 0
        self.is_stream = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self.status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                self.is_stream = headers.get("content-type", "").startswith("text/event-stream")
            case "http.response.body":
                self.bytes += len(message.get("body", b""))
            case "websocket.accept":
                self.status, self.is_stream = 101, True
            case _:
                pass
        await self._send(message)


def _written(scope: Scope) -> int:
    """Bytes of a body that were not sent as ASGI messages."""
    outlet: Outlet | None = scope.get("extensions", {}).get(OUTLET)
    return 0 if outlet is None else outlet.written


def _check_query(scope: Scope) -> None:
    names = {name.lower() for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)}
    if found := sorted(names & _SECRET_PARAMETERS):
        raise Problem(
            400,
            "token_in_query",
            f"{found[0]}: a secret does not belong into an address: those are kept in histories and logs.",
            recovery=("Send the header `Authorization: Bearer <token>`", "Consider this token as known to others"),
            field=found[0],
        )


def _with_error(challenge: str, error: str) -> str:
    scheme, _, parameters = challenge.partition(" ")
    own = f'error="{error}"'
    return f"{scheme} {parameters}, {own}" if parameters else f"{scheme} {own}"
