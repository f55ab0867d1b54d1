"""Child processes that cannot outlive what they were started for.

A child has its own session, its own pipes, and a marker in its environment by which all its descendants are found.
However its work ends, `ChildProcess.end` runs; if this server itself is killed, the kernel (Linux) and the watchdog
end what it has left.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread

from agents.processes import temporary_directory as temporary
from agents.processes.patience import Patience
from agents.processes.watchdog_link import WatchdogLink

if TYPE_CHECKING:
    from agents.processes.child import ChildProcess

_PROBE_SECONDS = 2.0


class ProcessRegistry:
    """All children of this server that live, and what ends them if the server does not.

    Args:
        parent_death_signal: Whether children are started so that Linux ends them when this process dies, where
            util-linux's `setpriv` is there. The watchdog runs in any case.
    """

    def __init__(self, *, parent_death_signal: bool = True) -> None:
        self._children: dict[str, ChildProcess] = {}
        self._watchdog = WatchdogLink()
        self._scanners = anyio.CapacityLimiter(2)
        self._launcher: tuple[str, ...] | None = None if parent_death_signal else ()

    @asynccontextmanager
    async def child(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None,
        cwd: Path,
        environment: Mapping[str, str],
        marker: str,
        patience: Patience,
    ) -> AsyncGenerator["ChildProcess"]:
        """Start a child; when the block is left, nothing of it is left.

        Expected errors belong after the block: inside, a task group would wrap them.

        Args:
            argv: Executable and arguments.
            stdin: All it is given to read; None leaves its standard input open for `ChildProcess.send`.
            cwd: Existing directory.
            environment: Its whole environment; carries the marker.
            marker: Unique to this child.
            patience: How long to wait for it.

        Raises:
            OSError: It could not be started.
        """
        from agents.processes.child import ChildProcess  # psutil takes 1 MB, which an idle server is spared

        process = await self._start(argv, cwd, environment, marker)
        child = ChildProcess(process, marker, patience, self._scanners)
        self._children[marker] = child
        unwatched: OSError | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(child.pump, stdin)
                try:
                    try:
                        self._watchdog.watch(marker, child.pid)
                    except OSError as error:
                        unwatched = error  # raised below: in here it would arrive in a group
                    else:
                        yield child
                finally:
                    await child.end()
        finally:
            del self._children[marker]
            self._watchdog.forget(marker)
            if child.exit_code is not None:
                with anyio.CancelScope(shield=True):
                    await process.aclose()
        if unwatched is not None:
            raise unwatched

    @asynccontextmanager
    async def temporary_directory(
        self, environ: Mapping[str, str], names: Sequence[str] = temporary.VARIABLES
    ) -> AsyncGenerator[Path]:
        """Make a directory for a child's temporary files; when the block is left, or this server is gone, so is it.

        Args:
            environ: Says where temporary files belong on this machine.
            names: The variables that say it, the first that names a directory counts; without any, the usual place
                does.

        Raises:
            OSError: There is no place for it.
        """
        path = temporary.make(environ, names)
        try:
            self._watchdog.guard(path)
            yield path
        finally:
            if await temporary.remove(path):
                self._watchdog.release(path)

    def signal_all(self) -> None:
        """Ask all children to end, and return at once; safe to call in a signal handler."""
        for child in tuple(self._children.values()):
            child.signal(signal.SIGTERM)

    async def close(self) -> None:
        """Ask all children to end and let the watchdog go; it stays until nothing is left of them.

        Does not wait for children. Safe to call twice.
        """
        self.signal_all()
        await self._watchdog.close()

    async def _start(
        self, argv: Sequence[str], cwd: Path, environment: Mapping[str, str], marker: str
    ) -> anyio.abc.Process:
        if self._launcher is None:
            self._launcher = await _parent_death_launcher()
        self._watchdog.expect(marker)
        try:
            # No descriptor but the three is inherited (`close_fds`), and none of these is ours. The fork happens in the
            # event loop's thread: the parent-death signal comes when the forking *thread* ends.
            return await anyio.open_process(  # noqa: TID251 - this is the place the ban points to
                [*self._launcher, *argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=environment,
                start_new_session=True,
            )
        except OSError:  # there is no child
            self._watchdog.forget(marker)
            raise
        except BaseException:  # cancelled in the middle of it, a child may be there that nobody has a handle of
            from agents.processes.descendants import kill_all

            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(kill_all, (), marker)
            self._watchdog.forget(marker)
            raise


async def _parent_death_launcher() -> tuple[str, ...]:
    """What to put before a command so that it is sent SIGTERM when we die; nothing where that cannot be had.

    SIGTERM, not SIGKILL: the CLI takes its own commands with it, which a killed one cannot.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    launcher = (setpriv, "--pdeathsig", "TERM")  # it replaces itself by the command: the number stays the same
    with suppress(OSError), anyio.move_on_after(_PROBE_SECONDS):
        probe = await anyio.run_process([*launcher, sys.executable, "-I", "-S", "-c", ""], check=False)
        if probe.returncode == 0:  # the one of BusyBox does not know the option
            return launcher
    return ()
