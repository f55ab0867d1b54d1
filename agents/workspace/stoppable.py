"""Blocking work in a thread that ends soon after nobody waits for it any more."""

import threading
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import anyio.to_thread

ResultT = TypeVar("ResultT")

Check: TypeAlias = Callable[[], None]
"""Called by the work between its small steps; raises `WorkStopped` where the work is no longer wanted."""


class WorkStopped(Exception):
    """The work is no longer wanted. Nobody waits for it, so nobody sees this."""


async def in_stoppable_thread(work: Callable[[Check], ResultT]) -> ResultT:
    """Do blocking work in a thread.

    A cancelled caller goes on at once; the thread ends at its next check. So the work may only read.

    Args:
        work: Takes the check.
    """
    unwanted = threading.Event()

    def check() -> None:
        if unwanted.is_set():
            raise WorkStopped

    try:
        return await anyio.to_thread.run_sync(work, check, abandon_on_cancel=True)
    finally:
        unwanted.set()
