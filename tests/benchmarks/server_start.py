"""How long a server takes to its first answers and how much memory it needs idle, beside a bare server in one run.

Each round starts the servers one after the other, so that a drifting machine drifts for all; medians are compared.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import psutil

from tests.benchmarks.row import Row

ROUNDS = 15
PEERS = Path(__file__).parent / "peers"
OURS = [str(Path(sys.executable).with_name("agent-workflows")), "serve", "--offline"]
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


class Started:
    """A server process that has just been started."""

    def __init__(self, command: list[str], home: str) -> None:
        self.began = time.perf_counter()
        environ = {**os.environ, "AGENT_WORKFLOWS_HOME": home, "AGENT_WORKFLOWS_ROOTS": home}
        self.process = subprocess.Popen(  # noqa: TID251 - the process itself is what is measured
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ
        )

    def ask(self, request_id: int, method: str, params: dict[str, object]) -> float:
        """Send a request; seconds from the process's start to its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        self.process.stdin.write(orjson.dumps(message) + b"\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            if orjson.loads(line).get("id") == request_id:
                return time.perf_counter() - self.began
        raise RuntimeError("the server has ended")

    def megabytes(self) -> float:
        """Memory that is this process's own, in MB."""
        return psutil.Process(self.process.pid).memory_full_info().uss / 1e6

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=5)


def _initialize(server: Started) -> float:
    return server.ask(1, "initialize", _CLIENT)


def _discover(server: Started) -> float:
    return server.ask(1, "server/discover", {"_meta": _META})


def _first_result(tool: str, arguments: dict[str, object]) -> Callable[[Started], float]:
    def ask(server: Started) -> float:
        server.ask(1, "server/discover", {"_meta": _META})
        return server.ask(2, "tools/call", {"_meta": _META, "name": tool, "arguments": arguments})

    return ask


def _idle_memory(server: Started) -> float:
    server.ask(1, "server/discover", {"_meta": _META})
    server.ask(2, "tools/list", {"_meta": _META})
    return server.megabytes()


def _medians(commands: dict[str, list[str]], measure: dict[str, Callable[[Started], float]]) -> dict[str, float]:
    values: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as home:
        for round_number in range(ROUNDS + 1):
            for name, command in commands.items():
                server = Started(command, home)
                value = measure[name](server)
                server.end()
                if round_number:  # the first round warms the caches of the disk
                    values[name].append(value)
    return {name: statistics.median(numbers) for name, numbers in values.items()}


def _ratio_row(what: str, unit: str, scale: float, ask: Callable[[Started], float], most: float) -> Row:
    medians = _medians({"ours": OURS, "bare": BARE}, {"ours": ask, "bare": ask})
    ratio = medians["ours"] / medians["bare"]
    figure = f"{ratio:.2f} x ({medians['ours'] * scale:.0f} {unit}, bare {medians['bare'] * scale:.0f} {unit})"
    return Row(name=what, figure=figure, target=f"<= {most} x a bare server", reached=ratio <= most)


def measure() -> list[Row]:
    """All figures of this file."""
    results = _medians(
        {"ours": OURS, "by hand": BY_HAND},
        {"ours": _first_result("list_runs", {}), "by hand": _first_result("build", {"task": "x"})},
    )
    ratio = results["ours"] / results["by hand"]
    milliseconds = {name: f"{seconds * 1000:.0f} ms" for name, seconds in results.items()}
    return [
        _ratio_row("process start to the answer to `initialize`", "ms", 1000, _initialize, 1.15),
        _ratio_row("process start to the answer to `server/discover`", "ms", 1000, _discover, 1.15),
        Row(
            name="process start to the first tool result",
            figure=f"{ratio:.2f} x ({milliseconds['ours']}, LangGraph by hand {milliseconds['by hand']})",
            target="no later than LangGraph by hand",
            reached=ratio <= 1,
        ),
        _ratio_row("memory of the idle server (USS)", "MB", 1, _idle_memory, 1.2),
    ]
