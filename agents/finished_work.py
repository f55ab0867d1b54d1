"""Work that must not be left half done: it is finished in any case, however its caller is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

import anyio
import anyio.to_thread

ResultT = TypeVar("ResultT")


async def to_its_end(work: Coroutine[object, object, ResultT]) -> ResultT:
    """Await something; a caller that is cancelled waits for its end, however it was cancelled.

    A graph is ended by cancelling its asyncio task, and against that a shield of anyio's does nothing.

    Args:
        work: Something short.
    """
    working = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not working.done():
            try:
                await asyncio.wait([working])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is None:
        return working.result()
    if not working.cancelled():
        working.exception()  # nobody waits for it any more
    try:
        raise cancelled
    finally:
        del cancelled, working  # an error that is kept by a frame it has gone through is only freed by and by


async def in_thread_to_its_end(work: Callable[[], ResultT]) -> ResultT:
    """Do blocking work in a thread; a caller that is cancelled waits for its end, however it was cancelled.

    Args:
        work: Something short.
    """
    return await to_its_end(anyio.to_thread.run_sync(work))
