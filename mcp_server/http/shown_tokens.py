"""The tokens people show, and how many wrong ones may come from one address: whoever guesses does not get far."""

from dataclasses import dataclass, field

import anyio

from mcp_server.http.auth import Authenticator
from mcp_server.http.limits import Rate, too_often
from mcp_server.http.principal import Principal
from mcp_server.http.problem import Problem

FAILURES_PER_MINUTE = 20
"""Wrong tokens one address may show."""


@dataclass(slots=True)
class _UnderWay:
    """Tokens of one address that are being looked at."""

    count: int = 0
    one_done: anyio.Event = field(default_factory=anyio.Event)


class ShownTokens:
    """Says who somebody is by a token, and refuses to look at one where too many have been wrong.

    A token counts as wrong until it has turned out to be right: to look at one can take as long as its issuer takes to
    send its keys, and of many that come at once none must be looked at that would be one too many. One that is known
    already is no guess, and gets in however many wrong ones come from the same address: many people can share one.

    Args:
        authenticator: Tells what a token is worth.
    """

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._failures = Rate(FAILURES_PER_MINUTE / 60, FAILURES_PER_MINUTE)
        self._under_way: dict[str, _UnderWay] = {}

    async def principal(self, address: str, token: str | None) -> Principal | None:
        """Who showed this, None if it is worth nothing.

        Args:
            address: Where it comes from.
            token: What was shown.

        Raises:
            Problem: Too many from this address were wrong; or as in `Authenticator.principal`.
        """
        if token is not None and self._authenticator.recognizes(token):
            return await self._authenticator.principal(token)
        while wait := self._failures.take(address):
            if address not in self._under_way:
                raise too_often(wait, "Too many wrong tokens came from your address.")
            await self._under_way[address].one_done.wait()  # it may be right, and then leaves room for this one
        under_way = self._under_way.setdefault(address, _UnderWay())
        under_way.count += 1
        try:
            found = await self._authenticator.principal(token)
        except Problem:  # not wrong: nobody can tell, or it is genuine and not enough
            self._failures.give_back(address)
            raise
        finally:
            under_way.count -= 1
            under_way.one_done.set()
            under_way.one_done = anyio.Event()
            if not under_way.count:
                del self._under_way[address]
        if found is not None:
            self._failures.give_back(address)
        return found
