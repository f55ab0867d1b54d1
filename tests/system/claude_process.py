"""A real `claude -p` process for tests, with its lines as they come and an end that is always reached.

It does not use the program's own process room on purpose: what is tested must not be the ruler.
"""

import signal
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import orjson
import psutil
from anyio.abc import Process
from pydantic import JsonValue

Line = dict[str, JsonValue]

STREAMING = (
    "-p",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--strict-mcp-config",
    "--setting-sources=",
    "--permission-mode=dontAsk",
    "--no-session-persistence",
)
"""Arguments for a run that may ask nobody and reads nobody's settings."""


@dataclass(slots=True)
class ClaudeProcess:
    """A running `claude`.

    Attributes:
        process: The child.
        stderr_path: Where its standard error goes.
        lines: The lines of standard output that were read so far, parsed.
    """

    process: Process
    stderr_path: Path
    lines: list[Line] = field(default_factory=list[Line])

    async def read(self) -> AsyncIterator[Line]:
        """The lines of standard output as they come; ends at its end."""
        assert self.process.stdout is not None
        rest = b""
        async for data in self.process.stdout:
            *whole, rest = (rest + data).split(b"\n")
            for raw in whole:
                line: Line = orjson.loads(raw)
                self.lines.append(line)
                yield line
        assert rest == b"", f"The output ends in the middle of a line: {rest[-200:]!r}"

    async def finish(self) -> "ClaudeOutcome":
        """Read to the end and wait for the exit. Bounded by whoever waits."""
        async for _ in self.read():
            pass
        exit_code = await self.process.wait()
        return ClaudeOutcome(exit_code, tuple(self.lines), self.stderr_path.read_text())


@dataclass(frozen=True, slots=True)
class ClaudeOutcome:
    """How a `claude` process ended."""

    exit_code: int
    lines: tuple[Line, ...]
    stderr: str

    def of_type(self, *kind: str) -> list[Line]:
        """Lines of a type, or of a type and subtype."""
        return [line for line in self.lines if (line.get("type"), line.get("subtype"))[: len(kind)] == kind]

    @property
    def result(self) -> Line:
        """The last result line."""
        results = self.of_type("result")
        assert results, f"No result line. Exit code {self.exit_code}, stderr: {self.stderr[-2000:]}"
        return results[-1]


@asynccontextmanager
async def claude_process(
    command: Sequence[str | Path], *, prompt: str, cwd: Path, environment: Mapping[str, str], stderr_path: Path
) -> AsyncGenerator[ClaudeProcess]:
    """Start a `claude`, give it its prompt on standard input, and see to its end.

    Args:
        command: The binary and its arguments.
        prompt: Its prompt.
        cwd: Its workspace.
        environment: Its whole environment.
        stderr_path: Where its standard error goes; a file needs nobody who drains it.
    """
    with stderr_path.open("wb") as stderr:
        process = await anyio.open_process(  # noqa: TID251 - tests measure the program, so they do not use its own
            [str(part) for part in command],
            cwd=cwd,
            env=environment,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        assert process.stdin is not None
        await process.stdin.send(prompt.encode())
        await process.stdin.aclose()
        yield ClaudeProcess(process, stderr_path)
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
            await process.aclose()


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants, as far as they still live."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


async def survivors(members: Sequence[psutil.Process], seconds: float = 2) -> list[psutil.Process]:
    """Which of these still run when all have ended, or so many seconds later; a zombie has ended."""
    _, alive = await anyio.to_thread.run_sync(psutil.wait_procs, members, seconds)
    return [process for process in alive if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    members = family(process.pid)
    process.send_signal(signal.SIGTERM)
    with anyio.move_on_after(5):
        await process.wait()
    for member in members:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    await process.wait()
