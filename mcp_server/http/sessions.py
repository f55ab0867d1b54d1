"""People who have signed in with a browser. It sends no token by itself, so it gets a cookie that stands for one."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie

from mcp_server.http.principal import Principal

COOKIE = "agent_workflows_session"
SECONDS = 12 * 3600
"""How long a session lasts."""
_MOST = 10_000


class Sessions:
    """Remembers who has signed in, in memory: a restart signs everybody out.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def open(self, principal: Principal) -> str:
        """A new session; it does not outlive the token it stands for.

        Returns:
            Its secret name, 256 bits of chance.
        """
        name = secrets.token_urlsafe(32)
        until = self._clock() + SECONDS
        if principal.token is not None and principal.token.expires_at is not None:
            until = min(until, principal.token.expires_at)
        self._sessions[name] = (principal, until)
        while len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)
        return name

    def find(self, headers: Mapping[str, str]) -> Principal | None:
        """Whose session a request's cookie names; None if none or an old one."""
        name = session_name(headers)
        found = self._sessions.get(name) if name else None
        if found is None:
            return None
        principal, until = found
        if self._clock() >= until:
            del self._sessions[name]
            return None
        return principal

    def close(self, headers: Mapping[str, str]) -> None:
        """Sign out."""
        self._sessions.pop(session_name(headers), None)


def session_name(headers: Mapping[str, str]) -> str:
    """What the session cookie of a request says; empty if there is none."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def cookie(name: str, *, secure: bool, seconds: int = SECONDS) -> str:
    """The Set-Cookie header that opens a session, or with 0 seconds closes it.

    No script can read it, and no other site's page can have it sent along.
    """
    parts = [f"{COOKIE}={name}", f"Max-Age={seconds}", "Path=/", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)
