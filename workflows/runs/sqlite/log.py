"""All runs in one SQLite file, shared by every server process that uses the data directory.

One thread writes (`commit.py`), one reads (`reader.py`); the event loop never waits for the disk. Who
watches is woken right after a commit of this process; for commits of other processes SQLite's own counter of changes
is looked at every 10 ms, and only while somebody watches.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

import anyio

from workflows.runs.errors import LogUnavailable
from workflows.runs.event_text import EventText
from workflows.runs.events import LastEvent, RunEvent
from workflows.runs.log import Artifact, ArtifactInfo, RunTail
from workflows.runs.run import CancelRequest, Run, RunFilter, Word
from workflows.runs.sqlite import events as event_rows
from workflows.runs.sqlite import runs as run_rows
from workflows.runs.sqlite import words as word_rows
from workflows.runs.sqlite.commit import GroupCommit, Stored
from workflows.runs.sqlite.database import FILE_NAME, damaged
from workflows.runs.sqlite.open_run import OpenRun, taken_over
from workflows.runs.sqlite.reader import Reader, closed
from workflows.runs.sqlite.writer import SqliteRunWriter
from workflows.runs.watchers import Watcher, Watchers

logger = logging.getLogger(__name__)

PAGE = 500
"""Events a watcher reads at once."""
QUIET_SECONDS = 2.0
"""After how much silence a watcher gets an empty batch."""
LOOK_SECONDS = 0.01
"""How often commits of other processes are looked for."""
CLOSE_SECONDS = 5.0
"""How long `close` waits for the disk."""
_GIVE_UP_SECONDS = 0.1
"""How long a log that could not be opened is waited for."""


class SqliteEventLog:
    """Implements `workflows.runs.log.EventLog`. Belongs to the event loop on which it was opened.

    Beyond the port: an empty `key` joins no run; `interrupt` also ends the attempt, so that a process that was thought
    dead can store nothing more; only the first request to cancel a run is kept.

    Args:
        directory: The data directory.
        quiet_seconds: After how much silence a watcher gets an empty batch.
    """

    def __init__(self, directory: Path, *, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._path = directory / FILE_NAME
        self._quiet_seconds = quiet_seconds
        self._commits = GroupCommit(directory, self._stored)
        self._reader = Reader(self._path)
        self._watchers = Watchers()
        self._looking: asyncio.Task[None] | None = None
        self._open_runs: WeakValueDictionary[str, OpenRun] = WeakValueDictionary()
        self._closed = False

    @classmethod
    async def start(cls, directory: Path, *, quiet_seconds: float = QUIET_SECONDS) -> "SqliteEventLog":
        """Open the log of a data directory; makes the directory and an empty log where there is none.

        Args:
            directory: The data directory.
            quiet_seconds: As above.

        Raises:
            workflows.runs.errors.LogTooNew: A newer version of this program wrote it.
            workflows.runs.errors.LogUnavailable: It cannot be used, and why.
        """
        log = cls(directory, quiet_seconds=quiet_seconds)
        try:
            await log._commits.open()
        except BaseException:  # cancelled, it would leave the thread and its connection behind
            await log.close(_GIVE_UP_SECONDS)
            raise
        return log

    async def create(self, run: Run) -> tuple[Run, bool]:
        """See the port."""
        return await self._commits.execute(lambda connection: run_rows.create(connection, run))

    async def open(self, run_id: str, process: str) -> SqliteRunWriter:
        """See the port."""

        def take(connection: sqlite3.Connection) -> tuple[Run, int]:
            self._commits.require_stored(run_id)
            return run_rows.take(connection, run_id, process)

        run, attempt = await self._commits.execute(take)
        self._refuse(run_id)
        open_run = self._open_runs[run_id] = OpenRun(run, attempt)
        return SqliteRunWriter(open_run, self._commits)

    async def get(self, run_id: str) -> Run | None:
        """See the port."""
        return await self._reader.ask(lambda connection: run_rows.get(connection, run_id))

    async def tail(self, run_id: str, limit: int) -> RunTail | None:
        """See the port."""
        return await self._reader.ask(lambda connection: event_rows.tail(connection, run_id, limit))

    async def find(self, filter: RunFilter) -> Sequence[Run]:
        """See the port."""
        return await self._reader.ask(lambda connection: run_rows.find(connection, filter))

    async def read(self, run_id: str, after: int = 0, limit: int = PAGE) -> Sequence[RunEvent]:
        """See the port; empty where there is no such run."""
        return await self._reader.ask(lambda connection: event_rows.read(connection, run_id, after, limit))

    async def read_texts(self, run_id: str, after: int = 0, limit: int = PAGE) -> Sequence[EventText]:
        """See the port; empty where there is no such run."""
        return await self._reader.ask(lambda connection: event_rows.read_texts(connection, run_id, after, limit))

    async def watch(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        """See the port.

        Raises:
            workflows.runs.errors.RunNotFound: There is no such run.
            workflows.runs.errors.LogUnavailable: The log cannot be read, or was found damaged.
        """
        if self._closed:
            raise closed(self._path)
        watcher = self._watchers.add(run_id, max(0, after))
        self._look_if_watched()
        try:
            while not watcher.done:
                events = watcher.take()
                if not events and watcher.behind:
                    events = await self._read_on(run_id, watcher)
                    if not events:
                        continue
                if events or not await watcher.news(self._quiet_seconds):
                    yield events
        finally:
            self._watchers.remove(run_id, watcher)
            self._look_if_watched()

    async def interrupt(self, run_id: str, process: str) -> bool:
        """See the port. What this process has appended to the run is stored before."""

        def interrupt(connection: sqlite3.Connection) -> bool:
            self._commits.require_stored(run_id)
            return run_rows.interrupt(connection, run_id, process)

        changed = await self._commits.execute(interrupt)
        if changed:
            self._refuse(run_id)
        return changed

    async def claim(self, run_id: str, process: str) -> bool:
        """See the port."""

        def claim(connection: sqlite3.Connection) -> bool:
            self._commits.require_stored(run_id)
            return run_rows.claim(connection, run_id, process)

        claimed = await self._commits.execute(claim)
        if claimed:
            self._refuse(run_id)
        return claimed

    async def park(self, run_id: str, process: str) -> None:
        """See the port."""

        def park(connection: sqlite3.Connection) -> None:
            self._commits.require_stored(run_id)
            run_rows.park(connection, run_id, process)

        await self._commits.execute(park)
        self._refuse(run_id)

    async def leave_word(self, run_id: str, word: Word) -> None:
        """See the port."""
        await self._commits.execute(lambda connection: word_rows.leave(connection, run_id, word))

    async def take_words(self, process: str, run_ids: Sequence[str]) -> Sequence[tuple[str, Word]]:
        """See the port. Looking, which happens often, costs no transaction."""
        if not await self._reader.ask(lambda connection: word_rows.waiting(connection, process, run_ids)):
            return ()
        return await self._commits.execute(lambda connection: word_rows.take(connection, process, run_ids))

    async def request_cancel(self, run_id: str, request: CancelRequest) -> None:
        """See the port.

        Raises:
            workflows.runs.errors.RunNotFound: There is no such run.
        """
        await self._commits.execute(lambda connection: run_rows.request_cancel(connection, run_id, request))

    async def cancel_requests(self, process: str) -> dict[str, CancelRequest]:
        """See the port."""
        return await self._reader.ask(lambda connection: run_rows.cancel_requests(connection, process))

    async def artifacts(self, run_id: str) -> Sequence[ArtifactInfo]:
        """See the port; an artifact that is replaced keeps its place."""
        return await self._reader.ask(lambda connection: event_rows.artifacts(connection, run_id))

    async def artifact(self, run_id: str, name: str) -> Artifact | None:
        """See the port."""
        return await self._reader.ask(lambda connection: event_rows.artifact(connection, run_id, name))

    async def flush(self) -> None:
        """See the port.

        Raises:
            workflows.runs.errors.LogUnavailable: It could not be stored, and why.
        """
        await self._commits.flush()

    async def close(self, timeout_seconds: float = CLOSE_SECONDS) -> None:
        """See the port. Watchers end; what cannot be stored in time is said to the program's own log.

        Args:
            timeout_seconds: How long to wait for the disk.
        """
        self._closed = True
        self._watchers.close()
        self._look_if_watched()
        with anyio.CancelScope(shield=True):
            # One after the other: who closes a database last, and alone, puts its WAL away.
            await self._reader.close(timeout_seconds / 4)
            await self._commits.close(timeout_seconds)

    async def _read_on(self, run_id: str, watcher: Watcher) -> Sequence[RunEvent]:
        after = watcher.cursor
        try:
            page = await self._reader.ask(lambda connection: event_rows.read_page(connection, run_id, after, PAGE))
        except LogUnavailable:
            if self._closed:
                return ()
            raise
        if page is None:
            raise run_rows.not_found(run_id)
        if page.last_seq > after and not page.events:
            raise damaged(f"run {run_id} lacks the events {after + 1} to {page.last_seq}")
        watcher.looked(page.events, page.last_seq, ended=page.ended)
        return page.events

    def _look_if_watched(self) -> None:
        watched = bool(self._watchers.watched()) and not self._closed
        if watched and self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="run log: look for commits of other processes")
        elif not watched and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        version: int | None = None
        while True:
            question = partial(event_rows.look, known_version=version, run_ids=self._watchers.watched())
            try:
                version, standings = await self._reader.ask(question)
            except LogUnavailable as error:  # who reads gets the error; here it only means to look again later
                logger.warning("%s", error.message)
                await asyncio.sleep(self._quiet_seconds)
                continue
            for run_id, last_seq, ended in standings:
                self._watchers.announce(run_id, last_seq, over=ended)
            await asyncio.sleep(LOOK_SECONDS)

    def _stored(self, stored: Sequence[Stored]) -> None:
        for run_id, events in stored:
            if events:
                newest = events[-1]
                over = isinstance(newest.body, LastEvent)
                self._watchers.announce(run_id, newest.seq, over=over, events=events)

    def _refuse(self, run_id: str) -> None:
        open_run = self._open_runs.pop(run_id, None)
        if open_run is not None:
            open_run.refusal = taken_over(run_id)


@asynccontextmanager
async def open_sqlite_log(directory: Path) -> AsyncGenerator[SqliteEventLog, None]:
    """The log of a data directory, closed at the end; raises as `SqliteEventLog.start`."""
    log = await SqliteEventLog.start(directory)
    try:
        yield log
    finally:
        await log.close()
