"""MCP over Streamable HTTP, with the SDK's own client, in both protocol eras."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, cast

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from tests.mcp_server.http.running import BOUND, Running, running
from tests.mcp_server.http.test_security import TOKENS
from tests.waiting import until

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "2026-07-28"]
ERAS: list[Era] = ["legacy", "2026-07-28"]


@asynccontextmanager
async def client_of(server: Running, era: Era, token: str | None = None) -> AsyncGenerator[Client, None]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, verify=False, timeout=BOUND) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        with anyio.fail_after(BOUND):
            async with Client(transport, mode=era) as client:
                yield client


def run_of(result: CallToolResult) -> str:
    """The id of the run that a call has started."""
    return str(cast("dict[str, object]", result.structured_content)["run_id"])


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_reports_its_progress_and_returns_its_result(server: Running, era: Era) -> None:
    lines: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        del total
        lines.append((progress, message))

    async with client_of(server, era) as client:
        result = await client.call_tool("echo", {"text": "hello"}, progress_callback=note)
        await until(lambda: len(lines) >= 2)

    assert not result.is_error
    assert result.structured_content is not None
    assert result.structured_content["result"] == {"answer": "hello"}
    assert any("hello" in (message or "") for _, message in lines)


@pytest.mark.parametrize("era", ERAS)
async def test_a_run_of_one_user_is_not_there_for_another(tmp_path: Path, era: Era) -> None:
    async with running(tmp_path, tokens=TOKENS) as server:
        async with client_of(server, era, TOKENS["ann"]) as ann:
            of_ann = await ann.call_tool("echo", {"text": "hello"})
            run_id = run_of(of_ann)
            artifact = await ann.read_resource(f"runs://{run_id}/artifacts/echo.md")
        async with client_of(server, era, TOKENS["bob"]) as bob:
            listed = await bob.call_tool("list_runs", {})
            looked_at = await bob.call_tool("get_run", {"run_id": run_id})
            cancelled = await bob.call_tool("cancel_run", {"run_id": run_id})
            for part in ("", "/events", "/artifacts/echo.md"):
                with pytest.raises(MCPError, match="There is no resource"):
                    await bob.read_resource(f"runs://{run_id}{part}")

    assert artifact.contents
    assert (listed.structured_content or {})["runs"] == []
    assert looked_at.is_error
    assert cancelled.is_error


@pytest.mark.parametrize("era", ERAS)
async def test_a_run_that_was_called_over_mcp_is_watched_over_the_api(server: Running, era: Era) -> None:
    async with client_of(server, era) as mcp, server.client() as api:
        result = await mcp.call_tool("echo", {"text": "hello"})
        run_id = run_of(result)

        assert (await api.get(f"/api/runs/{run_id}")).json()["result"] == {"answer": "hello"}


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_is_cancelled_ends_its_run(server: Running, era: Era) -> None:
    async def statuses() -> list[str]:
        async with server.client() as api:
            return [run["status"] for run in (await api.get("/api/runs")).json()["runs"]]

    async with client_of(server, era) as client:
        told = anyio.Event()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            del progress, total
            if "held" in (message or ""):
                told.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, client, note)
            await told.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(BOUND):
            while await statuses() != ["cancelled"]:  # noqa: ASYNC110 - the server says it over HTTP only
                await anyio.sleep(0.02)


async def call(client: Client, note: Any) -> None:
    await client.call_tool("hold", {"text": "x"}, progress_callback=note)


async def test_a_session_belongs_to_whoever_opened_it(tmp_path: Path) -> None:
    opening: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream"}
    async with running(tmp_path, tokens=TOKENS) as server:
        async with server.client(TOKENS["ann"], **accept) as ann:
            opened = await ann.post("/mcp", json=opening)
            session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        async with server.client(TOKENS["bob"], **accept) as bob:
            foreign = await bob.post("/mcp", json=listing, headers=session)

    assert opened.status_code == 200
    assert foreign.status_code == 404
