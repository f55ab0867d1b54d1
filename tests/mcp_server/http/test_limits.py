"""How much one client may take of the server."""

from pathlib import Path

import anyio
import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.mcp_server.http.running import running

pytestmark = pytest.mark.anyio


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


async def open_stream(client: httpx.AsyncClient, run_id: str) -> httpx.Response:
    return await client.send(client.build_request("GET", f"/api/runs/{run_id}/events"), stream=True)


async def test_connections_are_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, max_connections=2) as server:
        first = await anyio.connect_tcp("127.0.0.1", server.address.port)
        second = await anyio.connect_tcp("127.0.0.1", server.address.port)
        third = await anyio.connect_tcp("127.0.0.1", server.address.port)
        with anyio.fail_after(5):
            answer = await third.receive()
        for stream in (first, second, third):
            await stream.aclose()

    assert answer.startswith(b"HTTP/1.1 503")
    assert b"too_many_connections" in answer
