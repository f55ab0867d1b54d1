"""The one place in the tests that looks again and again; for things that announce themselves to nobody."""

from collections.abc import Awaitable, Callable

import anyio


async def until(condition: Callable[[], bool], within: float = 15.0, *, every: float = 0.01) -> None:
    """Return as soon as the condition holds.

    Args:
        condition: Asked again and again.
        within: Seconds; fails with `TimeoutError` when they are over.
        every: Seconds between two questions; longer where the question itself is much work.
    """

    async def asked() -> bool:
        return condition()

    await until_answered(asked, within, every=every)


async def until_answered(
    condition: Callable[[], Awaitable[bool]], within: float = 15.0, *, every: float = 0.01
) -> None:
    """Return as soon as a condition holds whose answer has to be waited for, as another process's has.

    Args:
        condition: As for `until`.
        within: Seconds, in which the answers are waited for as well.
        every: As for `until`.
    """
    with anyio.fail_after(within):
        while not await condition():  # noqa: ASYNC110 - nobody sets an event when a process is gone
            await anyio.sleep(every)
