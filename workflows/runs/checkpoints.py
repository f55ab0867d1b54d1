"""The checkpoints' database: how it is opened, and what its errors mean.

Its errors are told apart from those of a node that uses SQLite itself: only what happens in here becomes
`LogUnavailable`, with the blame on this machine's set-up.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from workflows.runs.errors import LogUnavailable
from workflows.runs.sqlite.database import BUSY_SECONDS, unavailable

_PAUSE_SECONDS = 0.02
"""Between attempts to open a database that another process is opening."""


class Checkpoints(AsyncSqliteSaver):
    """LangGraph's own store of checkpoints, with errors that say what helps.

    Args:
        connection: An open database.
        path: Its file.
    """

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        super().__init__(connection)
        self._path = path

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
        connection = await aiosqlite.connect(path, timeout=BUSY_SECONDS)
        try:
            await connection.execute("PRAGMA synchronous=NORMAL")  # with WAL: safe against a killed process
            checkpoints = cls(connection, path)
            await checkpoints.setup()
        except BaseException:  # also a cancellation: the connection has a thread that must not stay
            await asyncio.shield(connection.close())
            raise
        return checkpoints

    async def close(self) -> None:
        """Close the database."""
        with self._explained():
            await self.conn.close()

    async def threads(self) -> Sequence[str]:
        """The ids of all threads that have checkpoints.

        Raises:
            LogUnavailable: They cannot be read.
        """
        with self._explained():
            async with self.lock, self.conn.execute("SELECT DISTINCT thread_id FROM checkpoints") as rows:
                return [str(row[0]) for row in await rows.fetchall()]

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
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """As in the base class; raises `LogUnavailable`."""
        with self._explained():
            await super().aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """As in the base class; raises `LogUnavailable`."""
        with self._explained():
            await super().adelete_thread(thread_id)

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error
