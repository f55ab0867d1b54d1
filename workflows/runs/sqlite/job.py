"""One piece of work for a thread that has a database connection, and its answer for the event loop."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from workflows.runs.errors import LogUnavailable
from workflows.runs.sqlite.database import unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_SECONDS = 30.0
"""How long an answer is waited for. A working disk needs milliseconds, another process's lock at most 5 s."""


class Job(Generic[T]):
    """Made on the event loop, done in a thread, awaited on the event loop.

    Args:
        path: The database, for error messages.
        work: What to do; blocks, and runs in the thread.
    """

    def __init__(self, path: Path, work: Callable[[sqlite3.Connection], T]) -> None:
        self._path = path
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[T] = self._loop.create_future()

    def do(self, connection: sqlite3.Connection) -> None:
        """Do it; called in the thread. Never raises: what goes wrong is the answer."""
        try:
            result = self._work(connection)
        except sqlite3.Error as error:
            self.fail(unavailable(error, self._path))
        except Exception as error:  # noqa: BLE001 - whoever asked gets it, and the thread goes on for the others
            self.fail(error)
        else:
            call_on(self._loop, self._settle, result)

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        call_on(self._loop, self._settle_failure, error)

    async def answer(self) -> T:
        """What the work returned.

        Raises:
            workflows.runs.errors.RunError: What it raised.
            LogUnavailable: The database failed, or did not answer for 30 s.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answer
        except TimeoutError as error:
            raise LogUnavailable(
                f"The log {self._path} did not answer within {ANSWER_SECONDS:g} s.",
                recovery=(f"Look at the disk that {self._path} is on",),
            ) from error

    def _settle(self, result: T) -> None:
        if not self._answer.done():
            self._answer.set_result(result)

    def _settle_failure(self, error: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)


def call_on(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object) -> None:
    """Call a function on an event loop, from another thread; nobody is told anything whose loop has ended."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
