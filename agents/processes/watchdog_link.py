"""The server's end of the line to its watchdog (`watchdog.py`)."""

import logging
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from agents.processes import watchdog

_GOODBYE_SECONDS = 1.0
_Popen = subprocess.Popen[bytes]  # noqa: TID251 - the watchdog is no child of an agent: it watches over these
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Child:
    """What the watchdog is told of a child."""

    pid: int
    directory: Path | None

    def line(self, marker: str) -> str:
        """It, as `watchdog.py` describes it."""
        directory = "-" if self.directory is None else os.fsencode(self.directory).hex()
        return f"+ {marker} {self.pid} {directory}\n"


class WatchdogLink:
    """Starts the watchdog with the first child, and tells it which children there are.

    All but `close` is synchronous and takes microseconds (milliseconds where the watchdog has to be started).
    A watchdog that was killed is replaced as soon as there is something to tell it.
    """

    def __init__(self) -> None:
        self._process: _Popen | None = None
        self._pipe = -1
        self._children: dict[str, _Child] = {}

    def expect(self, marker: str, directory: Path | None) -> None:
        """A child with this marker is about to be started.

        Args:
            marker: Unique to this child.
            directory: Its own for temporary files, which goes with it.

        Raises:
            OSError: The watchdog could not be started; then neither may the child be.
        """
        self._children[marker] = child = _Child(0, directory)
        try:
            self._tell(child.line(marker))
        except OSError:
            del self._children[marker]
            raise

    def watch(self, marker: str, pid: int) -> None:
        """The child runs.

        Raises:
            OSError: The watchdog has died and could not be started again.
        """
        self._children[marker] = child = _Child(pid, self._children[marker].directory)
        self._tell(child.line(marker))

    def forget(self, marker: str) -> None:
        """Nothing is left of the child."""
        self._children.pop(marker, None)
        if self._process is not None:
            self._send(f"- {marker}\n")

    async def close(self) -> None:
        """Let the watchdog go: it ends at once if it has no children to look after, else it ends them first."""
        process, pipe = self._process, self._pipe
        self._process, self._pipe = None, -1
        if process is None:
            return
        os.close(pipe)
        if self._children:
            _reap_when_it_ends(process)
            return
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_reap, process)

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
        for marker, child in self._children.items():
            self._send(child.line(marker))


def _reap(process: _Popen) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GOODBYE_SECONDS)
        return
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GOODBYE_SECONDS)


def _reap_when_it_ends(process: _Popen) -> None:
    threading.Thread(target=process.wait, name="watchdog reaper", daemon=True).start()
