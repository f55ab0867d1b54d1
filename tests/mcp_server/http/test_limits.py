"""How much one client may take of the server."""

from pathlib import Path

import anyio
import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.mcp_server.http.asking import problem, tool_call
from tests.mcp_server.http.running import BOUND, running
from tests.waiting import until

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("no_time_passes")
async def test_who_asks_too_often_is_told_when_to_ask_again(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_second=0.5) as server, server.client() as client:
        answers = [await client.get("/health") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["kind"] == "too_many_requests"


async def test_a_client_that_opens_streams_without_end_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, max_streams=3) as server, server.client() as client:
        run = await server.told(events=1)
        opened = [await open_stream(client, run.run_id) for _ in range(5)]
        statuses = [response.status_code for response in opened]
        refused = opened[-1]
        await refused.aread()
        with pytest.raises(InvalidStatus) as socket:
            await server.socket(run.run_id)
        for response in opened:
            await response.aclose()

    assert statuses == [200, 200, 200, 429, 429]
    assert refused.json()["kind"] == "too_many_streams"
    assert refused.headers["connection"] == "close"
    assert socket.value.response.status_code == 429


async def test_calls_over_mcp_are_streams_too(tmp_path: Path) -> None:
    async with running(tmp_path, max_streams=2) as server, server.client() as client:
        run = await server.told(events=1)
        opened = [
            await open_stream(client, run.run_id),
            await client.send(tool_call(client, "hold", text="one"), stream=True),
        ]
        refused = await client.send(tool_call(client, "hold", text="two"))
        stream = await open_stream(client, run.run_id)
        runs = (await client.get("/api/runs?workflow=hold")).json()["runs"]
        for response in [*opened, stream]:
            await response.aclose()
        await until(lambda: not server.uvicorn.server_state.tasks)
        figures = (await client.get("/metrics")).text

    assert [response.status_code for response in opened] == [200, 200]
    assert refused.status_code == stream.status_code == 429
    problem(refused, 429, "too_many_streams")
    assert [run["asked"] for run in runs] == ["one"]
    assert "agent_workflows_streams_open 0.0" in figures


async def test_who_may_open_no_more_streams_can_still_end_one(tmp_path: Path) -> None:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    opening = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    accept = {"accept": "application/json, text/event-stream"}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "hold", "arguments": {"text": "x"}}}
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
    async with running(tmp_path, max_streams=1) as server, server.client(**accept) as client:
        opened = await client.post("/mcp", json=opening)
        client.headers["mcp-session-id"] = opened.headers["mcp-session-id"]
        await client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        async with client.stream("POST", "/mcp", json=call):
            second = await client.post("/mcp", json={**call, "id": 3})
            listening = await client.get("/mcp")
            ending = await client.post("/mcp", json=cancelled)

    assert [second.status_code, listening.status_code] == [429, 429]
    assert ending.status_code == 202


async def open_stream(client: httpx.AsyncClient, run_id: str) -> httpx.Response:
    return await client.send(client.build_request("GET", f"/api/runs/{run_id}/events"), stream=True)


async def test_connections_are_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, max_connections=2) as server:
        first = await anyio.connect_tcp("127.0.0.1", server.address.port)
        second = await anyio.connect_tcp("127.0.0.1", server.address.port)
        third = await anyio.connect_tcp("127.0.0.1", server.address.port)
        with anyio.fail_after(BOUND):
            answer = await third.receive()
        for stream in (first, second, third):
            await stream.aclose()

    assert answer.startswith(b"HTTP/1.1 503")
    assert b"too_many_connections" in answer
