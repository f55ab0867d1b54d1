"""The tables of events and artifacts, as Python. Every function works on a connection and blocks."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import orjson

from workflows.runs import sqlite_runs
from workflows.runs.event_json import from_json_object
from workflows.runs.events import RunEvent
from workflows.runs.log import Artifact, ArtifactInfo
from workflows.runs.run import ENDED_STATUSES, Run

LARGEST_BATCH = 500
"""Events one row holds at most."""
LARGEST_BATCH_BYTES = 1024 * 1024
"""Bytes after which a row gets no further event."""
_ROWS_AT_ONCE = 100
"""Rows one statement writes. Many in one, because every statement lets go of the interpreter's lock and then waits up to
5 ms to get it back while the event loop is busy; one statement per row made 3,000 events/s of 100,000."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
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


def update_runs(connection: sqlite3.Connection, entries: Sequence[Entry]) -> bool:
    """Bring the runs' rows to what they are after these entries.

    Returns:
        False if one of the entries belongs to an attempt that is over; `still_ours` tells which.
    """
    changed = 0
    for some in _slices(entries):
        values = [
            value
            for entry in some
            for value in (
                *(entry.run.run_id, entry.attempt, entry.after),
                *(entry.run.last_seq, entry.run.status, sqlite_runs.dump_state(entry.run)),
            )
        ]
        changed += connection.execute(
            "WITH entry (run_id, attempt, after, last_seq, status, state) AS "
            f"(VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * len(some))}) "
            "UPDATE run SET last_seq = entry.last_seq, status = entry.status, state = entry.state FROM entry "
            "WHERE run.run_id = entry.run_id AND run.attempt = entry.attempt AND run.last_seq = entry.after",
            values,
        ).rowcount
    return changed == len(entries)


def still_ours(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Whether the entry belongs to its run's newest attempt, and continues its log without a gap."""
    row = connection.execute("SELECT attempt, last_seq FROM run WHERE run_id = ?", (entry.run.run_id,)).fetchone()
    return row == (entry.attempt, entry.after)


def insert_events(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Store the entries' events and artifacts."""
    rows = [(entry.run.run_id, batch) for entry in entries for batch in entry.batches]
    for some in _slices(rows):
        values = [
            value for run_id, batch in some for value in (run_id, batch.last_seq, batch.first_seq, batch.events)
        ]
        connection.execute(
            "INSERT INTO event_batch (run_id, last_seq, first_seq, events) "
            f"VALUES {', '.join(['(?, ?, ?, CAST(? AS TEXT))'] * len(some))}",
            values,
        )
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


def read(connection: sqlite3.Connection, run_id: str, after: int, limit: int) -> list[RunEvent]:
    """Events with `seq > after`, in order, at most `limit`."""
    events: list[RunEvent] = []
    rows = connection.execute(
        "SELECT first_seq, events FROM event_batch WHERE run_id = ? AND last_seq > ? ORDER BY last_seq LIMIT ?",
        (run_id, after, max(0, limit)),
    )
    for first_seq, text in rows:
        entries = cast("list[dict[str, Any]]", orjson.loads(text))
        wanted = entries[max(0, after + 1 - first_seq) :][: limit - len(events)]
        events.extend(map(from_json_object, wanted))
        if len(events) >= limit:
            break
    rows.close()
    return events


def read_page(connection: sqlite3.Connection, run_id: str, after: int, limit: int) -> Page | None:
    """Events as in `read`, and how the run stood; None if there is no such run."""
    row: tuple[int, str] | None
    row = connection.execute("SELECT last_seq, status FROM run WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    last_seq, status = row
    return Page(read(connection, run_id, after, limit), last_seq, status in ENDED_STATUSES)


def standings(connection: sqlite3.Connection, run_ids: Sequence[str]) -> list[tuple[str, int, bool]]:
    """Of each run: its id, the number of its newest event, and whether it is over."""
    rows: list[tuple[str, int, str]] = []
    for some in _slices(run_ids):
        marks = ", ".join("?" * len(some))
        rows += connection.execute(f"SELECT run_id, last_seq, status FROM run WHERE run_id IN ({marks})", some)  # noqa: S608 - marks only
    return [(run_id, last_seq, status in ENDED_STATUSES) for run_id, last_seq, status in rows]


def artifacts(connection: sqlite3.Connection, run_id: str) -> list[ArtifactInfo]:
    """What a run has made, in the order of making."""
    rows = connection.execute(
        "SELECT name, media_type, length(body) FROM artifact WHERE run_id = ? ORDER BY number", (run_id,)
    )
    return [ArtifactInfo(name=name, media_type=media_type, bytes=size) for name, media_type, size in rows]


def artifact(connection: sqlite3.Connection, run_id: str, name: str) -> Artifact | None:
    """One artifact, or None."""
    row: tuple[str, bytes] | None
    row = connection.execute(
        "SELECT media_type, body FROM artifact WHERE run_id = ? AND name = ?", (run_id, name)
    ).fetchone()
    return None if row is None else Artifact(name=name, media_type=row[0], body=row[1])


def _slices(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _ROWS_AT_ONCE] for start in range(0, len(items), _ROWS_AT_ONCE))
