"""The server's end of the line to its watchdog (`watchdog.py`)."""

import errno
import logging
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread

from agents.processes import watchdog

_GOODBYE_SECONDS = 1.0
_Popen = subprocess.Popen[bytes]  # noqa: TID251 - the watchdog is no child of an agent: it watches over these
_log = logging.getLogger(__name__)


class WatchdogLink:
    """Starts the watchdog with the first child, and tells it which children there are.

    All but `close` is synchronous and takes microseconds (milliseconds where the watchdog has to be started).
    A watchdog that was killed is replaced as soon as there is something to tell it; not after `close`, as nobody would
    let that one go.
    """

    def __init__(self) -> None:
        self._process: _Popen | None = None
        self._pipe = -1
        self._children: dict[str, int] = {}
        self._directories: set[Path] = set()
        self._closed = False

    def expect(self, marker: str) -> None:
        """A child with this marker is about to be started.

        Raises:
            OSError: The watchdog could not be started, or the server shuts down; then the child may not be started.
        """
        self._refuse_after_the_end()
        self._children[marker] = 0
        try:
            self._tell(f"+ {marker} 0\n")
        except OSError:
            del self._children[marker]
            raise

    def watch(self, marker: str, pid: int) -> None:
        """The child runs.

        Raises:
            OSError: The watchdog has died and could not be started again, or the server shuts down.
        """
        self._refuse_after_the_end()
        self._children[marker] = pid
        self._tell(f"+ {marker} {pid}\n")

    def forget(self, marker: str) -> None:
        """Nothing is left of the child."""
        self._children.pop(marker, None)
        if self._process is not None:
            self._send(f"- {marker}\n")

    def guard(self, directory: Path) -> None:
        """A directory for temporary files is there, and is to be gone when the server is.

        Raises:
            OSError: The watchdog could not be started, or the server shuts down.
        """
        self._refuse_after_the_end()
        self._directories.add(directory)
        self._tell(f"> {_digits(directory)}\n")

    def release(self, directory: Path) -> None:
        """It is gone."""
        self._directories.discard(directory)
        if self._process is not None:
            self._send(f"< {_digits(directory)}\n")

    async def close(self) -> None:
        """Let the watchdog go: it ends at once if it has nothing to look after, else it ends or removes that first."""
        self._closed = True
        process, pipe = self._process, self._pipe
        self._process, self._pipe = None, -1
        if process is None:
            return
        os.close(pipe)
        if self._children or self._directories:
            _reap_when_it_ends(process)
            return
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_reap, process)

    def _refuse_after_the_end(self) -> None:
        if self._closed:
            # The number of a failure that is over by itself: neither the command nor its place is at fault.
            raise OSError(errno.EAGAIN, "the server is shutting down, and starts no more processes")

    def _tell(self, line: str) -> None:
        if self._process is None or not self._send(line):
            self._start()

    def _send(self, line: str) -> bool:
        try:
            os.write(self._pipe, line.encode())
        except BlockingIOError:
            _log.warning("The watchdog does not listen; a child may outlive this server if that is killed.")
        except OSError:
            return False
        return True

    def _start(self) -> None:
        """Start it, and tell it about all children."""
        if self._process is not None:
            os.close(self._pipe)
            _reap_when_it_ends(self._process)
            self._process, self._pipe = None, -1
        reading, writing = os.pipe()  # neither is inherited, so only this process keeps the writing end open
        try:
            self._process = _Popen(
                [sys.executable, "-I", "-S", str(Path(watchdog.__file__))],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=Path(sys.executable).anchor,  # it must not keep anybody's directory in use
                start_new_session=True,
            )
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        if sys.platform != "win32":
            os.set_blocking(writing, False)
        self._pipe = writing
        for marker, pid in self._children.items():
            self._send(f"+ {marker} {pid}\n")
        for directory in self._directories:
            self._send(f"> {_digits(directory)}\n")


def _digits(directory: Path) -> str:
    return os.fsencode(directory).hex()


def _reap(process: _Popen) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GOODBYE_SECONDS)
        return
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GOODBYE_SECONDS)


def _reap_when_it_ends(process: _Popen) -> None:
    threading.Thread(target=process.wait, name="watchdog reaper", daemon=True).start()
