"""What tests ask the API for, and how they read its answers."""

from typing import Any

import httpx
import orjson

from mcp_server.http.problem import TYPE_PREFIX
from tests.mcp_server.http.running import watching

ECHO = {"workflow": "echo", "input": {"text": "hello"}}
HOLD = {"workflow": "hold", "input": {"text": "hello"}}


async def started(client: httpx.AsyncClient, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = await client.post("/api/runs", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


def tool_call(client: httpx.AsyncClient, tool: str, **arguments: object) -> httpx.Request:
    """A call of a tool over `/mcp`, as a client of the stateless era sends it."""
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "bare", "version": "1"},
        "progressToken": "p",
    }
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return client.build_request("POST", "/mcp", json=body, headers=headers)


def messages(answer: httpx.Response) -> list[dict[str, Any]]:
    """All messages of an answer of `/mcp`."""
    if answer.headers["content-type"].startswith("application/json"):
        return [answer.json()]
    lines = answer.text.splitlines()
    return [orjson.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


async def whole(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    """A run once it is over."""
    async with watching(client, run_id) as watcher:
        await watcher.frames()
    return (await client.get(f"/api/runs/{run_id}")).json()


def problem(answer: httpx.Response, status: int, kind: str, field: str | None = None) -> dict[str, Any]:
    """The problem that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["kind"] == kind
    assert found["type"] == TYPE_PREFIX + kind
    assert found["status"] == status
    assert found["message"] == found["detail"]
    assert found.get("field") == field
    return found
