"""Group commit: one thread that stores what all runs of this process append.

Appending only buffers. About every 10 ms the thread stores everything that has come together in one transaction; what
comes after a quiet while is stored at once. When the disk fails, what is buffered stays there in its order, and the
thread tries again until it can. The buffer is bounded, and whoever appends learns of it when the bound is reached.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from workflows.runs.errors import LogUnavailable
from workflows.runs.events import RunEvent
from workflows.runs.log import Artifact
from workflows.runs.sqlite import events as event_rows
from workflows.runs.sqlite.database import FILE_NAME, connect_to_write, prepare, unavailable
from workflows.runs.sqlite.job import Job, call_on
from workflows.runs.sqlite.open_run import Backlog, OpenRun, taken_over
from workflows.runs.sqlite.reader import closed

logger = logging.getLogger(__name__)

T = TypeVar("T")

TICK_SECONDS = 0.01
"""How far apart transactions begin while events keep coming."""
MOST_EVENTS = 100_000
"""Events the buffer holds."""
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of events and artifacts the buffer holds."""
PATIENCE_SECONDS = 5.0
"""How long a flush waits for a failing disk to get well."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""Seconds between attempts to store what could not be stored."""

Stored: TypeAlias = tuple[str, Sequence[RunEvent]]
"""The id of a run, and those of its events that have just become durable."""


