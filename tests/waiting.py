"""The one place in the tests that looks again and again; for things that announce themselves to nobody."""

from collections.abc import Callable

import anyio


async def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    """Return as soon as the condition holds.

    Args:
        condition: Asked about a hundred times a second.
        within: Seconds; fails with `TimeoutError` when they are over.
    """
    with anyio.fail_after(within):
        while not condition():  # noqa: ASYNC110 - nobody sets an event when a process is gone
            await anyio.sleep(0.01)
