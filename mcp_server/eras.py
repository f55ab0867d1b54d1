"""What a request says of its client: its protocol era, what it declares, its name."""

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_server.introduction import TASKS

AnyContext = ServerRequestContext[Any, Any]
RequestContext = ServerRequestContext[dict[str, object], object]
"""What the handler of a request is given."""


def is_modern(ctx: AnyContext) -> bool:
    """Whether the request is of the stateless era (2026-07-28), in which a server asks nothing by itself."""
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def declares_tasks(ctx: AnyContext) -> bool:
    """Whether this very request may be answered with a task."""
    capabilities = ctx.session.client_capabilities
    return is_modern(ctx) and bool(capabilities and TASKS in (capabilities.extensions or {}))


def can_ask(ctx: AnyContext) -> bool:
    """Whether the client shows forms to its user."""
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.elicitation is None:
        return False
    modes = capabilities.elicitation
    return modes.form is not None or modes.url is None  # an empty object is a form's


def client_name(ctx: AnyContext) -> str:
    """The client's name, or `client` where it does not say."""
    params = ctx.session.client_params
    return params.client_info.name if params is not None else "client"
