"""A bare MCP client on stdio that keeps every byte: what the server really wrote is what the tests look at.

Nothing of the SDK's client is used, so nothing is smoothed over. `WireClient.audit` holds the rules of the wire; it is
called at the end of every connection.
"""

import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import orjson
from anyio.abc import Process

from tests.waiting import until_answered

Json: TypeAlias = dict[str, Any]

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
EVENT = "io.github.agent-workflows/event"
"""Key under which a progress notification carries its event."""
MOST_LINES_A_SECOND = 10
_LATE = 0.05
"""Seconds by which the server's own threads may delay a line that has had its turn."""
_LOOK_SECONDS = 0.02
"""How often this process looks how late it is itself."""


def own_command() -> list[str]:
    """The console script of the environment the tests run in."""
    return [str(Path(sys.executable).with_name("agent-workflows"))]


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came.

    Attributes:
        at: Seconds by the test's clock.
        message: The message.
    """

    at: float
    message: Json


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of ours.

    Attributes:
        at: Seconds by the test's clock.
        token: Its progress token; None if it asks for no progress.
    """

    at: float
    token: str | None


@dataclass(slots=True)
class WireClient:
    """One connection to one server process.

    Attributes:
        process: The server.
        era: Protocol version the client speaks.
        capabilities: What it declares, with every request or at the beginning, as its era wants it.
        name: What it calls itself.
        received: All messages so far.
        raw: All bytes so far.
        stderr: What the server said beside the wire.
        late: Seconds by which this process was given a processor too late at most; others will not have fared better.
    """

    process: Process
    era: str
    capabilities: Json = field(default_factory=dict[str, Any])
    name: str = "wire"
    received: list[Received] = field(default_factory=list[Received])
    raw: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    _sent: dict[int, Sent] = field(default_factory=dict[int, Sent])
    _news: anyio.Event = field(default_factory=anyio.Event)
    _at_end: anyio.Event = field(default_factory=anyio.Event)
    late: float = 0.0

    async def request(self, method: str, params: Json | None = None, *, progress: bool = False) -> int:
        """Send a request in this client's era, and return its id."""
        meta: Json = {}
        if self.era == MODERN:
            meta |= {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": self.capabilities,
                "io.modelcontextprotocol/clientInfo": {"name": self.name, "version": "1"},
            }
        request_id = len(self._sent) + 1
        token = f"progress-of-{request_id}" if progress else None
        if token:
            meta["progressToken"] = token
        params = {**(params or {}), **({"_meta": meta} if meta else {})}
        self._sent[request_id] = Sent(time.monotonic(), token)
        await self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        return request_id

    async def notify(self, method: str, params: Json | None = None) -> None:
        """Send a notification."""
        await self.send({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})

    async def send(self, message: Json) -> None:
        """Send any message as one line."""
        await self.send_line(json.dumps(message).encode())  # also what orjson would rightly refuse

    async def send_line(self, line: bytes) -> None:
        """Send any line."""
        assert self.process.stdin is not None
        await self.process.stdin.send(line + b"\n")

    async def open(self) -> Json:
        """Open the connection the way of this client's era; returns the server's first answer."""
        if self.era == MODERN:
            return await self.answer(await self.request("server/discover"))
        hello = {
            "protocolVersion": LEGACY,
            "capabilities": self.capabilities,
            "clientInfo": {"name": self.name, "version": "1"},
        }
        first = await self.answer(await self.request("initialize", hello))
        await self.notify("notifications/initialized")
        return first

    async def asked(self, method: str, params: Json | None = None, *, within: float = 20) -> Json:
        """Send a request and wait for its answer, result or error."""
        return await self.answer(await self.request(method, params), within=within)

    async def call(self, tool: str, arguments: Json, *, progress: bool = True) -> int:
        """Call a tool and return the request's id."""
        return await self.request("tools/call", {"name": tool, "arguments": arguments}, progress=progress)

    async def called(self, tool: str, arguments: Json, *, within: float = 20) -> Json:
        """Call a tool and wait for its result."""
        answer = await self.answer(await self.call(tool, arguments), within=within)
        assert "result" in answer, answer
        return answer["result"]

    async def told(self, tool: str, arguments: Json, *, within: float = 20) -> Json:
        """Call a tool and wait for its structured result, which is no error."""
        result = await self.called(tool, arguments, within=within)
        assert not result["isError"], result
        return result["structuredContent"]

    async def over(self, run_id: str) -> Json:
        """Wait until a run is over, and return its report."""
        report = await self.told("get_run", {"run_id": run_id})
        while report["status"] in {"queued", "running", "waiting"}:
            seen = {"after": report["last_seq"], "wait_seconds": 15}
            report = await self.told("get_run", {"run_id": run_id, **seen})
        return report

    async def resource(self, uri: str) -> str:
        """The text of a resource."""
        (contents,) = (await self.asked("resources/read", {"uri": uri}))["result"]["contents"]
        return contents["text"]

    async def log_of(self, run_id: str) -> list[Json]:
        """All events of a run, as the log has them."""
        events: list[Json] = []
        while page := (await self.resource(f"runs://{run_id}/events?after={len(events)}")).splitlines():
            events += [orjson.loads(line) for line in page]
        return events

    async def task(self, task_id: str, *, says: str = "", **matching: object) -> Json:
        """Ask after a task until it is as wanted, and says so in its message. Returns the task.

        Args:
            task_id: The task.
            says: What its message holds.
            matching: `status="completed"` and the like.
        """
        task: Json = {}

        async def stands() -> bool:
            nonlocal task
            task = (await self.asked("tasks/get", {"taskId": task_id}))["result"]
            return says in task["statusMessage"] and all(task.get(key) == value for key, value in matching.items())

        await until_answered(stands, within=20)
        return task

    async def cancel(self, request_id: int) -> None:
        """Take a request back."""
        await self.notify("notifications/cancelled", {"requestId": request_id, "reason": "not needed any more"})

    async def answer(self, request_id: int, *, within: float = 20) -> Json:
        """Wait for a request's answer."""

        def fits(message: Json) -> bool:
            return message.get("id") == request_id and "method" not in message

        return await self.message(fits, within=within)

    async def progress(self, request_id: int, *, within: float = 20, **matching: object) -> Json:
        """Wait for a line of progress; `type="tool_start"` and the like narrow it to an event. Returns the event."""
        token = self._sent[request_id].token

        def fits(message: Json) -> bool:
            if message.get("method") != "notifications/progress" or message["params"]["progressToken"] != token:
                return False
            event = message["params"]["_meta"][EVENT]
            return all(event.get(key) == value for key, value in matching.items())

        return (await self.message(fits, within=within))["params"]["_meta"][EVENT]

    async def message(self, fits: Callable[[Json], bool], *, within: float = 20) -> Json:
        """Wait for a message, also one that has already come."""
        looked_at = 0
        with anyio.fail_after(within):
            while True:
                while looked_at < len(self.received):
                    message = self.received[looked_at].message
                    looked_at += 1
                    if fits(message):
                        return message
                assert not self._at_end.is_set(), f"the server has closed the wire; it said: {self.said[-2000:]}"
                await self._news.wait()

    @property
    def said(self) -> str:
        """What the server said beside the wire."""
        return self.stderr.decode(errors="replace")

    def lines(self, request_id: int) -> list[Received]:
        """All progress notifications of a request so far."""
        token = self._sent[request_id].token
        return [item for item in self.received if token and _token_of(item.message) == token]

    def frames(self, request_id: int) -> list[Json]:
        """The parameters of all progress notifications of a request so far."""
        return [item.message["params"] for item in self.lines(request_id)]

    def events(self, request_id: int) -> list[Json]:
        """The events of all progress notifications of a request so far."""
        return [frame["_meta"][EVENT] for frame in self.frames(request_id)]

    def sent_at(self, request_id: int) -> float:
        """When a request was sent, by the test's clock."""
        return self._sent[request_id].at

    async def read(self) -> None:
        """Keep everything the server writes, until it closes its end."""
        assert self.process.stdout is not None
        tail = b""
        async for chunk in self.process.stdout:
            self.raw += chunk
            *lines, tail = (tail + chunk).split(b"\n")
            self.received += [Received(time.monotonic(), orjson.loads(line)) for line in lines]
            self._wake()
        self._at_end.set()
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    async def time_itself(self) -> None:
        """Note how late this process was at most, which reads a line no sooner than it is given a processor."""
        while True:
            due = time.monotonic() + _LOOK_SECONDS
            await anyio.sleep(_LOOK_SECONDS)  # how late it returns is what is measured
            self.late = max(self.late, time.monotonic() - due)

    async def read_stderr(self) -> None:
        """Keep what the server says beside the wire."""
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.stderr += chunk

    async def close_stdin(self) -> None:
        """Close our end: the server must go."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()

    async def ended(self, within: float = 5) -> int:
        """Wait for the server's end, and for the end of what it wrote; returns its exit code."""
        with anyio.fail_after(within):
            code = await self.process.wait()
            await self._at_end.wait()  # whoever else held the wire would keep it open
        return code

    def kill(self, number: signal.Signals) -> None:
        """Send the server, and nobody else, a signal."""
        os.kill(self.process.pid, number)

    def audit(self) -> None:
        """The rules of the wire, over everything that was received.

        Every line is JSON-RPC: `read` has parsed all of them. Nothing is answered twice, or without a question.
        Progress comes for who asked for it, rises strictly, at most 10 lines a second, none after the answer.
        """
        assert not self.raw or self.raw.endswith(b"\n"), "the last line is not whole"
        answered: set[object] = set()
        for item in self.received:
            message = item.message
            assert message["jsonrpc"] == "2.0", message
            if "id" in message and "method" not in message:
                assert message["id"] in self._sent, f"an answer to nothing: {message}"
                assert message["id"] not in answered, f"answered twice: {message}"
                answered.add(message["id"])
            elif (token := _token_of(message)) is not None:
                asker = next((number for number, sent in self._sent.items() if sent.token == token), None)
                assert asker is not None, f"progress for a call that asked for none: {message}"
                assert asker not in answered, f"progress after the result: {message}"
        for request_id in self._sent:
            _audit_progress(self.lines(request_id), self.late)


