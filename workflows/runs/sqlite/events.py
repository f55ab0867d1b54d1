"""The tables of events and artifacts, as Python. Every function works on a connection and blocks."""

import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import orjson

from workflows.runs.event_json import from_json_object
from workflows.runs.event_text import EventText, split
from workflows.runs.events import RunEvent
from workflows.runs.log import Artifact, ArtifactInfo, RunTail
from workflows.runs.run import ENDED_STATUSES, Run
from workflows.runs.sqlite import runs as run_rows
from workflows.runs.sqlite.database import damaged

LARGEST_BATCH = 500
"""Events one row holds at most."""
LARGEST_BATCH_BYTES = 1024 * 1024
"""Bytes after which a row gets no further event."""
_ROWS_AT_ONCE = 100
"""Rows one statement writes. Many in one, because every statement lets go of the interpreter's lock and then waits up
to 5 ms to get it back while the event loop is busy; one statement per row made 3,000 events/s of 100,000."""

_UPDATE_RUNS = """
UPDATE run SET last_seq = entry.column4, status = entry.column5, state = entry.column6
FROM (VALUES ROWS) AS entry
WHERE run.run_id = entry.column1 AND run.attempt = entry.column2 AND run.last_seq = entry.column3
"""
_SELECT_BATCHES = """
SELECT first_seq, last_seq, events FROM event_batch WHERE run_id = ? AND last_seq > ? ORDER BY last_seq LIMIT ?
"""
_SELECT_STANDING = "SELECT run_id, last_seq, status FROM run WHERE run_id IN "
_INSERT_BATCHES = "INSERT INTO event_batch (run_id, last_seq, first_seq, events) VALUES "


T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What the log gets of one run in one transaction.

    Attributes:
        attempt: The attempt that writes; nothing is stored if it is not the run's newest.
        after: Number of the last event before it.
        run: The run as it is afterwards.
        batches: Its events.
        artifacts: What it made.
    """

    attempt: int
    after: int
    run: Run
    batches: Sequence["Batch"]
    artifacts: Sequence[Artifact]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events of one run, a row.

    Attributes:
        first_seq: Number of the first.
        last_seq: Number of the last.
        events: JSON array.
    """

    first_seq: int
    last_seq: int
    events: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Some events of a run, and how the run stood when they were read.

    Attributes:
        events: In order.
        last_seq: Number of the run's newest event.
        ended: Whether the run is over.
    """

    events: Sequence[RunEvent]
    last_seq: int
    ended: bool


def store(connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Store all entries in one transaction, but for those whose attempt is over.

    Returns:
        The entries that were not stored because another writer has the run.
    """
    refused: list[Entry] = []
    remaining = list(entries)
    while remaining and not _stored(connection, remaining):
        refused += [entry for entry in remaining if not _still_ours(connection, entry)]
        remaining = [entry for entry in remaining if entry not in refused]
    return refused


def read(connection: sqlite3.Connection, run_id: str, after: int, limit: int) -> list[RunEvent]:
    """Events with `seq > after`, in order, at most `limit`.

    Raises:
        workflows.runs.errors.LogUnavailable: Some that were there are missing or cannot be read.
    """
    return _read(connection, run_id, after, limit)[:limit]


def read_texts(connection: sqlite3.Connection, run_id: str, after: int, limit: int) -> list[EventText]:
    """As `read`, but each event as it is kept."""
    texts: list[EventText] = []
    with closing(_rows(connection, run_id, after, limit)) as rows:
        for text, _, _, wanted in rows:
            texts += [event for event in split(text) if event.seq >= wanted]
            if len(texts) >= limit:
                break
    return texts[:limit]


def _read(connection: sqlite3.Connection, run_id: str, after: int, limit: int) -> list[RunEvent]:
    """As `read`, but whole rows: a row that is cut is parsed again for what comes after the cut."""
    events: list[RunEvent] = []
    with closing(_rows(connection, run_id, after, limit)) as rows:
        for text, first_seq, last_seq, wanted in rows:
            events.extend(map(from_json_object, _rest_of(text, run_id, first_seq, last_seq, wanted)))
            if len(events) >= limit:
                break
    return events


def _rows(
    connection: sqlite3.Connection, run_id: str, after: int, limit: int
) -> Generator[tuple[str, int, int, int], None, None]:
    """Rows of events from one number on: the text, the numbers of the first and the last, and the first one wanted."""
    expected = max(0, after) + 1
    # Closed whatever happens: a cursor that stays open holds on to the past for everything this connection reads.
    with closing(connection.execute(_SELECT_BATCHES, (run_id, after, max(0, limit)))) as rows:
        for first_seq, last_seq, text in rows:
            if first_seq > expected:
                raise damaged(f"run {run_id} lacks the events {expected} to {first_seq - 1}")
            yield text, first_seq, last_seq, expected
            expected = last_seq + 1


