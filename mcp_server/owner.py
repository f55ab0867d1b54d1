"""Whom a call over MCP comes from: over HTTP everybody has runs of their own, and on a pipe there is only one user."""

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from starlette.requests import HTTPConnection

OWNER = "local"
"""Whose runs they are while there is only one user: the one who started the server."""
OWNER_KEY = "agent_workflows.owner"
"""Key of an ASGI scope under which the guard of the HTTP server leaves the owner."""


def owner_of_call(ctx: "ServerRequestContext[Any, Any]") -> str:
    """The owner of the runs that a call may see.

    Raises:
        KeyError: It came over HTTP and past the guard; better no answer than everybody's runs.
    """
    request = _http_request(ctx)
    if request is None:
        return OWNER
    owner = request.scope[OWNER_KEY]
    assert isinstance(owner, str)
    return owner


def session_of_call(ctx: "ServerRequestContext[Any, Any]") -> str:
    """The MCP session a call belongs to: request ids are unique within one. Empty where there is only one."""
    request = _http_request(ctx)
    return "" if request is None else request.headers.get("mcp-session-id", "")


def is_over_http(ctx: "ServerRequestContext[Any, Any]") -> bool:
    """Whether a call came over HTTP, and not on a pipe."""
    return _http_request(ctx) is not None


def _http_request(ctx: "ServerRequestContext[Any, Any]") -> "HTTPConnection[Any] | None":
    from starlette.requests import HTTPConnection  # there by then; commands of the terminal need none of it

    request = cast("object", ctx.request)
    assert isinstance(request, HTTPConnection | None)
    return cast("HTTPConnection[Any] | None", request)
