"""Who may use the server, by its settings."""

from collections.abc import Sequence

from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl
from starlette.routing import Route

from mcp_server.http.app import Access
from mcp_server.http.auth import Authenticator, Nobody, OneOf, OwnTokens, VerifiedTokens
from mcp_server.http.exposure import check, own_tokens
from mcp_server.http.network import AllowedNames, ListenAddress
from mcp_server.http.oauth import JwtVerifier
from mcp_server.owner import OWNER
from mcp_server.settings import Settings


def access_of(settings: Settings, listen: ListenAddress) -> Access:
    """Who may use a server that listens there.

    Raises:
        SettingsInvalid: As in `mcp_server.http.exposure.check`.
    """
    check(settings, listen)
    metadata, challenge = _metadata(settings)
    return Access(
        names=AllowedNames(listen, settings.hosts, settings.origins),
        authenticator=_authenticator(settings),
        challenge=challenge,
        origins=settings.origins,
        metadata=metadata,
        streams_per_owner=settings.max_streams,
        requests_per_second=settings.requests_per_second,
    )


def _authenticator(settings: Settings) -> Authenticator:
    tokens = own_tokens(settings)
    accepted: list[Authenticator] = [OwnTokens(tokens)] if tokens else []
    if settings.oauth_issuer and settings.oauth_jwks_url and settings.oauth_audience:
        verifier = JwtVerifier(
            settings.oauth_issuer, settings.oauth_jwks_url, settings.oauth_audience, settings.oauth_scopes
        )
        accepted.append(VerifiedTokens(verifier))
    return OneOf(*accepted) if accepted else Nobody(OWNER)


def _metadata(settings: Settings) -> tuple[Sequence[Route], str]:
    """Routes that tell clients whom to ask for a token (RFC 9728), and the header that sends them there."""
    if not settings.oauth_issuer or not settings.oauth_audience:
        return (), "Bearer"
    resource = AnyHttpUrl(settings.oauth_audience)
    routes = create_protected_resource_routes(
        resource, [AnyHttpUrl(settings.oauth_issuer)], list(settings.oauth_scopes) or None
    )
    return routes, f'Bearer resource_metadata="{build_resource_metadata_url(resource)}"'
