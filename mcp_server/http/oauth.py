"""Tokens of an OAuth issuer: JSON Web Tokens, checked against the keys the issuer publishes (JWKS)."""

import logging
from collections.abc import Sequence
from typing import Any, cast

import anyio.to_thread
import jwt
from mcp.server.auth.provider import AccessToken

from mcp_server.http.problem import Problem

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that need the issuer's private key; what a public key could make (HMAC) and no signature are not here."""
LEEWAY_SECONDS = 30
"""By how much the clocks of issuer and server may differ."""
JWKS_SECONDS = 5.0
"""How long the issuer's keys may take to arrive; they are kept for five minutes."""


class JwtVerifier:
    """Implements the SDK's `TokenVerifier`.

    Args:
        issuer: Who issues them; the claim `iss` must be exactly this.
        jwks_url: Where the issuer's keys are.
        audience: What the tokens must be issued for, the claim `aud`.
        scopes: What they must allow.
    """

    def __init__(self, issuer: str, jwks_url: str, audience: str, scopes: Sequence[str] = ()) -> None:
        self._issuer = issuer
        self._audience = audience
        self._scopes = frozenset(scopes)
        # An unknown key is asked for once in half a minute at most, whatever strangers send.
        self._keys = jwt.PyJWKClient(jwks_url, timeout=JWKS_SECONDS)

    async def verify_token(self, token: str) -> AccessToken | None:
        """What a token says; None if it is not genuine, not for this server, or not valid any more.

        Raises:
            Problem: It lacks a scope, or the issuer's keys cannot be fetched.
        """
        try:
            claims = await anyio.to_thread.run_sync(self._claims, token)
        except jwt.PyJWKClientConnectionError as error:
            logger.error("the keys of %s cannot be fetched: %s", self._issuer, error)
            raise Problem(
                503,
                "issuer_unavailable",
                "The keys of the token's issuer cannot be fetched at the moment.",
                recovery=("Ask again in a moment",),
                blame="setup",
                headers={"retry-after": "5"},
            ) from error
        except jwt.PyJWTError as error:
            logger.warning("a token was refused: %s", error)
            return None
        granted = _scopes(claims)
        if missing := sorted(self._scopes - granted):
            raise Problem(
                403,
                "insufficient_scope",
                f"Authorization: this token lacks the scope {missing[0]!r}.",
                recovery=(f"Ask the issuer for a token with: {' '.join(sorted(self._scopes))}",),
                field="Authorization",
                headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(self._scopes)}"'},
            )
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            scopes=sorted(granted),
            expires_at=int(claims["exp"]),
            resource=self._audience,
            subject=str(claims["sub"]),
            claims=claims,
        )

    def _claims(self, token: str) -> dict[str, Any]:
        """Blocks: it may fetch keys."""
        key = self._keys.get_signing_key_from_jwt(token)
        return jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    given = cast("object", claims.get("scope", claims.get("scp", "")))
    if isinstance(given, str):
        return frozenset(given.split())
    return frozenset(map(str, cast("list[object]", given))) if isinstance(given, list) else frozenset()
