"""The checkpoints' database: how it is opened, and what its errors mean.

Its errors are told apart from those of a node that uses SQLite itself: only what happens in here becomes
`LogUnavailable`, with the blame on this machine's set-up. A write comes to its end also if its graph is cancelled:
between its statement and its commit it keeps the database locked for everybody.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.finished_work import to_its_end
from workflows.runs.errors import LogUnavailable, shutting_down
from workflows.runs.sqlite.database import BUSY_SECONDS, unavailable

WrittenT = TypeVar("WrittenT")

WRITTEN_SECONDS = 30.0
"""How long what a node has done may take to get into the database."""
_PAUSE_SECONDS = 0.02
"""Between attempts to open a database that another process is opening."""
_THREAD_SECONDS = 60.0
"""How long the end of the connection's thread is waited for: it first does all it was asked, and each of these may wait
`BUSY_SECONDS` for a lock."""


class Checkpoints(AsyncSqliteSaver):
    """LangGraph's own store of checkpoints, with errors that say what helps.

    Args:
        connection: An open database.
        path: Its file.
    """

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        super().__init__(connection)
        self._path = path
        self._writing = asyncio.Lock()
        self._is_closed = False
        self._written: dict[str, dict[str, asyncio.Future[None]]] = {}
        """Of every thread that is listened to: what each of its tasks has done, once it is in the database."""

    @classmethod
    async def open(cls, path: Path) -> "Checkpoints":
        """Open, or create, a database that only its owner can read.

        Raises:
            LogUnavailable: It cannot be opened, and why.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return await cls._opened(path)
            except sqlite3.Error as error:
                # SQLite does not wait by itself while another process makes the same switch to WAL.
                busy = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
                if not busy or time.monotonic() > deadline:
                    raise unavailable(error, path) from error
            except OSError as error:
                raise LogUnavailable(
                    f"The checkpoints {path} cannot be used: {error.strerror or error}.",
                    recovery=(f"Give this user the right to write to {path.parent} and the files in it",),
                ) from error
            await asyncio.sleep(_PAUSE_SECONDS)

    @classmethod
    async def _opened(cls, path: Path) -> "Checkpoints":
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = aiosqlite.connect(path, timeout=BUSY_SECONDS)
        try:
            await connection
            await connection.execute("PRAGMA synchronous=NORMAL")  # with WAL: safe against a killed process
            checkpoints = cls(connection, path)
            await checkpoints.setup()
        except BaseException:  # also a cancellation: the connection has a thread that must not stay
            await _put_away(connection)
            raise
        return checkpoints

    async def close(self) -> None:
        """Close the database, once what is being written is there as a whole.

        SQLite keeps a database locked that was closed between a statement and its commit, for as long as anything in
        this process remembers the statement.
        """
        with self._explained():
            await to_its_end(self._closed())

    async def _closed(self) -> None:
        try:
            async with self._writing, self.lock:
                self._is_closed = True
                await self.conn.close()
        except BaseException:  # also an event loop that ends: the thread would speak to it later
            await _put_away(self.conn)
            raise

    async def threads(self) -> Sequence[str]:
        """The ids of all threads that have checkpoints.

        Raises:
            LogUnavailable: They cannot be read.
        """
        with self._explained():
            async with self.lock, self.conn.execute("SELECT DISTINCT thread_id FROM checkpoints") as rows:
                return [str(row[0]) for row in await rows.fetchall()]

    async def copy(self, source: RunnableConfig, thread_id: str) -> None:
        """Let a thread begin with a checkpoint of another one: its state, and which tasks come next.

        What had been done of these tasks is not taken along.

        Args:
            source: Names the checkpoint.
            thread_id: The new thread.

        Raises:
            LogUnavailable: It cannot be read or written.
        """
        found = await self.aget_tuple(source)
        if found is None:
            raise LogUnavailable(f"A checkpoint that was just there is gone from {self._path}.")
        checkpoint = found.checkpoint
        target: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        await self.aput(target, checkpoint, found.metadata, checkpoint["channel_versions"])

    @contextmanager
    def listening(self, thread_id: str) -> Generator[None, None, None]:
        """While this is open, `written` can be asked about the tasks of a thread."""
        self._written[thread_id] = {}
        try:
            yield
        finally:
            del self._written[thread_id]

    async def written(self, thread_id: str, task_id: str) -> None:
        """Return when what a task has done is in the database, so that it will not be done again.

        LangGraph tells of a node's end while it is still being stored.

        Raises:
            LogUnavailable: It could not be stored.
        """
        try:
            await asyncio.wait_for(asyncio.shield(self._future(thread_id, task_id)), WRITTEN_SECONDS)
        except TimeoutError as error:
            raise LogUnavailable(
                f"The checkpoints {self._path} took more than {WRITTEN_SECONDS:g} s to store what a node had done.",
                recovery=(f"Look at the disk that {self._path} is on",),
            ) from error

    def _future(self, thread_id: str, task_id: str) -> asyncio.Future[None]:
        futures = self._written[thread_id]
        if task_id not in futures:
            futures[task_id] = asyncio.get_running_loop().create_future()
        return futures[task_id]

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """As in the base class; raises `LogUnavailable`."""
        with self._explained():
            return await super().aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """As in the base class; raises `LogUnavailable`."""
        with self._explained():
            return await to_its_end(self._whole(partial(super().aput, config, checkpoint, metadata, new_versions)))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """As in the base class; raises `LogUnavailable`, and tells those who wait in `written`."""
        thread_id = str(config.get("configurable", {}).get("thread_id", ""))
        try:
            with self._explained():
                await to_its_end(self._whole(partial(super().aput_writes, config, writes, task_id, task_path)))
        except LogUnavailable as error:
            self._tell(thread_id, task_id, error)
            raise
        self._tell(thread_id, task_id, None)

    def _tell(self, thread_id: str, task_id: str, error: LogUnavailable | None) -> None:
        if thread_id not in self._written:
            return
        future = self._future(thread_id, task_id)
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
            future.exception()  # whoever waits gets it; if nobody does, the graph itself raises the same

    async def adelete_thread(self, thread_id: str) -> None:
        """As in the base class; raises `LogUnavailable`."""
        with self._explained():
            await to_its_end(self._whole(partial(super().adelete_thread, thread_id)))

    async def _whole(self, write: Callable[[], Coroutine[object, object, WrittenT]]) -> WrittenT:
        """Do a write, or nothing of it: a transaction that stayed open would lock every other process out.

        One at a time: the next one would store what a failed one has left.
        """
        async with self._writing:
            if self._is_closed:
                raise shutting_down()
            try:
                return await write()
            except sqlite3.Error:
                async with self.lock:  # under which all read
                    if self.conn.in_transaction:
                        await self.conn.rollback()
                raise

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error


async def _put_away(connection: aiosqlite.Connection) -> None:
    """Close what was perhaps never open, and wait for its thread, however often the caller is cancelled.

    The thread tells the event loop of everything it was asked, also of what nobody waits for any more; a loop that is
    closed by then makes it die with an error.
    """
    connection.stop()  # pyright: ignore[reportUnknownMemberType] - its future is not needed
    # aiosqlite has no other way to know when its thread has ended.
    thread = connection._thread  # noqa: SLF001 - see above  # pyright: ignore[reportPrivateUsage] - see above
    ended = asyncio.get_running_loop().run_in_executor(None, thread.join, _THREAD_SECONDS)
    while not ended.done():
        with suppress(asyncio.CancelledError):  # whoever calls this is raising what it was called for
            await asyncio.shield(ended)