def _audit_progress(lines: list[Received], late: float) -> None:
    last, covered = -1.0, 0
    for count, item in enumerate(lines):
        frame = item.message["params"]
        assert frame["total"] == 100, frame
        assert last < frame["progress"] <= 100, f"progress does not rise, or too far: {frame}"
        last = frame["progress"]
        assert 0 < len(frame["message"]) <= 160, frame
        assert frame["message"].isprintable(), f"not one line: {frame}"
        event = frame["_meta"][EVENT]
        assert 1 <= event["first_seq"] <= event["last_seq"] == event["seq"], event
        # The ranges are gapless; a line that is said again in a long silence covers the same events again.
        again = event["last_seq"] == covered
        assert again or not covered or event["first_seq"] == covered + 1, f"events {covered + 1} ... are not covered"
        covered = event["last_seq"]
        if count >= MOST_LINES_A_SECOND:
            took = item.at - lines[count - MOST_LINES_A_SECOND].at
            assert took >= 1 - _LATE - late, f"{MOST_LINES_A_SECOND + 1} lines in {took:.3f} s: {frame}"


def _token_of(message: Json) -> object:
    return message["params"]["progressToken"] if message.get("method") == "notifications/progress" else None


@asynccontextmanager
async def wire_client(
    *command: str,
    era: str = MODERN,
    capabilities: Json | None = None,
    name: str = "wire",
    environment: Mapping[str, str],
    cwd: Path,
) -> AsyncGenerator[WireClient, None]:
    """Start a server and talk to it. At the end our end is closed, and the server must go by itself.

    Args:
        command: Program and arguments.
        era: Protocol version to speak.
        capabilities: What the client declares.
        name: What it calls itself.
        environment: Its whole environment.
        cwd: Its working directory.
    """
    process = await anyio.open_process(list(command), env=environment, cwd=cwd)  # noqa: TID251 - ended right below
    client = WireClient(process, era, capabilities or {}, name)
    outcome: BaseException | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.read)
        tasks.start_soon(client.read_stderr)
        tasks.start_soon(client.time_itself)
        try:
            yield client
            await client.close_stdin()
            await client.ended()
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below, so that it does not arrive in a group
            outcome = error
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True), anyio.move_on_after(5):
                await process.wait()
            tasks.cancel_scope.cancel()
    await process.aclose()
    if outcome is not None:
        outcome.add_note(f"The server said: {client.said[-3000:]}")
        raise outcome
    client.audit()
