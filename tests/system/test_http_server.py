"""`serve --http` as a process of its own, over loopback: how it starts, how it is refused, and how it ends."""

import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pytest
from anyio.abc import Process

from tests.fakes.collector import collector
from tests.system.place import OWN_WORKFLOWS, Place, ended
from tests.waiting import until, until_answered
from workflows.runs.sqlite.log import open_sqlite_log

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

SERVES = re.compile(r"serves http://(\S+)/ ")
HELD = f"--workflow={OWN_WORKFLOWS}/held.py"
TALK = f"--workflow={OWN_WORKFLOWS}/talk.py"
CLIENT = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bare", "version": "1"},
    "progressToken": "p",
}
STARTS_WITHIN = 20.0
GONE_WITHIN = 2.0
"""The server itself allows half a second; the rest is the machine's, which other tests share."""


@dataclass(slots=True)
class Serving:
    """A server process.

    Attributes:
        process: It.
        client: A client of it.
        stderr: What it has said so far.
    """

    process: Process
    client: httpx.AsyncClient
    stderr: bytearray

    async def start(self, workflow: str, **input: object) -> str:
        """Start a run; its id."""
        answer = await self.client.post("/api/runs", json={"workflow": workflow, "input": input})
        assert answer.status_code == 202, answer.text
        return answer.json()["run_id"]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; its exit code."""
        self.process.send_signal(number)
        with anyio.fail_after(GONE_WITHIN):
            return await self.process.wait()


@asynccontextmanager
async def serving(place: Place, *arguments: str, at: str = "127.0.0.1:0") -> AsyncGenerator[Serving, None]:
    """A server in a place, once it listens."""
    async with place.process("serve", "--http", at, *arguments) as process, anyio.create_task_group() as tasks:
        said = bytearray()

        async def listen() -> None:
            assert process.stderr is not None
            async for chunk in process.stderr:
                said.extend(chunk)

        tasks.start_soon(listen)
        await until(lambda: SERVES.search(said.decode()) is not None, STARTS_WITHIN)
        match = SERVES.search(said.decode())
        assert match is not None
        async with httpx.AsyncClient(base_url=f"http://{match[1]}", timeout=20, verify=False) as client:
            yield Serving(process, client, said)
        tasks.cancel_scope.cancel()


async def frames(response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """The events of a stream."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield orjson.loads(line.removeprefix("data: "))


async def left_as(place: Place, run_id: str) -> str:
    """How a run stands in the log that a server has left."""
    async with open_sqlite_log(place.home) as log:
        run = await log.get(run_id)
    assert run is not None
    return run.status


@pytest.fixture
async def place(tmp_path: Path, anyio_backend: str) -> AsyncGenerator[Place, None]:
    """A place that must be deserted at the end."""
    del anyio_backend
    place = Place.below(tmp_path)
    yield place
    await place.deserted(5)


async def test_a_run_is_started_watched_and_found_by_the_terminal(place: Place) -> None:
    async with serving(place, "--offline") as server:
        run_id = await server.start("build_feature", task="slugs")
        async with server.client.stream("GET", f"/api/runs/{run_id}/events") as response:
            events = [event async for event in frames(response)]
        listed = await place.command("runs")

    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "workflow_completed"
    assert run_id in listed.stdout


async def test_curl_follows_a_live_run_as_it_happens(place: Place) -> None:
    async with serving(place, HELD) as server:
        run_id = await server.start("held", task="x")
        url = str(server.client.base_url.join(f"/api/runs/{run_id}/events"))
        async with await anyio.open_process(["curl", "-N", "-s", "-S", url]) as curl:  # noqa: TID251 - it ends with the run
            assert curl.stdout is not None
            seen = b""
            with anyio.fail_after(30):
                while b"waiting for go" not in seen:
                    seen += await curl.stdout.receive()
                (place.workspace / "go").touch()
                async for chunk in curl.stdout:
                    seen += chunk
                code = await curl.wait()

    ids = [int(number) for number in re.findall(rb"^id: (\d+)$", seen, re.MULTILINE)]
    assert code == 0
    assert ids == list(range(1, len(ids) + 1))
    assert seen.splitlines()[-2].startswith(b'data: {"run_id"')
    assert re.findall(rb"^event: (\w+)$", seen, re.MULTILINE)[-1] == b"workflow_completed"


async def test_spans_of_a_run_go_where_the_variables_say(tmp_path: Path) -> None:
    with collector() as found:
        place = Place.below(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=found.url)
        async with serving(place, "--offline") as server:
            run_id = await server.start("build_feature", task="slugs")
            async with server.client.stream("GET", f"/api/runs/{run_id}/events") as response:
                _ = [chunk async for chunk in response.aiter_raw()]
            assert await server.stop() == 0

    kinds = {name.partition(" ")[0] for name in found.names()}
    assert kinds >= {"invoke_workflow", "stage", "invoke_agent", "execute_tool"}
    assert {span.trace_id for span in found.spans} == {sha256(run_id.encode()).digest()[:16]}


async def test_nothing_is_written_to_standard_output(place: Place) -> None:
    async with serving(place, "--offline") as server:
        await server.client.get("/health")
        await server.stop()
        assert server.process.stdout is not None
        written = [chunk async for chunk in server.process.stdout]

    assert written == []
    assert b"GET /health 200" in server.stderr