def read_page(connection: sqlite3.Connection, run_id: str, after: int, limit: int) -> Page | None:
    """Events as in `read` but up to the end of a row, and how the run stood; None if there is no such run."""
    row: tuple[int, str] | None
    row = connection.execute("SELECT last_seq, status FROM run WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    last_seq, status = row
    return Page(_read(connection, run_id, after, limit), last_seq, status in ENDED_STATUSES)


def tail(connection: sqlite3.Connection, run_id: str, limit: int) -> RunTail | None:
    """A run and its newest events; None if there is no such run."""
    run = run_rows.get(connection, run_id)
    if run is None:
        return None
    after = max(0, run.last_seq - limit)
    return RunTail(run, read(connection, run_id, after, run.last_seq - after))


def look(
    connection: sqlite3.Connection, known_version: int | None, run_ids: Sequence[str]
) -> tuple[int, list[tuple[str, int, bool]]]:
    """See whether anybody else has committed anything.

    Args:
        connection: The same one each time: the version belongs to it.
        known_version: What this returned the last time, None the first time.
        run_ids: The runs to look for.

    Returns:
        The version now; and where that is another one, of each run: its id, the number of its newest event, and
        whether it is over.
    """
    version: tuple[int] = connection.execute("PRAGMA data_version").fetchone()
    if version[0] == known_version:
        return version[0], []
    rows: list[tuple[str, int, str]] = []
    for some in _slices(run_ids):
        rows += connection.execute(_SELECT_STANDING + f"({', '.join('?' * len(some))})", some).fetchall()
    return version[0], [(run_id, last_seq, status in ENDED_STATUSES) for run_id, last_seq, status in rows]


def artifacts(connection: sqlite3.Connection, run_id: str) -> list[ArtifactInfo]:
    """What a run has made, in the order of making."""
    rows = connection.execute(
        "SELECT name, media_type, length(body) FROM artifact WHERE run_id = ? ORDER BY number", (run_id,)
    ).fetchall()
    return [ArtifactInfo(name=name, media_type=media_type, bytes=size) for name, media_type, size in rows]


def artifact(connection: sqlite3.Connection, run_id: str, name: str) -> Artifact | None:
    """One artifact, or None."""
    row: tuple[str, bytes] | None
    row = connection.execute(
        "SELECT media_type, body FROM artifact WHERE run_id = ? AND name = ?", (run_id, name)
    ).fetchone()
    return None if row is None else Artifact(name=name, media_type=row[0], body=row[1])


def _rest_of(text: str, run_id: str, first_seq: int, last_seq: int, wanted: int) -> list[dict[str, Any]]:
    """The events of a row from one number on.

    Who asks how a run stands wants a few of the up to 500 in its newest row, so only these are parsed where they are
    found by how an event begins. That a text of an event looks the same is as good as impossible, and is noticed.
    """
    begin = text.rfind(f'{{"run_id":"{run_id}","seq":{wanted},') if wanted > first_seq else -1
    if begin > 0:
        with suppress(orjson.JSONDecodeError):
            found = cast("list[dict[str, Any]]", orjson.loads(f"[{text[begin:]}"))
            if len(found) == last_seq - wanted + 1:
                return found
    return _load(text, run_id)[wanted - first_seq :]


def _load(text: str, run_id: str) -> list[dict[str, Any]]:
    try:
        return cast("list[dict[str, Any]]", orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise damaged(f"events of run {run_id} cannot be read: {error}") from error


def _stored(connection: sqlite3.Connection, entries: Sequence[Entry]) -> bool:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _update_runs(connection, entries):
            return False
        _insert_events(connection, entries)
        _upsert_artifacts(connection, entries)
        connection.execute("COMMIT")
        return True
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _update_runs(connection: sqlite3.Connection, entries: Sequence[Entry]) -> bool:
    """Bring the runs' rows to what they are afterwards; False if one of the entries is not of its run's attempt."""
    changed = 0
    for some in _slices(entries):
        values = [
            value
            for entry in some
            for value in (
                *(entry.run.run_id, entry.attempt, entry.after),
                *(entry.run.last_seq, entry.run.status, run_rows.dump_state(entry.run)),
            )
        ]
        rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(some))
        changed += connection.execute(_UPDATE_RUNS.replace("ROWS", rows), values).rowcount
    return changed == len(entries)


def _still_ours(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Whether the entry belongs to its run's newest attempt, and continues its log without a gap."""
    row = connection.execute("SELECT attempt, last_seq FROM run WHERE run_id = ?", (entry.run.run_id,)).fetchone()
    return row == (entry.attempt, entry.after)


def _insert_events(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    rows = [(entry.run.run_id, batch) for entry in entries for batch in entry.batches]
    for some in _slices(rows):
        values = [value for run_id, batch in some for value in (run_id, batch.last_seq, batch.first_seq, batch.events)]
        connection.execute(_INSERT_BATCHES + ", ".join(["(?, ?, ?, CAST(? AS TEXT))"] * len(some)), values)


def _upsert_artifacts(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    artifacts = [
        (entry.run.run_id, artifact.name, artifact.media_type, artifact.body)
        for entry in entries
        for artifact in entry.artifacts
    ]
    if artifacts:
        connection.executemany(
            "INSERT INTO artifact (run_id, name, media_type, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (run_id, name) DO UPDATE SET media_type = excluded.media_type, body = excluded.body",
            artifacts,
        )


def _slices(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _ROWS_AT_ONCE] for start in range(0, len(items), _ROWS_AT_ONCE))