class GroupCommit:
    """Made, and called, on the event loop; `open` first.

    Args:
        directory: The data directory.
        on_stored: Called on the event loop after every transaction that stored something.
    """

    def __init__(self, directory: Path, on_stored: Callable[[Sequence[Stored]], None]) -> None:
        self._directory = directory
        self._path = directory / FILE_NAME
        self._on_stored = on_stored
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        # Shared with the thread, guarded by the lock:
        self._lock = threading.Lock()
        self._condition = threading.Condition(self._lock)
        self._dirty: list[OpenRun] = []
        self._new_flushes: list[Job[None]] = []
        self._new_jobs: list[Job[Any]] = []
        self._events = 0
        self._bytes = 0
        self._failure: LogUnavailable | None = None
        self._idle = False
        self._closing: LogUnavailable | None = None
        self._due = 0.0
        self._deadline = float("inf")
        # The thread's own:
        self._held: dict[OpenRun, Backlog] = {}
        self._jobs: list[Job[Any]] = []
        self._flushes: list[tuple[float, Job[None]]] = []
        self._pause = _FIRST_PAUSE

    async def open(self) -> None:
        """Open the database.

        Raises:
            workflows.runs.errors.LogTooNew: A newer version of this program wrote it.
            LogUnavailable: It cannot be opened or written, and why.
        """
        opened = Job(self._path, _nothing)
        self._new_jobs.append(opened)
        threading.Thread(target=self._run, name="run log writer", daemon=True).start()
        await opened.answer()

    def add_event(self, open_run: OpenRun, event: RunEvent, text: bytes) -> None:
        """Buffer an event and its JSON.

        Raises:
            LogUnavailable: The buffer is full; the event is not in it.
        """
        with self._lock:
            self._make_room_for(open_run)
            backlog = open_run.backlog
            backlog.events.append(event)
            backlog.texts.append(text)
            backlog.size += len(text)
            self._events += 1
            self._bytes += len(text)
            if self._idle:
                self._wake()

    def add_artifact(self, open_run: OpenRun, artifact: Artifact) -> None:
        """Buffer an artifact.

        Raises:
            LogUnavailable: As in `add_event`.
        """
        with self._lock:
            self._make_room_for(open_run)
            open_run.backlog.artifacts.append(artifact)
            open_run.backlog.size += len(artifact.body)
            self._bytes += len(artifact.body)
            if self._idle:
                self._wake()

    async def flush(self) -> None:
        """Return when everything buffered so far is durable.

        Raises:
            LogUnavailable: It could not be stored for 5 s, and why. It stays in the buffer, and may still be stored.
        """
        job = Job(self._path, _nothing)
        with self._condition:
            if self._closing is not None:
                raise self._closing
            self._new_flushes.append(job)
            self._wake()
        await job.answer()

    async def execute(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What a function returns when called in the thread, in a transaction, after everything buffered is stored.

        Where that fails the function is called all the same; see `require_stored`.

        Raises:
            LogUnavailable: The database cannot be written, and why.
            workflows.runs.errors.RunError: Whatever the function raises; nothing it did is stored.
        """
        job = Job(self._path, lambda connection: _in_transaction(connection, work))
        with self._condition:
            if self._closing is not None:
                raise self._closing
            self._new_jobs.append(job)
            self._wake()
        return await job.answer()

    async def close(self, timeout_seconds: float) -> None:
        """Store what is buffered and end the thread; when the time is over, leave it to itself and say so."""
        with self._condition:
            if self._closing is None:
                self._closing = closed(self._path)
                self._deadline = time.monotonic() + 0.9 * timeout_seconds  # the rest is for the thread's end
                self._due = 0.0
            self._wake()
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._ended.wait()
        except TimeoutError:
            lost = f"{self._events} events may be lost" if self._bytes else "nothing is lost"
            logger.error("%s: the disk did not answer in time; %s", self._path, lost)

    def _make_room_for(self, open_run: OpenRun) -> None:
        if self._closing is not None:
            raise self._closing
        if self._events >= MOST_EVENTS or self._bytes >= MOST_BYTES:
            cause = self._failure or LogUnavailable(f"The log {self._path} takes events more slowly than they come.")
            raise LogUnavailable(
                f"{cause.message} {self._events} events wait to be stored, and no more are taken.",
                recovery=cause.recovery,
            )
        backlog = open_run.backlog
        if not backlog.events and not backlog.artifacts:
            self._dirty.append(open_run)

    def _wake(self) -> None:
        self._idle = False
        self._condition.notify()

    # From here on: in the thread.

    def require_stored(self, run_id: str) -> None:
        """For functions given to `execute`: see that nothing of a run is left in the buffer.

        Raises:
            LogUnavailable: Something is, because it could not be stored.
        """
        if self._failure is not None and any(open_run.run.run_id == run_id for open_run in self._held):
            raise self._failure

    def _run(self) -> None:
        ending = closed(self._path)
        try:
            with closing(connect_to_write(prepare(self._directory))) as connection:
                while self._go_on():
                    self._take()
                    self._store(connection)
                    self._answer_flushes(connection)
                    self._do_jobs(connection)
                self._tell_what_is_lost()
        except LogUnavailable as error:
            ending = error
        except Exception as error:
            logger.exception("%s: the thread that writes has failed", self._path)
            ending = LogUnavailable(f"The log {self._path} cannot be written any more: {error!r}.")
        finally:
            self._end(ending)

    def _go_on(self) -> bool:
        """Wait for something to do; False when everything is done, or the time to do it is over."""
        with self._condition:
            while not self._new_jobs and not self._new_flushes:
                now, due = time.monotonic(), min(self._due, self._deadline)
                waiting = bool(self._dirty or self._held)
                if waiting and now >= due:
                    return now < self._deadline
                if self._closing is not None and not waiting:
                    return False
                self._idle = not waiting
                self._condition.wait(due - now if waiting else None)
            return True

    def _take(self) -> None:
        with self._condition:
            self._idle = False
            for open_run in self._dirty:
                taken, open_run.backlog = open_run.backlog, Backlog()
                held = self._held.setdefault(open_run, taken)
                if held is not taken:
                    held.extend(taken)
            self._dirty.clear()
            now = time.monotonic()
            self._flushes += [(now, flush) for flush in self._new_flushes]
            self._new_flushes.clear()
            self._jobs, self._new_jobs = self._new_jobs, []

    def _store(self, connection: sqlite3.Connection) -> None:
        if not self._held:
            return
        started = time.monotonic()
        entries = {open_run: open_run.entry(backlog) for open_run, backlog in self._held.items()}
        try:
            refused = event_rows.store(connection, list(entries.values()))
        except sqlite3.Error as error:
            self._keep(unavailable(error, self._path))
            return
        stored: list[Stored] = []
        for open_run, entry in entries.items():
            if entry in refused:
                open_run.refusal = taken_over(entry.run.run_id)
            else:
                open_run.run = entry.run
                stored.append((entry.run.run_id, self._held[open_run].events))
        self._let_go(started)
        call_on(self._loop, self._on_stored, stored)

    def _let_go(self, started: float) -> None:
        with self._condition:
            self._events -= sum(len(backlog.events) for backlog in self._held.values())
            self._bytes -= sum(backlog.size for backlog in self._held.values())
            self._due = started + TICK_SECONDS
            recovered, self._failure = self._failure is not None, None
        self._held.clear()
        self._pause = _FIRST_PAUSE
        if recovered:
            logger.warning("%s: writing works again; what waited is stored", self._path)

    def _keep(self, failure: LogUnavailable) -> None:
        if self._failure is None:
            logger.error("%s Trying again; %d events wait.", failure.message, self._events)
        with self._condition:
            self._failure = failure
            self._due = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _answer_flushes(self, connection: sqlite3.Connection) -> None:
        failure, now = self._failure, time.monotonic()
        kept: list[tuple[float, Job[None]]] = []
        for asked, flush in self._flushes:
            if failure is None:
                flush.do(connection)
            elif now - asked >= PATIENCE_SECONDS:
                flush.fail(failure)
            else:
                kept.append((asked, flush))
        self._flushes = kept

    def _do_jobs(self, connection: sqlite3.Connection) -> None:
        for job in self._jobs:
            job.do(connection)
        self._jobs = []

    def _tell_what_is_lost(self) -> None:
        if self._held:
            logger.error("%s is closed; %d events could not be stored: %s", self._path, self._events, self._failure)

    def _end(self, ending: LogUnavailable) -> None:
        with self._condition:
            self._closing = ending
            flushes = [flush for _, flush in self._flushes]
            unanswered = [*self._jobs, *self._new_jobs, *flushes, *self._new_flushes]
        for job in unanswered:
            job.fail(self._failure or ending)
        call_on(self._loop, self._ended.set)


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
        return result
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _nothing(_: sqlite3.Connection) -> None:
    return
