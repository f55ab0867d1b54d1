"""What one caller may take of the server: requests a second, streams at once, bytes and seconds of a body."""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
from starlette.types import Message, Receive

from mcp_server.http.problem import Problem

BODY_BYTES = 4 * 1024 * 1024
"""The SDK's own bound for MCP, and enough for the longest task a hundred times over."""
_CALLERS = 10_000
"""Callers whose rate is remembered; who is forgotten starts anew."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rate:
    """Lets every caller through so often, with a burst (a token bucket each).

    Args:
        per_second: How often in the long run.
        burst: How often at once.
        clock: Seconds that only rise.
    """

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str) -> float:
        """Take one.

        Returns:
            0 if the caller may go on, else the seconds after which it may.
        """
        now = self._clock()
        bucket = self._buckets.setdefault(caller, _Bucket(self._burst, now))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_second
        bucket.tokens -= 1
        return 0.0

    def give_back(self, caller: str) -> None:
        """Put one back that was taken and, as it turned out, need not have been."""
        bucket = self._buckets.get(caller)
        if bucket is not None:
            bucket.tokens = min(self._burst, bucket.tokens + 1)


class OpenStreams:
    """Counts the streams that are open, and refuses more of them than there may be.

    Args:
        per_owner: How many one owner may have open at once.
    """

    def __init__(self, per_owner: int) -> None:
        self._per_owner = per_owner
        self._open: dict[str, int] = {}

    @property
    def total(self) -> int:
        """How many are open."""
        return sum(self._open.values())

    @contextmanager
    def one_more(self, owner: str) -> Generator[None, None, None]:
        """While this is open, so is one more stream of an owner.

        Raises:
            Problem: The owner has as many open as may be.
        """
        count = self._open.get(owner, 0)
        if count >= self._per_owner:
            raise Problem(
                429,
                "too_many_streams",
                f"You have {count} streams open, which are the most one user may have.",
                recovery=("Close one", "follow several runs from one process that shares what it reads"),
                headers={"retry-after": "5", "connection": "close"},  # or who is refused keeps others out
            )
        self._open[owner] = count + 1
        try:
            yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]


async def whole_body(receive: Receive, declared: str | None, *, seconds: float, largest: int = BODY_BYTES) -> bytes:
    """A request's body.

    Args:
        receive: Where it comes from.
        declared: The Content-Length header.
        seconds: How long it may take.
        largest: How many bytes it may have.

    Raises:
        Problem: It is too large, too slow, or the client has gone before its end.
    """
    if declared is not None and declared.isdecimal() and int(declared) > largest:
        raise _too_large(largest)
    parts: list[bytes] = []
    size = 0
    with anyio.move_on_after(seconds):
        while True:
            message: Message = await receive()
            if message["type"] != "http.request":
                raise Problem(400, "body_incomplete", "The request's body ended before all of it had come.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > largest:
                raise _too_large(largest)
            if not message.get("more_body", False):
                return b"".join(parts)
    raise Problem(
        408,
        "body_too_slow",
        f"The request's body had not arrived after {seconds:g} s.",
        recovery=("Send it in one piece",),
        headers={"connection": "close"},
    )


def replayed(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read already, in one piece, and then what else comes.

    Args:
        body: All of it.
        receive: Where the rest comes from.
    """
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def too_often(seconds: float, message: str) -> Problem:
    """Somebody asks more often than they may, and may again after so long."""
    return Problem(
        429,
        "too_many_requests",
        message,
        recovery=(f"Ask again in {seconds:.1f} s",),
        headers={"retry-after": str(max(1, round(seconds))), "connection": "close"},
    )


def _too_large(largest: int) -> Problem:
    return Problem(
        413,
        "body_too_large",
        f"The request's body is larger than {largest:,} bytes.",
        recovery=("Put what is long into a file in the workspace, and name that file",),
        headers={"connection": "close"},
    )
