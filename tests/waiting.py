"""The one place in the tests that looks again and again; for things that announce themselves to nobody."""

from collections.abc import Callable

import anyio


async def until(condition: Callable[[], bool], within: float = 15.0, *, every: float = 0.01) -> None:
    """Return as soon as the condition holds.

    Args:
        condition: Asked again and again.
        within: Seconds; fails with `TimeoutError` when they are over.
        every: Seconds between two questions; longer where the question itself is much work.
    """
    with anyio.fail_after(within):
        while not condition():  # noqa: ASYNC110 - nobody sets an event when a process is gone
            await anyio.sleep(every)
