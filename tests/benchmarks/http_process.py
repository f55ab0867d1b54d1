"""A server process over HTTP, and watchers that cost next to nothing: what is measured is the server."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, cast

import orjson
import psutil

from tests.benchmarks.memory import private_bytes

WORKFLOWS = Path(__file__).with_name("http_workflows.py")
_SERVES = re.compile(rb"serves http://127\.0\.0\.1:(\d+)/")
_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)
_AT = re.compile(rb'"details":\{[^}]*"at=([\d.]+)"')
BOUND = 60.0
"""Seconds one wait may take."""


@dataclass(slots=True)
class HttpProcess:
    """A server process.

    Attributes:
        port: Where it listens, on loopback.
        process: It.
    """

    port: int
    process: psutil.Process

    def megabytes(self) -> float:
        """Its private memory."""
        return private_bytes(self.process.pid) / 1e6

    def cpu_seconds(self) -> float:
        """Time it has computed so far."""
        times = self.process.cpu_times()
        return times.user + times.system

    async def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask, on a connection of its own; the answer's JSON."""
        answer = await self.text(method, path, body)
        return cast("dict[str, Any]", orjson.loads(answer))

    async def text(self, method: str, path: str, body: object = None) -> bytes:
        """Ask, on a connection of its own; the answer's body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request_bytes(method, path, body, close=True))
        whole = await reader.read()
        writer.close()
        head, _, content = whole.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {content[:300]!r}")
        return content

    async def start(self, **input: object) -> str:
        """Start a run of the clock; its id."""
        started = await self.request("POST", "/api/runs", {"workflow": "clock", "input": input})
        return str(started["run_id"])

    async def watch(self, run_id: str, after: int = 0) -> "Watch":
        """Watch a run from behind an event."""
        loop = asyncio.get_running_loop()
        transport, watch = await loop.create_connection(Watch, "127.0.0.1", self.port)
        transport.write(request_bytes("GET", f"/api/runs/{run_id}/events?after={after}", None))
        return watch


@dataclass(slots=True, eq=False)
class Watch(asyncio.Protocol):
    """One watcher.

    Attributes:
        seqs: Numbers of the events it got.
        told: How many of them say when they were said.
        latencies: When an event was said and how many seconds later it was here, of those that were said while it
            watched: what is history when a watcher comes has no latency.
        received: Bytes that came.
        begun: Done when the first event has come, or the connection has ended.
        over: Done when the last event has come, or the connection has ended.
    """

    seqs: list[int] = field(default_factory=list[int])
    told: int = 0
    latencies: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    received: int = 0
    begun: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    over: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    _since: float = 0.0
    _rest: bytes = b""
    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See the base class."""
        now = time.monotonic()
        self._since = self._since or now
        self.received += len(data)
        whole, end, self._rest = (self._rest + data).rpartition(b"\n\n")
        if not end:
            return
        if not self.begun.done():
            self.begun.set_result(None)
        self.seqs.extend(map(int, _ID.findall(whole)))
        said = [float(at) for at in _AT.findall(whole)]
        self.told += len(said)
        self.latencies.extend([(at, now - at) for at in said if at >= self._since])
        if b"\nevent: workflow_completed\n" in whole and not self.over.done():
            self.over.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See the base class."""
        del exc
        for waited_for in (self.begun, self.over):
            if not waited_for.done():
                waited_for.set_result(None)

    def stop_reading(self) -> None:
        """Read nothing any more."""
        assert self._transport is not None
        self._transport.pause_reading()

    def close(self) -> None:
        """Go."""
        assert self._transport is not None
        self._transport.abort()


def request_bytes(method: str, path: str, body: object, *, close: bool = False) -> bytes:
    """A request as it goes over the wire."""
    content = b"" if body is None else orjson.dumps(body)
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        f"content-length: {len(content)}",
        *(["connection: close"] if close else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


@asynccontextmanager
async def http_process(
    home: str | None = None, *arguments: str, settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncGenerator[HttpProcess, None]:
    """A server with the clock, in a directory for temporary files or in one that is given.

    Args:
        home: The directory.
        arguments: Further arguments of `serve`.
        settings: Further variables.
    """
    with TemporaryDirectory() as own:
        directory = home or own
        command = [str(Path(sys.executable).with_name("agent-workflows")), "serve", "--http", "127.0.0.1:0"]
        variables = {
            **os.environ,
            "AGENT_WORKFLOWS_HOME": directory,
            "AGENT_WORKFLOWS_ROOTS": own,
            "AGENT_WORKFLOWS_REQUESTS_PER_SECOND": "100000",
            **settings,
        }
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        log = Path(own) / "stderr"
        with log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: ASYNC220, TID251 - the process itself is what is measured
                [*command, f"--workflow={WORKFLOWS}:CLOCK", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=variables,
                cwd=own,
            )
        try:
            yield HttpProcess(await _port(process, log), psutil.Process(process.pid))
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 5)


async def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:  # noqa: TID251 - see above
    deadline = time.monotonic() + BOUND
    while time.monotonic() < deadline and process.poll() is None:
        if match := _SERVES.search(await asyncio.to_thread(log.read_bytes)):
            return int(match[1])
        await asyncio.sleep(0.02)  # it writes into a file, because nobody would read a pipe while it is measured
    said = await asyncio.to_thread(log.read_text)
    raise RuntimeError(f"the server did not start: {said[-2000:]}")


def share(values: list[float], part: float) -> float:
    """The value that a part of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def raise_file_limit() -> None:
    """Let this process have as many connections as the system allows; Windows has no such limit."""
    if os.name == "posix":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
