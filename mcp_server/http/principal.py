"""Who a request comes from, and whose runs it therefore sees."""

from dataclasses import dataclass

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.types import Scope

from mcp_server.owner import OWNER_KEY


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who may use this server.

    Attributes:
        owner: Whose runs they see and start.
        token: What they showed, as the SDK describes it; None where nothing has to be shown.
    """

    owner: str
    token: AccessToken | None = None


def enter(scope: Scope, principal: Principal) -> None:
    """Leave in a request's scope who it comes from; the SDK binds MCP sessions to the user it finds there."""
    scope[OWNER_KEY] = principal.owner
    if principal.token is not None:
        scope["user"] = AuthenticatedUser(principal.token)


def owner_of(scope: Scope) -> str:
    """Whose runs the request of a scope may see.

    Raises:
        KeyError: The request did not come through the guard; better no answer than everybody's runs.
    """
    owner = scope[OWNER_KEY]
    assert isinstance(owner, str)
    return owner


def address_of(scope: Scope) -> str:
    """Where a request comes from; behind a proxy that the settings name, where it says."""
    client = scope.get("client")
    return str(client[0]) if client else ""
