"""The thread that reads, on a connection of its own: no reader ever waits for a writer, nor a writer for a reader."""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from workflows.runs.errors import LogUnavailable
from workflows.runs.sqlite.database import connect_to_read
from workflows.runs.sqlite.job import Job, call_on

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Reader:
    """Answers questions in their order. The thread starts with the first one.

    Args:
        path: The database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """What a function returns when called in the thread with the connection.

        Raises:
            LogUnavailable: The database cannot be read, and why.
        """
        if self._closed:
            raise closed(self._path)
        if self._thread is None:
            self._thread = threading.Thread(target=self._answer, name="run log reader", daemon=True)
            self._thread.start()
        job = Job(self._path, question)
        self._jobs.put(job)
        return await job.answer()

    async def close(self, timeout_seconds: float) -> None:
        """Let the thread end once it has answered what was asked so far, and wait for that, for so long at most."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        if self._thread is None:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._ended.wait()
        except TimeoutError:
            logger.error("%s: a read did not end in time", self._path)

    def _answer(self) -> None:
        connection: sqlite3.Connection | None = None
        while (job := self._jobs.get()) is not None:
            if connection is None:
                try:
                    connection = connect_to_read(self._path)
                except LogUnavailable as error:
                    job.fail(error)
                    continue
            job.do(connection)
        if connection is not None:
            connection.close()
        call_on(self._loop, self._ended.set)


def closed(path: Path) -> LogUnavailable:
    """What everybody gets who comes too late."""
    return LogUnavailable(f"The log {path} is closed: the server is shutting down.")
