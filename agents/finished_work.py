"""Blocking work in a thread that is finished in any case, for work that must not be left half done."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

ResultT = TypeVar("ResultT")


async def in_thread_to_its_end(work: Callable[[], ResultT]) -> ResultT:
    """Do blocking work in a thread; a caller that is cancelled waits for its end, however it was cancelled.

    A graph is ended by cancelling its asyncio task, and against that a shield of anyio's does nothing.

    Args:
        work: Something short.
    """
    working = asyncio.ensure_future(anyio.to_thread.run_sync(work))
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not working.done():
            try:
                await asyncio.wait([working])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        if not working.cancelled():
            working.exception()  # nobody waits for it any more
        raise cancelled
    return working.result()
