"""Who may use the server: nobody has to say on loopback, elsewhere one shows a token of ours or of an OAuth issuer."""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Protocol

from mcp.server.auth.provider import AccessToken, TokenVerifier

from mcp_server.http.principal import Principal

REMEMBERED = 10_000
"""Tokens of an issuer that are recognized; one that is forgotten counts as wrong until it was verified again."""


class Authenticator(Protocol):
    """Says who somebody is by what they show."""

    @property
    def open(self) -> bool:
        """Whether everybody may come in without showing anything."""
        ...

    def recognizes(self, token: str) -> bool:
        """Whether it knows a token already, so that to show it is no guess; says so at once."""
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

    def recognizes(self, token: str) -> bool:
        """See the port."""
        del token
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

    def recognizes(self, token: str) -> bool:
        """See the port."""
        return self._owner(token) is not None

    async def principal(self, token: str | None) -> Principal | None:
        """See the port."""
        owner = None if token is None else self._owner(token)
        if owner is None:
            return None
        # The SDK binds an MCP session to this; it never needs the token itself.
        return Principal(owner, AccessToken(token="", client_id=owner, scopes=[], subject=owner))

    def _owner(self, token: str) -> str | None:
        digest = _digest(token)
        matches = [owner for owner, own in self._digests.items() if hmac.compare_digest(own, digest)]
        return matches[0] if matches else None


class VerifiedTokens:
    """Tokens of an OAuth issuer; every issuer's subject is an owner of its own.

    Each is verified every time. Those that were right are recognized until they expire; only their digests are kept.

    Args:
        verifier: Tells whether one is genuine and meant for this server.
        clock: Seconds since 1970.
    """

    def __init__(self, verifier: TokenVerifier, clock: Callable[[], float] = time.time) -> None:
        self._verifier = verifier
        self._clock = clock
        self._expiries: OrderedDict[bytes, float] = OrderedDict()

    @property
    def open(self) -> bool:
        """See the port."""
        return False

    def recognizes(self, token: str) -> bool:
        """See the port."""
        return self._expiries.get(_digest(token), 0.0) > self._clock()

    async def principal(self, token: str | None) -> Principal | None:
        """See the port."""
        if token is None:
            return None
        verified = await self._verifier.verify_token(token)
        self._remember(token, verified)
        if verified is None:
            return None
        issuer = str((verified.claims or {}).get("iss", ""))
        return Principal(f"{verified.subject or verified.client_id}@{issuer}", verified)

    def _remember(self, token: str, verified: AccessToken | None) -> None:
        digest = _digest(token)
        self._expiries.pop(digest, None)
        if verified is not None and verified.expires_at is not None:
            self._expiries[digest] = verified.expires_at
        if len(self._expiries) > REMEMBERED:
            self._expiries.popitem(last=False)


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

    def recognizes(self, token: str) -> bool:
        """See the port."""
        return any(one.recognizes(token) for one in self._authenticators)

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
