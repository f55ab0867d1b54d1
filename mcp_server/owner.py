"""Whose runs a call over MCP may see: everybody over HTTP has their own, and on a pipe there is only one user."""

from collections.abc import Mapping
from typing import Any, cast

from mcp.server.context import ServerRequestContext

from mcp_server.assembly import OWNER

OWNER_KEY = "agent_workflows.owner"
"""Key of an ASGI scope under which the guard of the HTTP server leaves the owner."""


def owner_of_call(ctx: ServerRequestContext[dict[str, object], object]) -> str:
    """The owner of the runs that a call may see.

    Raises:
        KeyError: It came over HTTP and past the guard; better no answer than everybody's runs.
    """
    if ctx.request is None:
        return OWNER
    scope = cast("Mapping[str, Any]", getattr(ctx.request, "scope"))  # noqa: B009 - the SDK's type says `object`
    owner = scope[OWNER_KEY]
    assert isinstance(owner, str)
    return owner
