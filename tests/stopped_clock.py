"""A clock that stands still, for what is to happen at once: on a busy machine nobody can tell that by measuring."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import pytest


@contextmanager
def stopped_clock(at_most: float = 5.0) -> Generator[None, None, None]:
    """While this is open no pause and no time-out of the event loop ends, so that what happens has waited for none.

    Args:
        at_most: After as many seconds time jumps on; only a test that fails takes so long.
    """
    loop = asyncio.get_running_loop()
    real, stopped = loop.time, loop.time()

    def time() -> float:
        now = real()
        return stopped if now < stopped + at_most else now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "time", time)
        yield