async def test_an_address_others_can_reach_is_refused_without_a_token(place: Place) -> None:
    async with place.process("serve", "--http", "0.0.0.0:0") as process:
        done = await ended(process)

    assert done.exit_code == 2
    assert "AGENT_WORKFLOWS_TOKEN" in done.stderr


async def test_it_is_served_with_one(tmp_path: Path) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_TOKEN="a-long-random-text")

    async with serving(place, "--offline", at="0.0.0.0:0") as server:
        url = f"http://127.0.0.1:{server.client.base_url.port}/health"
        without = await server.client.get(url)
        with_it = await server.client.get(url, headers={"authorization": "Bearer a-long-random-text"})
        await server.stop()

    assert (without.status_code, with_it.status_code) == (401, 200)
    assert b"a-long-random-text" not in server.stderr


async def test_an_address_that_is_taken_is_said(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with place.process("serve", "--offline", "--http", f"127.0.0.1:{port}") as process:
            done = await ended(process)

    assert done.exit_code == 1
    assert "cannot be listened at" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_parks_the_runs_tells_the_watchers_and_ends_the_server(
    place: Place, number: signal.Signals
) -> None:
    async with serving(place, HELD) as server:
        run_id = await server.start("held", task="x")
        async with server.client.stream("GET", f"/api/runs/{run_id}/events") as response:
            stream = frames(response)
            await anext(stream)
            code = await server.stop(number)
            last = [event async for event in stream][-1]

    assert code == 0
    assert last == {"run_id": run_id, "reason": "server_closing"}
    assert await left_as(place, run_id) == "interrupted"


def held_call(task: str) -> dict[str, Any]:
    """A call of the workflow that waits, over `/mcp`."""
    call = {"name": "held", "arguments": {"task": task}, "_meta": CLIENT}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "held",
    }
    return {"json": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}, "headers": headers}


async def test_a_call_over_mcp_is_told_that_the_server_ends(place: Place) -> None:
    async with (
        serving(place, HELD) as server,
        server.client.stream("POST", "/mcp", **held_call("x")) as response,
    ):
        messages = frames(response)
        while "waiting for go" not in str(await anext(messages)):
            pass
        code = await server.stop()
        last = [message async for message in messages][-1]

    assert code == 0
    assert last["id"] == 1
    assert last["result"]["isError"]
    assert "The server is shutting down" in last["result"]["content"][0]["text"]


async def test_a_client_that_says_nothing_does_not_hold_the_end_up(place: Place) -> None:
    async with serving(place, "--offline") as server:
        port = server.client.base_url.port
        assert port is not None
        async with await anyio.connect_tcp("127.0.0.1", port):
            assert await server.stop() == 0


async def test_runs_may_end_by_themselves_before_the_server_does(tmp_path: Path) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_DRAIN_SECONDS="20")

    async with serving(place, HELD) as server:
        run_id = await server.start("held", task="x")
        server.process.send_signal(signal.SIGTERM)
        await until_it_takes_no_runs(server)
        refused = await server.client.post("/api/runs", json={"workflow": "held", "input": {"task": "y"}})
        with anyio.fail_after(15):
            refused_call = await server.client.post("/mcp", **held_call("z"))
        (place.workspace / "go").touch()
        with anyio.fail_after(30):
            code = await server.process.wait()

    assert refused.status_code == 503
    assert "The server is shutting down" in refused_call.text
    assert code == 0
    assert await left_as(place, run_id) == "completed"


async def test_a_second_signal_ends_the_waiting(tmp_path: Path) -> None:
    place = Place.below(tmp_path, AGENT_WORKFLOWS_DRAIN_SECONDS="60")

    async with serving(place, HELD) as server:
        await server.start("held", task="x")
        server.process.send_signal(signal.SIGTERM)
        await until_it_takes_no_runs(server)
        assert await server.stop() == 0


async def killed_while_it_is_watched(server: Serving, run_id: str, seen: list[dict[str, Any]]) -> None:
    async with server.client.stream("GET", f"/api/runs/{run_id}/events") as response:
        async for event in frames(response):
            seen.append(event)
            if event["type"] == "agent_event":
                server.process.kill()


async def until_it_takes_no_runs(server: Serving) -> None:
    async def takes_none() -> bool:
        return (await server.client.get("/ready")).status_code == 503

    await until_answered(takes_none, every=0.02)


async def test_a_watcher_misses_nothing_when_the_server_is_killed_and_comes_back(place: Place) -> None:
    seen: list[dict[str, Any]] = []
    async with serving(place, HELD) as server:
        run_id = await server.start("held", task="x")
        with pytest.raises(httpx.RemoteProtocolError):
            await killed_while_it_is_watched(server, run_id, seen)
    async with serving(place, HELD) as server:
        (place.workspace / "go").touch()
        resumed = await server.client.post(f"/api/runs/{run_id}/resume", json={})
        headers = {"last-event-id": str(seen[-1]["seq"])}
        async with server.client.stream("GET", f"/api/runs/{run_id}/events", headers=headers) as response:
            seen += [event async for event in frames(response)]

    assert resumed.status_code == 200, resumed.text
    assert [event["seq"] for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1]["type"] == "workflow_completed"
    assert "workflow_resumed" in [event["type"] for event in seen]
