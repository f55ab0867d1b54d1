"""The tables of the log, their version, and the way from an older version to this one.

One step per version, applied in one transaction, forward only. A step may add tables, columns and indexes and may never
change or drop what is there: a server of the version before, running at the same time, goes on with what it knows.
"""

import sqlite3

from workflows.runs.errors import LogTooNew, LogUnavailable

APPLICATION_ID = 0x41_57_46_4C
"""Marks a database file as ours ("AWFL")."""

_STEPS: tuple[tuple[str, ...], ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        # `state` is what the run's events change (see `projection.py`), as one JSON object. `attempt` is the fence: it
        # grows with every writer that takes the run, and a writer's statements name the attempt they belong to.
        """
        CREATE TABLE run (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            workflow TEXT NOT NULL,
            input TEXT NOT NULL,
            workspace TEXT NOT NULL,
            owner TEXT NOT NULL,
            key TEXT NOT NULL,
            offline INTEGER NOT NULL,
            limits TEXT NOT NULL,
            created_at TEXT NOT NULL,
            status TEXT NOT NULL,
            process TEXT NOT NULL,
            attempt INTEGER NOT NULL DEFAULT 0,
            last_seq INTEGER NOT NULL,
            state TEXT NOT NULL,
            cancel_by TEXT,
            cancel_reason TEXT
        )
        """,
        "CREATE INDEX run_by_time ON run (created_at)",
        "CREATE INDEX run_by_owner ON run (owner, created_at)",
        "CREATE INDEX run_by_key ON run (owner, key)",
        "CREATE INDEX run_by_process ON run (process)",
        # Events appended within one tick of the clock are one row: a JSON array of the events first_seq to last_seq.
        # A row costs more than an event does. Keyed by its last number, so that `last_seq > ?` finds where to read on.
        """
        CREATE TABLE event_batch (
            run_id TEXT NOT NULL,
            last_seq INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            events TEXT NOT NULL,
            PRIMARY KEY (run_id, last_seq)
        ) WITHOUT ROWID
        """,
        # For people with the `sqlite3` command; the program itself does not use it.
        """
        CREATE VIEW event (run_id, seq, type, event) AS
            SELECT run_id, first_seq + entry.key, json_extract(entry.value, '$.type'), entry.value
            FROM event_batch, json_each(event_batch.events) AS entry
        """,
        """
        CREATE TABLE artifact (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL,
            name TEXT NOT NULL,
            media_type TEXT NOT NULL,
            body BLOB NOT NULL,
            UNIQUE (run_id, name)
        )
        """,
    ),
    (
        # What other processes have to say to the one that works on a run; it takes them out.
        """
        CREATE TABLE word (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL,
            word TEXT NOT NULL
        )
        """,
        "CREATE INDEX word_by_run ON word (run_id)",
    ),
)

KNOWN_VERSION = len(_STEPS)
"""The version this program writes, kept in the database as `user_version`."""


def check(connection: sqlite3.Connection, path: str) -> None:
    """See that the database is one this program may use; changes nothing in it.

    Raises:
        LogTooNew: A newer version of this program wrote it.
        LogUnavailable: It is a database of something else.
    """
    found = _pragma(connection, "user_version")
    is_ours = _pragma(connection, "application_id") == APPLICATION_ID
    if not is_ours and (found or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()):
        raise LogUnavailable(
            f"{path} is a database, but not one of this program.",
            recovery=("Move that file away", "or set AGENT_WORKFLOWS_HOME to another directory"),
        )
    if found > KNOWN_VERSION:
        raise LogTooNew(
            f"{path} was written by a newer version of this program: it has format {found}, "
            f"this version knows formats up to {KNOWN_VERSION}.",
            found=found,
            known=KNOWN_VERSION,
            recovery=(
                "Upgrade: pip install --upgrade agent-workflows-mcp",
                "or set AGENT_WORKFLOWS_HOME to another directory",
            ),
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to this version; several processes may do so at once."""
    if _pragma(connection, "user_version") == KNOWN_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _pragma(connection, "user_version")  # meanwhile another process may have done it
        for step in _STEPS[found:]:
            for statement in step:
                connection.execute(statement)
        if found < KNOWN_VERSION:
            connection.execute(f"PRAGMA user_version = {KNOWN_VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    row: tuple[int] = connection.execute(f"PRAGMA {name}").fetchone()
    return row[0]
