"""Tells whether the process that runs a run is still alive, by a lock that the kernel drops when it dies."""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from workflows.runs.errors import LogUnavailable

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class ProcessLock:
    """The lock this process holds while it lives.

    Args:
        directory: Where all processes that share a log keep their locks, below the data directory; both are made if
            missing, readable for their owner only.

    Raises:
        LogUnavailable: The directory is none, or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.token = f"{os.getpid()}-{secrets.token_hex(6)}"
        try:
            for place in (directory.parent, directory):  # `mode` is only that of the last directory that is made
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._path(self.token).open("ab")
            _lock(self._file.fileno())
        except OSError as error:
            raise _unavailable(directory, error) from error

    def alive(self, token: str) -> bool:
        """Whether the process with this token lives; False for one that never was."""
        if token == self.token:
            return True
        path = self._path(token)
        try:
            descriptor = os.open(path, os.O_RDWR)  # a file object takes as long again, and this is asked often
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            _lock(descriptor)
        except OSError:
            return True  # somebody holds it
        finally:
            os.close(descriptor)
        with suppress(OSError):
            path.unlink()  # nobody will ever hold it again: tokens are not reused
        return False

    def release(self) -> None:
        """Give the lock up; safe to call twice."""
        if not self._file.closed:
            self._file.close()
            with suppress(OSError):
                self._path(self.token).unlink()

    def _path(self, token: str) -> Path:
        return self._directory / f"{Path(token).name or 'none'}.lock"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _unavailable(directory: Path, error: OSError) -> LogUnavailable:
    """Why a directory for locks cannot be used."""
    file = next((place for place in (directory, *directory.parents) if place.exists() and not place.is_dir()), None)
    if file is None:
        return LogUnavailable(
            f"The data directory {directory.parent} cannot be written: {error.strerror or error}.",
            recovery=("Make it writable, or set AGENT_WORKFLOWS_HOME to a directory that is",),
        )
    return LogUnavailable(
        f"The data directory {directory.parent} cannot be used: {file} is a file, not a directory.",
        recovery=("Set AGENT_WORKFLOWS_HOME to a directory, or to where one can be made",),
    )
