"""The whole server over HTTP as one ASGI app."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache

import anyio.to_thread
import orjson
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from mcp_server.assembly import Assembly
from mcp_server.http import page
from mcp_server.http.artifacts import ArtifactsApi
from mcp_server.http.auth import Authenticator
from mcp_server.http.broadcast import Broadcasts
from mcp_server.http.closing import Closing
from mcp_server.http.event_frames import EventFrames
from mcp_server.http.event_schema import FILE
from mcp_server.http.event_stream import EventStreams
from mcp_server.http.guard import SIGN_IN, Guard
from mcp_server.http.health_api import HealthApi
from mcp_server.http.limits import BODY_BYTES, OpenStreams, Rate
from mcp_server.http.mcp_endpoint import McpEndpoint
from mcp_server.http.metrics import Metrics
from mcp_server.http.network import AllowedNames
from mcp_server.http.openapi import document
from mcp_server.http.operations import operations
from mcp_server.http.patience import Patience
from mcp_server.http.problem import Problem, not_found
from mcp_server.http.routes import Handler, routes_of
from mcp_server.http.runs_api import RunsApi
from mcp_server.http.sessions import Sessions
from mcp_server.http.shown_tokens import ShownTokens
from mcp_server.http.websocket import EventSockets
from mcp_server.http.workflows_api import WorkflowsApi
from mcp_server.opening import workflow_server
from workflows.runs.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use the server, from where, and how much.

    Attributes:
        names: Under which names it may be asked.
        authenticator: Who may use it.
        challenge: The WWW-Authenticate header.
        origins: Origins of pages elsewhere that may use it.
        metadata: Routes that tell clients whom to ask for a token.
        streams_per_owner: How many streams one user may have open at once.
        requests_per_second: How often one user may ask, in the long run; ten seconds' worth of it at once.
    """

    names: AllowedNames
    authenticator: Authenticator
    challenge: str = "Bearer"
    origins: Sequence[str] = ()
    metadata: Sequence[BaseRoute] = ()
    streams_per_owner: int = 1000
    requests_per_second: float = 100.0


def create_app(assembly: Assembly, access: Access, closing: Closing, patience: Patience) -> ASGIApp:
    """The app.

    Args:
        assembly: The server's parts.
        access: Who may use it.
        closing: Tells when the server ends.
        patience: How long it waits for its clients.
    """
    open_streams = OpenStreams(access.streams_per_owner)
    metrics = Metrics(lambda: open_streams.total)
    assembly = replace(assembly, on_request=metrics.run_requested)
    frames = EventFrames()
    broadcasts = Broadcasts(assembly.engine, frames, metrics)
    streams = EventStreams(
        assembly.engine, assembly.log, open_streams, closing, metrics, patience, frames=frames, broadcasts=broadcasts
    )
    sessions = Sessions()
    tokens = ShownTokens(access.authenticator)
    sign_in = page.SignIn(tokens, sessions)
    mcp = StreamableHTTPSessionManager(workflow_server(assembly), max_request_body_size=BODY_BYTES)
    runs = RunsApi(assembly, streams)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None, None]:
        async with mcp.run(), broadcasts.open():
            yield

    routes: list[BaseRoute] = [
        Route("/mcp", McpEndpoint(mcp, open_streams, metrics), name="/mcp"),
        *_api_routes(assembly, runs, HealthApi(assembly, metrics)),
        WebSocketRoute("/api/runs/{run_id}/ws", EventSockets(assembly, streams)),
        Route(SIGN_IN, sign_in.open, methods=["POST"]),
        Route(f"{SIGN_IN}/end", sign_in.close, methods=["POST"]),
        *access.metadata,
        Route("/", page.index),
        Route("/{file}", page.file),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={RunError: _run_error, Problem: _problem, HTTPException: _http_error, Exception: _mistake},
    )
    guard = Guard(
        app,
        names=access.names,
        authenticator=access.authenticator,
        tokens=tokens,
        sessions=sessions,
        rate=Rate(access.requests_per_second, 10 * access.requests_per_second),
        metrics=metrics,
        sign_in_page=page.sign_in_page,
        body_seconds=patience.body,
        challenge=access.challenge,
    )
    return _with_cors(guard, access.origins)


def _api_routes(assembly: Assembly, runs: RunsApi, health: HealthApi) -> Sequence[BaseRoute]:
    openapi = _Late()
    schema = _made_once(FILE.read_bytes, "application/schema+json")
    api = operations(runs, ArtifactsApi(assembly), WorkflowsApi(assembly), health, schema, openapi)
    openapi.handler = _made_once(lambda: orjson.dumps(document(api)), "application/json")
    return routes_of(api)


class _Late:
    """A handler that is made after the routes it is part of."""

    handler: Handler

    async def __call__(self, request: Request) -> Response:
        return await self.handler(request)


def _made_once(make: Callable[[], bytes], media_type: str) -> Handler:
    """Answers what is made when somebody asks for the first time; that can take tenths of a second."""
    made = cache(make)

    async def answer(_request: Request) -> Response:
        return Response(await anyio.to_thread.run_sync(made), media_type=media_type)

    return answer


def _with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=[origin.rstrip("/") for origin in origins],
        allow_methods=["GET", "POST", "DELETE"],
        # MCP names headers after the parameters of a tool (`Mcp-Param-...`), so no list has them all. The guard decides
        # what a request may do, whatever its headers are.
        allow_headers=["*"],
        expose_headers=["location", "mcp-session-id", "retry-after", "www-authenticate", "x-run-id"],
    )


async def _run_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RunError)
    return Problem.of(error).response()


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: a path or a method there is not."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return not_found(f"route {request.url.path[:80]!r}").response()
    message = f"{request.method} {request.url.path[:80]}: {error.detail}."
    return Problem(error.status_code, "not_allowed", message, headers=error.headers).response()


async def _mistake(_request: Request, _error: Exception) -> Response:
    message = "The request failed by a mistake of this server. Its log on standard error says where."
    return Problem(500, "internal_error", message, blame="server").response()
