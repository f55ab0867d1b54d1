"""A server process and a client that does nothing but what it is told, without an event loop that could be late."""

import fcntl
import os
import re
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import orjson
import psutil

from tests.benchmarks.memory import private_bytes
from tests.system.wire import EVENT

PEERS = Path(__file__).parent / "peers"
WORKFLOWS = Path(__file__).with_name("workflows.py")
BARE = [sys.executable, str(PEERS / "bare_server.py")]
BY_HAND = [sys.executable, str(PEERS / "langgraph_by_hand.py")]

_META: dict[str, object] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
_CLIENT: dict[str, object] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}
_KEPT_BACK = re.compile(
    "AGENT_WORKFLOWS_|ANTHROPIC_|CLAUDE|SLIPCOVER_|LANG(CHAIN|GRAPH|SMITH)_"
    # Installed programs have their bytecode; without it, one that was not started before would be compiled every time.
    "|PYTHONDONTWRITEBYTECODE$"
)


def _offered(*workflows: str) -> list[str]:
    """Arguments with which our server offers workflows of `workflows.py`."""
    return [f"--workflow={WORKFLOWS}:{name}" for name in workflows]


def own_command(*workflows: str) -> list[str]:
    """Our server, with workflows of `workflows.py`."""
    return [str(Path(sys.executable).with_name("agent-workflows")), "serve", *_offered(*workflows)]


class StdioProcess:
    """A server process that has just been started; it is killed when the block is left.

    Args:
        command: The server's command line.
        directory: Where it keeps its data, and its only root.
        pipe_bytes: Size of its pipes; None leaves it to the system.
        settings: Further variables.
    """

    def __init__(
        self,
        command: list[str],
        directory: str,
        *,
        pipe_bytes: int | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        own = {"AGENT_WORKFLOWS_HOME": directory, "AGENT_WORKFLOWS_ROOTS": directory, **settings}
        self._last_id = 0
        self.received = 0
        self.began = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: TID251 - the process itself is what is measured
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**_plain(os.environ), **own},
            cwd=directory,
            pipesize=-1 if pipe_bytes is None else pipe_bytes,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(timeout=5)
        self._stdout.close()
        with suppress(BrokenPipeError):
            self._stdin.close()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def initialize(self) -> float:
        """Open a session the old way; seconds from the process's start to the answer."""
        self.answer(self.send("initialize", _CLIENT))
        return time.perf_counter() - self.began

    def discover(self) -> float:
        """Ask what is there the modern way; seconds from the process's start to the answer."""
        return self.asked("server/discover")

    def asked(self, method: str, **params: object) -> float:
        """Ask in the modern way; seconds from the process's start to the answer, which is no error."""
        self.answer(self.send(method, {**params, "_meta": _META}))
        return time.perf_counter() - self.began

    def call(self, tool: str, **arguments: object) -> int:
        """Call a tool with progress, and wait for nothing; the request's id."""
        meta = {**_META, "progressToken": f"call {self._last_id + 1}"}
        return self.send("tools/call", {"_meta": meta, "name": tool, "arguments": arguments})

    def send(self, method: str, params: Mapping[str, object]) -> int:
        """Send a request; its id."""
        self._last_id += 1
        self._write({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def cancel(self, request_id: int) -> None:
        """Take a request back."""
        params = {"requestId": request_id, "reason": "not needed any more"}
        self._write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def close_stdin(self) -> None:
        """Close our end of its standard input."""
        self._stdin.close()

    def _write(self, message: Mapping[str, object]) -> None:
        self._stdin.write(orjson.dumps(message) + b"\n")
        self._stdin.flush()

    def answer(self, request_id: int) -> dict[str, Any]:
        """Read until the answer to a request, which is no error.

        Raises:
            RuntimeError: It is one, or the server has ended.
        """
        for message in self.messages():
            if message.get("id") == request_id:
                if "result" not in message or message["result"].get("isError"):
                    raise RuntimeError(f"the server refuses: {message}")
                return message["result"]
        raise RuntimeError("the server has ended")

    def progress(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All progress, as it comes: the token of the call, and the event."""
        for message in self.messages():
            if message.get("method") == "notifications/progress":
                yield message["params"]["progressToken"], message["params"]["_meta"][EVENT]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Everything it says, as it comes, until it ends."""
        while line := self._stdout.readline():
            self.received += len(line)
            yield orjson.loads(line)

    def unread(self) -> int:
        """Bytes that lie in the pipe and wait for us."""
        waiting = bytearray(4)
        fcntl.ioctl(self._stdout, termios.FIONREAD, waiting)
        return int.from_bytes(waiting, sys.byteorder)

    def core_seconds(self) -> float:
        """For how long it has used a core so far; others on the machine do not count."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def megabytes(self) -> float:
        """Its private memory, in MB."""
        return private_bytes(self._process.pid) / 1e6


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Look 100 times a second whether it holds.

    Raises:
        TimeoutError: It does not, after so many seconds.
    """
    ends = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > ends:
            raise TimeoutError(f"not after {seconds} s")
        time.sleep(0.01)  # nobody announces a file


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """Without anybody's settings: what is measured is the program as it comes."""
    return {name: value for name, value in environ.items() if not _KEPT_BACK.match(name)}
