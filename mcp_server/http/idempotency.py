"""Idempotency keys: a client that does not know whether its request arrived sends it again with the same key.

Besides this, the same input joins its run anyway while that is not over; the key also finds a run that is. Keys are
kept in memory for a day: after a restart of the server only the joining is left.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from mcp_server.http.problem import Problem
from workflows.runs.engine import StartedRun

LONGEST = 255
"""Characters of a key."""
KEPT_SECONDS = 24 * 3600
_MOST = 10_000


@dataclass(slots=True)
class _Entry:
    request: bytes
    until: float
    run_id: str = ""
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class IdempotencyKeys:
    """Which request had which key, and which run it became.

    Args:
        clock: Seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    async def once(
        self, owner: str, key: str, request: str, start: Callable[[], Awaitable[StartedRun]]
    ) -> tuple[str, StartedRun | None]:
        """Start a run, unless a request with this key has done so.

        Args:
            owner: Whose key it is.
            key: The key.
            request: The request as text; the same key belongs to the same request.
            start: Starts the run; called once for a key, and again where it has raised.

        Returns:
            The run's id, and what `start` gave if it was called now.

        Raises:
            Problem: The key cannot be used, or belongs to another request.
        """
        if not 0 < len(key) <= LONGEST:
            raise _refused(422, f"Idempotency-Key: a key has 1 to {LONGEST} characters, this one {len(key)}.")
        digest = hashlib.sha256(request.encode(errors="surrogatepass")).digest()
        entry = self._entry(owner, key, digest)
        if entry.request != digest:
            raise _refused(422, "Idempotency-Key: this key was given with another request.")
        async with entry.lock:
            if entry.run_id:
                return entry.run_id, None
            started = await start()
            entry.run_id = started.run.run_id
            return entry.run_id, started

    def _entry(self, owner: str, key: str, digest: bytes) -> _Entry:
        now = self._clock()
        while self._entries and (len(self._entries) > _MOST or next(iter(self._entries.values())).until <= now):
            self._entries.popitem(last=False)
        return self._entries.setdefault((owner, key), _Entry(digest, now + KEPT_SECONDS))


def _refused(status: int, message: str) -> Problem:
    return Problem(
        status,
        "invalid_input",
        message,
        recovery=("Use a new key, for example a UUID, for every new request",),
        field="Idempotency-Key",
    )
