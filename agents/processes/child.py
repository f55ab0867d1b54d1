"""A child process that runs, and its end."""

import logging
import math
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

import anyio
import anyio.abc
import anyio.to_thread
import psutil

from agents.processes.descendants import identity_of, kill_all, tree_below
from agents.processes.patience import Patience

STDERR_KEPT_BYTES = 64 * 1024
"""How much of the end of standard error is kept."""
EOF_SECONDS = 1.0
"""How long after a child's end somebody else who keeps its pipes open is listened to."""
_QUIET_SECONDS = 0.05
"""How long the pipe must be quiet then. What the child itself wrote is there at once, and none of it may be lost,
however late this process comes to read it."""
_REAP_SECONDS = 1.0

Hear = Callable[[bytes], None]
"""Takes a piece of standard output. Never blocks."""

_log = logging.getLogger(__name__)


def ignore(_: bytes) -> None:
    """A `Hear` for output that nobody needs."""


class ChildProcess:
    """A child that runs; made by `ProcessRegistry.child`.

    Args:
        process: With pipes for all three standard streams.
        marker: In its environment.
        patience: How long to wait for it.
        scanners: Limits how many threads read the process table at once.
    """

    def __init__(
        self, process: anyio.abc.Process, marker: str, patience: Patience, scanners: anyio.CapacityLimiter
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._identity = identity_of(process.pid)
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._stderr = process.stderr
        self._marker = marker
        self._patience = patience
        self._scanners = scanners
        self._writing = anyio.Lock()
        self._stderr_tail = b""
        self._output_is_over = anyio.Event()
        self._only_the_rest = False
        self._stderr_is_over = anyio.Event()
        self._reading = anyio.CancelScope()
        self._pumping = anyio.CancelScope(shield=True)  # goes on while the child is being ended
        self._ended = False
        self._tree: list[psutil.Process] = []  # found so far; kept, for the parents that lead to it may be gone

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """As the system gave it, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def stderr(self) -> str:
        """The end of what it wrote to standard error."""
        return self._stderr_tail.decode(errors="replace")

    @property
    def exec_failure(self) -> str:
        """Why the system would not run it, where that came out only after the start; else empty."""
        # Its documented exit codes: 127 where the command is not found, 126 where it cannot be run.
        said = self.stderr.strip()
        return said if self.exit_code in (126, 127) and said.startswith("setpriv: ") else ""

    async def receive(self) -> bytes:
        """Wait for more standard output.

        Returns:
            The next piece, or nothing where there will be no more: at end of file, or when the child ended
            `EOF_SECONDS` ago and somebody else still keeps the pipe open.
        """
        while not self._output_is_over.is_set():
            only_the_rest = self._only_the_rest
            deadline = anyio.current_time() + _QUIET_SECONDS if only_the_rest else math.inf
            with anyio.CancelScope(deadline=deadline) as self._reading:
                try:
                    return await self._stdout.receive()
                except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
                    self._output_is_over.set()
            if only_the_rest:
                self._output_is_over.set()
        return b""

    async def wait(self) -> int:
        """Wait until it has ended, and a moment longer for the rest of standard error.

        Returns:
            Its exit code. Bounded by whoever waits.
        """
        code = await self._process.wait()
        with anyio.move_on_after(EOF_SECONDS):
            await self._stderr_is_over.wait()
        return code

    async def end(self, hear: Hear = ignore) -> None:
        """End it and everything it has started; returns when nothing of it is left.

        SIGINT, SIGTERM, SIGKILL, each if the one before did not help; then every descendant is killed. Safe to call on
        a child that has ended by itself, and safe to call twice. Cancellation is held back until it is done; it takes
        no longer than the patience with both signals and about 2 s.

        Args:
            hear: Takes what the child still writes.
        """
        if self._ended:
            return
        self._ended = True
        with anyio.CancelScope(shield=True):
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._hear_rest, hear)
                    await self._end_politely()
                    tasks.cancel_scope.cancel()
            except BaseException:
                # Cancelled once more from outside any scope, or no thread could be had: no more politeness then.
                self._kill_at_once()
                raise
            finally:
                self._pumping.cancel()

    async def send(self, data: bytes) -> None:
        """Write to its standard input, where that was left open; waits until the child has taken it.

        Safe to call from several tasks: pieces are never mixed. A child that has ended, or closed its input, says so
        itself, in its own words; nothing is raised for it. Bounded by whoever waits.
        """
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            async with self._writing:
                await self._stdin.send(data)

    async def close_stdin(self) -> None:
        """Tell it that no more input will come; safe to call twice."""
        with suppress(OSError):
            await self._stdin.aclose()

    async def pump(self, stdin: bytes | None) -> None:
        """Write standard input, drain standard error and notice the end, until `end` is over.

        Args:
            stdin: All of standard input; None leaves it open for `send`.
        """
        with self._pumping:
            async with anyio.create_task_group() as tasks:
                if stdin is not None:
                    tasks.start_soon(self._write_stdin, stdin)
                tasks.start_soon(self._drain_stderr)
                tasks.start_soon(self._stop_reading_after_exit)

    def signal(self, number: int) -> None:
        """Send a signal to it and its process group, if it still runs.

        The group, because the command is often a script that has started the CLI and waits for it.
        """
        # The event loop can learn of an end after the system has given the number to somebody else.
        if self._process.returncode is None and self._identity is not None and self._identity.is_running():
            with suppress(OSError):  # it has ended just now
                if sys.platform == "win32":
                    os.kill(self._process.pid, number)
                else:
                    os.killpg(self._process.pid, number)

    def _kill(self) -> None:
        if self._process.returncode is None and self._identity is not None:
            with suppress(psutil.Error):  # also where the number is somebody else's by now
                self._identity.kill()

    def _kill_at_once(self) -> None:
        if self.exit_code is None:
            self._tree += tree_below(self._identity)
        self._kill()
        kill_all(self._tree, self._marker)

    async def _end_politely(self) -> None:
        if self.exit_code is None:
            # Now, for the parents that lead to a descendant are gone later.
            self._tree += await anyio.to_thread.run_sync(tree_below, self._identity, limiter=self._scanners)
            await self._ask_to_stop()
        if self.exit_code is None:
            self._tree += await anyio.to_thread.run_sync(tree_below, self._identity, limiter=self._scanners)
            self._kill()
        left = await anyio.to_thread.run_sync(kill_all, self._tree, self._marker, limiter=self._scanners)
        if left:
            _log.error("Processes %s do not end, even when killed.", [process.pid for process in left])
        with anyio.move_on_after(_REAP_SECONDS):
            await self._process.wait()
        with anyio.move_on_after(EOF_SECONDS):
            await self._output_is_over.wait()

    async def _ask_to_stop(self) -> None:
        if sys.platform == "win32":
            return  # a console process can be asked nothing from outside its console
        for number, seconds in (
            (signal.SIGINT, self._patience.interrupt_seconds),
            (signal.SIGTERM, self._patience.terminate_seconds),
        ):
            self.signal(number)
            with anyio.move_on_after(seconds):
                await self._process.wait()
                return

    async def _hear_rest(self, hear: Hear) -> None:
        while piece := await self.receive():
            hear(piece)

    async def _write_stdin(self, data: bytes) -> None:
        await self.send(data)
        await self.close_stdin()

    async def _drain_stderr(self) -> None:
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            while True:
                self._stderr_tail = (self._stderr_tail + await self._stderr.receive())[-STDERR_KEPT_BYTES:]
        self._stderr_is_over.set()

    async def _stop_reading_after_exit(self) -> None:
        await self._process.wait()
        with anyio.move_on_after(EOF_SECONDS):
            await self._output_is_over.wait()
        self._only_the_rest = True
        self._reading.cancel()
        with anyio.move_on_after(EOF_SECONDS):  # somebody may go on writing
            await self._output_is_over.wait()
        self._output_is_over.set()
        self._reading.cancel()
