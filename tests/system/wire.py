"""A bare MCP client on stdio that keeps every byte: what the server really wrote is what the tests look at.

Nothing of the SDK's client is used, so nothing is smoothed over. `WireClient.audit` holds the rules of the wire; it is
called at the end of every connection.
"""

import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from anyio.abc import Process

Json: TypeAlias = dict[str, Any]

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
MARKER = "AGENT_WORKFLOWS_TEST"
"""Environment variable by which every descendant of a server is found, re-parented ones too."""


def own_command() -> list[str]:
    """The console script of the environment the tests run in."""
    return [str(Path(sys.executable).with_name("agent-workflows"))]


@dataclass(slots=True)
class Received:
    """A message as it came.

    Attributes:
        at: Seconds by the test's clock.
        message: The message.
    """

    at: float
    message: Json


@dataclass(slots=True)
class WireClient:
    """One connection to one server process.

    Attributes:
        process: The server.
        era: Protocol version the client speaks.
    """

    process: Process
    era: str
    received: list[Received] = field(default_factory=list[Received])
    raw: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    _sent: dict[int, Json] = field(default_factory=dict[int, Json])
    _news: anyio.Event = field(default_factory=anyio.Event)
    _closed: bool = False
    _last_id: int = 0

    async def request(self, method: str, params: Json | None = None, *, progress: bool = False) -> int:
        """Send a request and return its id, which is its progress token as well."""
        self._last_id += 1
        params = dict(params or {})
        meta: Json = {}
        if self.era == MODERN:
            meta |= {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
            }
        if progress:
            meta["progressToken"] = self._last_id
        if meta:
            params["_meta"] = meta
        self._sent[self._last_id] = {"method": method, "at": time.monotonic(), "progress": progress}
        await self.send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    async def send(self, message: Json) -> None:
        """Send any message as one line."""
        assert self.process.stdin is not None
        await self.process.stdin.send(json.dumps(message).encode() + b"\n")

    async def open(self) -> Json:
        """Open the connection the way of this client's era; returns the server's first answer."""
        if self.era == MODERN:
            return await self.answer(await self.request("server/discover"))
        client = {"name": "wire", "version": "1"}
        first = await self.answer(
            await self.request("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client})
        )
        await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return first

    async def call(self, tool: str, arguments: Json, *, progress: bool = True) -> int:
        """Call a tool and return the request's id."""
        return await self.request("tools/call", {"name": tool, "arguments": arguments}, progress=progress)

    async def called(self, tool: str, arguments: Json, *, within: float = 20) -> Json:
        """Call a tool and wait for its result."""
        return (await self.answer(await self.call(tool, arguments), within=within))["result"]

    async def answer(self, request_id: int, *, within: float = 20) -> Json:
        """Wait for a request's answer."""

        def fits(message: Json) -> bool:
            return message.get("id") == request_id and "method" not in message

        return await self.message(fits, within=within)

    async def progress(self, request_id: int, *, within: float = 20, **matching: object) -> Json:
        """Wait for a progress notification of a request; `type="tool_start"` and the like narrow it to an event."""

        def fits(message: Json) -> bool:
            if message.get("method") != "notifications/progress":
                return False
            params = message["params"]
            event = params["_meta"]["io.github.agent-workflows/event"]
            return params["progressToken"] == request_id and all(event.get(k) == v for k, v in matching.items())

        return (await self.message(fits, within=within))["params"]

    async def message(self, fits: Any, *, within: float) -> Json:
        """Wait for a message, also one that has already come."""
        looked_at = 0
        with anyio.fail_after(within):
            while True:
                while looked_at < len(self.received):
                    message = self.received[looked_at].message
                    looked_at += 1
                    if fits(message):
                        return message
                assert not self._closed, f"the server has closed the wire; stderr: {self.stderr.decode()[-2000:]}"
                await self._news.wait()

    def frames(self, request_id: int) -> list[Json]:
        """All progress of a request so far."""
        return [
            item.message["params"]
            for item in self.received
            if item.message.get("method") == "notifications/progress"
            and item.message["params"]["progressToken"] == request_id
        ]

    async def read(self) -> None:
        """Keep everything the server writes, until it closes its end."""
        assert self.process.stdout is not None
        tail = b""
        async for chunk in self.process.stdout:
            self.raw += chunk
            *lines, tail = (tail + chunk).split(b"\n")
            for line in lines:
                self.received.append(Received(time.monotonic(), json.loads(line)))
            self._wake()
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    async def read_stderr(self) -> None:
        """Keep what the server says beside the wire."""
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.stderr += chunk

    async def close_stdin(self) -> None:
        """Close our end: the server must go."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()

    async def ended(self, within: float) -> int:
        """Wait for the server's end; returns its exit code."""
        with anyio.fail_after(within):
            return await self.process.wait()

    def kill(self, number: signal.Signals) -> None:
        """Send the server, and nobody else, a signal."""
        os.kill(self.process.pid, number)

    def audit(self) -> None:
        """The rules of the wire, over everything that was received."""
        assert not self.raw or self.raw.endswith(b"\n"), "the last line is not whole"
        last: dict[int, float] = {}
        answered: set[int] = set()
        first_at: dict[int, float] = {}
        count: dict[int, int] = {}
        for item in self.received:
            message = item.message
            assert message["jsonrpc"] == "2.0", message
            if "id" in message and "method" not in message:
                assert message["id"] in self._sent, f"an answer to nothing: {message}"
                assert message["id"] not in answered, f"answered twice: {message}"
                answered.add(message["id"])
            if message.get("method") != "notifications/progress":
                continue
            params = message["params"]
            token = params["progressToken"]
            assert self._sent.get(token, {}).get("progress"), f"progress for a call that asked for none: {params}"
            assert token not in answered, f"progress after the result: {params}"
            assert params["total"] == 100, params
            assert 0 <= params["progress"] <= 100, params
            assert params["progress"] > last.get(token, -1), f"progress does not rise: {params}"
            last[token] = params["progress"]
            text = params["message"]
            assert 0 < len(text) <= 160, text
            assert text.isprintable(), text
            event = params["_meta"]["io.github.agent-workflows/event"]
            assert 1 <= event["first_seq"] <= event["last_seq"], event
            first_at.setdefault(token, item.at)
            count[token] = count.get(token, 0) + 1
            # n lines take at least (n - 1) intervals; half an interval is left for the first one's way to us
            assert count[token] <= (item.at - first_at[token] + 0.05) / 0.1 + 1, f"too fast: {text}"


@asynccontextmanager
async def wire_client(
    *arguments: str, era: str = MODERN, environ: Mapping[str, str], cwd: Path, marker: str = ""
) -> AsyncGenerator[WireClient, None]:
    """Start `agent-workflows` with these arguments and talk to it; it is killed at the end if it still lives.

    Args:
        arguments: For example `serve`, `--offline`.
        era: Protocol version to speak.
        environ: Its environment, on top of this process's.
        cwd: Its working directory.
        marker: Value of `MARKER` in its environment.
    """
    env = {**os.environ, **environ, MARKER: marker}
    process = await anyio.open_process(  # noqa: TID251 - the tests' own server, ended right below
        [*own_command(), *arguments], env=env, cwd=cwd
    )
    client = WireClient(process, era)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.read)
        tasks.start_soon(client.read_stderr)
        try:
            yield client
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True), anyio.move_on_after(5):
                await process.wait()
            tasks.cancel_scope.cancel()
    client.audit()
