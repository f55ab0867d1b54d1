"""The database file: where it is, how it is opened, and what its errors mean.

WAL with `synchronous=NORMAL`: what is committed survives the death of the process; a loss of power can take the last
moments with it, never the order or the middle. A database lies on a disk of this machine, never on a network file
system, and any number of processes may have it open.
"""

import os
import sqlite3
import time
from pathlib import Path

from workflows.runs.errors import LogUnavailable
from workflows.runs.sqlite import schema

FILE_NAME = "runs.sqlite3"
BUSY_SECONDS = 5.0
"""How long a statement waits for another process to finish its transaction."""
_WAL_PAGES = 2000
"""Pages of 4 kB after which a commit carries the WAL into the database (8 MB)."""
_LARGEST_WAL = 64 * 1024 * 1024
"""Bytes to which the WAL is cut back after it was larger."""

_ANOTHER_PLACE = "or set AGENT_WORKFLOWS_HOME to another directory"
_OLDEST_SQLITE = (3, 33, 0)  # UPDATE ... FROM


def prepare(directory: Path) -> Path:
    """See that the directory can hold a database, and that one is there.

    The directory and the file are made readable for their owner only: runs contain what people asked and were told.

    Returns:
        The database's path.

    Raises:
        LogUnavailable: It cannot, and why.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LogUnavailable(
            f"This Python has SQLite {sqlite3.sqlite_version}; 3.33 is the oldest that will do.",
            recovery=("Use a Python with a newer SQLite, for example one installed by uv",),
        )
    path = directory / FILE_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise LogUnavailable(
            f"The data directory {directory} cannot be used: {error.strerror or error} ({error.filename or path}).",
            recovery=("Make it a directory this user may write to, on a disk with free space", _ANOTHER_PLACE),
        ) from error
    return path


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Open the database for the process's one writing connection, bringing it to this version.

    Raises:
        workflows.runs.errors.LogTooNew: A newer version of this program wrote it.
        LogUnavailable: It cannot be opened or written, and why.
    """
    connection = _open(path)
    try:
        schema.check(connection, str(path))
        _switch_to_wal(connection, path)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_WAL}")
        schema.migrate(connection)
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error, path) from error
    except LogUnavailable:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a database that exists, for reading only.

    Raises:
        LogUnavailable: It cannot be opened, and why.
    """
    connection = _open(path)
    try:
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error, path) from error
    return connection


def unavailable(error: sqlite3.Error, path: Path) -> LogUnavailable:
    """What an error of the database means to people."""
    name = getattr(error, "sqlite_errorname", "")
    problem, recovery = f"{error} {name}".strip(), (f"Look at the disk that {path} is on", _ANOTHER_PLACE)
    if name == "SQLITE_FULL":
        problem, recovery = "the disk is full", (f"Free some space on the disk of {path.parent}", _ANOTHER_PLACE)
    elif name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        recovery = (f"Give this user the right to write to {path.parent} and the files in it", _ANOTHER_PLACE)
    elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        problem = f"the file is damaged or no database ({error})"
        recovery = (f"Restore {path} from a backup, or move it away to start with an empty log", _ANOTHER_PLACE)
    elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        problem = f"another process has kept it locked for {BUSY_SECONDS:g} s"
        recovery = ("End the program that holds it, for example a database browser", _ANOTHER_PLACE)
    passing = name.startswith(("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED"))
    return LogUnavailable(f"The log {path} cannot be used: {problem}.", recovery=recovery, passing=passing)


def damaged(problem: str) -> LogUnavailable:
    """What is raised where the database is readable and yet not right."""
    return LogUnavailable(
        f"The log is damaged: {problem}.", recovery=("Restore the data directory from a backup", _ANOTHER_PLACE)
    )


def _open(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",  # never makes a new one where the old one was moved away
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
    except sqlite3.Error as error:
        raise unavailable(error, path) from error


def _switch_to_wal(connection: sqlite3.Connection, path: Path) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            row: tuple[str] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            # SQLite does not wait by itself while another process makes the same switch.
            if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
            continue
        if row[0] != "wal":
            raise LogUnavailable(
                f"The log {path} cannot be used: its file system does not support write-ahead logging.",
                recovery=(
                    "Set AGENT_WORKFLOWS_HOME to a directory on a disk of this machine, not on a network file system",
                ),
            )
        return
