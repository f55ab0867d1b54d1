"""Who may use the server: nobody has to say on loopback, elsewhere one shows a token of ours or of an OAuth issuer."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from mcp.server.auth.provider import AccessToken, TokenVerifier

from mcp_server.http.principal import Principal


class Authenticator(Protocol):
    """Says who somebody is by what they show."""

    @property
    def open(self) -> bool:
        """Whether everybody may come in without showing anything."""
        ...

    async def principal(self, token: str | None) -> Principal | None:
        """Who showed this, None if it is worth nothing.

        Raises:
            mcp_server.http.problem.Problem: It is genuine and not enough, or nobody can tell at the moment.
        """
        ...


class Nobody:
    """Asks nobody for anything: everybody is the one user there is.

    Args:
        owner: That user.
    """

    def __init__(self, owner: str) -> None:
        self._principal = Principal(owner)

    @property
    def open(self) -> bool:
        """See the port."""
        return True

    async def principal(self, token: str | None) -> Principal | None:
        """See the port."""
        del token
        return self._principal


class OwnTokens:
    """Tokens that stand in the settings. They are compared in constant time, and only their digests are kept.

    Args:
        tokens: The tokens, by owner.
    """

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._digests = {owner: _digest(token) for owner, token in tokens.items()}

    @property
    def open(self) -> bool:
        """See the port."""
        return False

    async def principal(self, token: str | None) -> Principal | None:
        """See the port."""
        if token is None:
            return None
        digest = _digest(token)
        matches = [owner for owner, own in self._digests.items() if hmac.compare_digest(own, digest)]
        if not matches:
            return None
        # The SDK binds an MCP session to this; it never needs the token itself.
        return Principal(matches[0], AccessToken(token="", client_id=matches[0], scopes=[], subject=matches[0]))


class VerifiedTokens:
    """Tokens of an OAuth issuer; every issuer's subject is an owner of its own.

    Args:
        verifier: Tells whether one is genuine and meant for this server.
    """

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    @property
    def open(self) -> bool:
        """See the port."""
        return False

    async def principal(self, token: str | None) -> Principal | None:
        """See the port."""
        verified = None if token is None else await self._verifier.verify_token(token)
        if verified is None:
            return None
        issuer = str((verified.claims or {}).get("iss", ""))
        return Principal(f"{verified.subject or verified.client_id}@{issuer}", verified)


class OneOf:
    """Accepts what any of several accepts; the first that does decides.

    Args:
        authenticators: They.
    """

    def __init__(self, *authenticators: Authenticator) -> None:
        self._authenticators = authenticators

    @property
    def open(self) -> bool:
        """See the port."""
        return any(one.open for one in self._authenticators)

    async def principal(self, token: str | None) -> Principal | None:
        """See the port."""
        for one in self._authenticators:
            found = await one.principal(token)
            if found is not None:
                return found
        return None


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of an Authorization header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
