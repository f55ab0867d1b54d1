"""Runs one command to its end and says what it did: for what this program runs itself, not for agents' own shells.

Every command is a child of a `ProcessRegistry`, like every other child process here: its own session, found again by
its marker, and ended with all its descendants however its work ends.
"""

import os
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import anyio

from agents.processes.environment import child_environment
from agents.processes.patience import Patience
from agents.processes.registry import ProcessRegistry

if TYPE_CHECKING:
    from agents.processes.child import ChildProcess

KEPT_BYTES = 8 * 1024 * 1024
"""How much of a command's standard output is kept; it may write more, which is counted and dropped."""
DEFAULT_SECONDS = 120.0
"""How long a command may take if nothing else is said."""
COMMAND_PATIENCE = Patience(interrupt_seconds=1.0, terminate_seconds=1.0, linger_seconds=1.0)
"""A command has nothing to report after it was told to stop; it only gets the time to tidy up."""

_UNCHANGED: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command did.

    Attributes:
        exit_code: As the system gave it; negative for a signal.
        stdout: Its standard output, at most `KEPT_BYTES` of it.
        stderr: The end of its standard error.
        seconds: How long it ran.
        dropped_bytes: How much of its standard output was too much to keep.
        timed_out: Whether it was ended because its time was over.
    """

    exit_code: int
    stdout: bytes
    stderr: str
    seconds: float
    dropped_bytes: int = 0
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.exit_code == 0 and not self.timed_out

    @property
    def output(self) -> str:
        """Both outputs as text: standard output, then standard error."""
        parts = [self.stdout.decode(errors="replace").rstrip(), self.stderr.rstrip()]
        return "\n".join(part for part in parts if part)


class RunCommand(Protocol):
    """Runs a command; `CommandRunner.run` is one."""

    async def __call__(
        self,
        argv: Sequence[str],
        cwd: Path,
        *,
        run_id: str = "",
        stdin: bytes = b"",
        variables: Mapping[str, str | None] = _UNCHANGED,
        max_seconds: float = DEFAULT_SECONDS,
    ) -> CommandResult:
        """Run a command to its end.

        Args:
            argv: Executable and arguments; no shell reads them.
            cwd: Existing directory.
            run_id: The run it belongs to.
            stdin: All it is given to read.
            variables: What differs in its environment; None removes a variable.
            max_seconds: When to end it.

        Raises:
            OSError: It could not be started.
        """
        ...


class CommandRunner:
    """Runs commands as children of a registry.

    Args:
        registry: Owns the child processes of this server.
        environ: What a command's environment is made from; None takes this process's own.
    """

    def __init__(self, registry: ProcessRegistry, environ: Mapping[str, str] | None = None) -> None:
        self._registry = registry
        self._environ = environ

    async def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        *,
        run_id: str = "",
        stdin: bytes = b"",
        variables: Mapping[str, str | None] = _UNCHANGED,
        max_seconds: float = DEFAULT_SECONDS,
    ) -> CommandResult:
        """See `RunCommand`. A cancelled command is over, and nothing of it left, within about 4 s."""
        marker = uuid4().hex
        output = _Output()
        began = time.monotonic()
        async with self._registry.child(
            argv,
            stdin=stdin,
            cwd=cwd,
            environment=self._environment(run_id, marker, variables),
            marker=marker,
            patience=COMMAND_PATIENCE,
        ) as child:
            with anyio.move_on_after(max_seconds) as limit:
                await _listen(child, output)
            seconds = time.monotonic() - began
            await child.end(output.hear)
        if child.exec_failure:  # known only now where a launcher stands before the command
            raise FileNotFoundError(child.exec_failure)
        return CommandResult(
            exit_code=-9 if child.exit_code is None else child.exit_code,  # None: killed, and stuck in the kernel
            stdout=bytes(output.kept),
            stderr=child.stderr,
            seconds=seconds,
            dropped_bytes=output.dropped,
            timed_out=limit.cancelled_caught,
        )

    def _environment(self, run_id: str, marker: str, variables: Mapping[str, str | None]) -> dict[str, str]:
        environ = os.environ if self._environ is None else self._environ
        kept = {name: value for name, value in environ.items() if name not in variables}
        added = {name: value for name, value in variables.items() if value is not None}
        return {**child_environment(kept, run_id=run_id, marker=marker), **added}


@asynccontextmanager
async def command_runner() -> AsyncGenerator[CommandRunner]:
    """A runner with a registry of its own, for where there is no server's registry at hand."""
    registry = ProcessRegistry(parent_death_signal=False)  # asking for it takes longer than most commands
    try:
        yield CommandRunner(registry)
    finally:
        with anyio.CancelScope(shield=True):
            await registry.close()  # bounded: the watchdog ends at once if it has nobody to look after


class _Output:
    """Standard output up to a bound."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.dropped = 0

    def hear(self, piece: bytes) -> None:
        room = KEPT_BYTES - len(self.kept)
        self.kept += piece[:room]
        self.dropped += max(0, len(piece) - room)


async def _listen(child: "ChildProcess", output: _Output) -> None:
    while piece := await child.receive():
        output.hear(piece)
    await child.wait()
