"""MCP over Streamable HTTP, with the SDK's own client, in both protocol eras."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, cast

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import HEADER_MISMATCH, CallToolResult, ElicitRequestParams, ElicitResult

from tests.mcp_server.http.asking import messages
from tests.mcp_server.http.running import BOUND, Running, running
from tests.mcp_server.http.test_security import TOKENS
from tests.waiting import until

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "2026-07-28"]
ERAS: list[Era] = ["legacy", "2026-07-28"]


@asynccontextmanager
async def client_of(
    server: Running, era: Era, token: str | None = None, elicitation_callback: Any = None
) -> AsyncGenerator[Client, None]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, verify=False, timeout=BOUND) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        with anyio.fail_after(BOUND):
            async with Client(transport, mode=era, elicitation_callback=elicitation_callback) as client:
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


@pytest.mark.parametrize(("era", "status"), [("legacy", "cancelled"), ("2026-07-28", "interrupted")])
async def test_nobody_works_on_for_a_call_that_is_cancelled(server: Running, era: Era, status: str) -> None:
    """In the stateless era a client that cancels says no more than one that is gone: the run can be gone on with."""

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
    assert await end_of_the_only_run(server) == status


async def end_of_the_only_run(server: Running) -> str:
    """Its status when nobody works on it any more."""
    async with server.client() as api:
        [run] = (await api.get("/api/runs")).json()["runs"]
        with anyio.fail_after(BOUND):
            async for _ in server.assembly.engine.follow(run["run_id"]):
                pass
        return (await api.get(f"/api/runs/{run['run_id']}")).json()["status"]


async def call(client: Client, note: Any) -> None:
    await client.call_tool("hold", {"text": "x"}, progress_callback=note)


@pytest.mark.parametrize("era", ERAS)
async def test_a_question_reaches_the_client_and_its_answer_the_run(server: Running, era: Era) -> None:
    asked: list[str] = []

    async def answer(_context: object, question: ElicitRequestParams) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"approved": True})

    async with client_of(server, era, elicitation_callback=answer) as client:
        result = await client.call_tool("ask_me", {"text": "x"})

    assert asked == ["Shall it be done?"]
    assert result.structured_content is not None
    assert result.structured_content["result"] == {"answer": "yes"}


@pytest.mark.parametrize("era", ERAS)
async def test_a_question_that_a_client_cannot_show_is_answered_over_the_api(server: Running, era: Era) -> None:
    async with client_of(server, era) as client, server.client() as api:
        waiting = run_of(await client.call_tool("ask_me", {"text": "x"}))
        answered = await api.post(f"/api/runs/{waiting}/answer", json={"answer": {"approved": True}})
        await until_ended(api, waiting)
        result = await client.call_tool("get_run", {"run_id": waiting})

    assert answered.status_code == 200
    assert result.structured_content is not None
    assert result.structured_content["result"] == {"answer": "yes"}


async def test_a_call_becomes_a_task_that_another_connection_asks_after(tmp_path: Path) -> None:
    async with running(tmp_path, task_grace_seconds=0.1) as server:
        async with server.client() as first:
            *progress, created = await stateless(first, "tools/call", {"name": "hold", "arguments": {"text": "x"}})
            task = created["result"]
        async with server.client() as second:
            (working,) = await stateless(second, "tasks/get", {"taskId": task["taskId"]})
            await stateless(second, "tasks/cancel", {"taskId": task["taskId"]})
            await until_ended(second, task["taskId"])
            (ended,) = await stateless(second, "tasks/get", {"taskId": task["taskId"]})

    assert task["resultType"] == "task"
    assert [message["method"] for message in progress] == ["notifications/progress"] * len(progress)
    assert working["result"]["status"] == "working"
    assert ended["result"]["status"] == "cancelled"


async def test_a_task_of_one_user_is_not_there_for_another(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS, task_grace_seconds=0.1) as server:
        async with server.client(TOKENS["ann"]) as ann:
            created = (await stateless(ann, "tools/call", {"name": "hold", "arguments": {"text": "x"}}))[-1]
            task_id = created["result"]["taskId"]
        async with server.client(TOKENS["bob"]) as bob:
            (asked,) = await stateless(bob, "tasks/get", {"taskId": task_id})
            (unknown,) = await stateless(bob, "tasks/get", {"taskId": "0" * len(task_id)})
            (cancelled,) = await stateless(bob, "tasks/cancel", {"taskId": task_id})
        async with server.client(TOKENS["ann"]) as ann:
            status = (await ann.get(f"/api/runs/{task_id}/status")).json()["status"]

    assert asked["result"]["status"] == "failed"
    assert asked["result"] == {**unknown["result"], "taskId": task_id}
    assert "error" in cancelled
    assert status == "running"


async def test_a_request_about_a_task_whose_header_names_another_is_refused(server: Running) -> None:
    async with server.client() as client:
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            asked: dict[str, Any] = {"taskId": "0" * 20, "inputResponses": {}}
            (answer,) = await stateless(client, method, asked, header="1" * 20)
            assert answer["error"]["code"] == HEADER_MISMATCH


async def stateless(
    client: httpx.AsyncClient, method: str, params: dict[str, Any], header: str = ""
) -> list[dict[str, Any]]:
    """A request of the stateless era, with the extension for tasks; all messages of its answer.

    Args:
        client: Who asks.
        method: What.
        params: Its parameters.
        header: What `Mcp-Name` says; empty for what it should say.
    """
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
        "io.modelcontextprotocol/clientInfo": {"name": "bare", "version": "1"},
        "progressToken": "p",
    }
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        "mcp-name": header or str(params.get("name") or params.get("taskId")),
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    answer = await client.post("/mcp", json=body, headers=headers)
    return messages(answer)


async def until_ended(client: httpx.AsyncClient, run_id: str) -> None:
    async with client.stream("GET", f"/api/runs/{run_id}/events") as response:
        async for _ in response.aiter_raw():
            pass


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
