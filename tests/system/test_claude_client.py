"""The helper that drives the real client, proved on a small server."""

import sys
from pathlib import Path

import anyio
import orjson
import pytest
from pydantic import TypeAdapter

from tests.system.claude_client import ClientOutcome, McpCall, StdioServer, claude_client
from tests.system.claude_process import family, survivors
from tests.system.echo_mcp_server import Echo

pytestmark = pytest.mark.anyio

ECHO = StdioServer((sys.executable, str(Path(__file__).with_name("echo_mcp_server.py"))), name="echo")


async def outcome_of(tmp_path: Path, *calls: McpCall) -> ClientOutcome:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with anyio.fail_after(30):
        async with claude_client(ECHO, calls, tmp_path=tmp_path, workspace=workspace) as client:
            await client.api.received(1)
            members = family(client.process.process.pid)
            outcome = await client.finish()
    assert len(members) >= 2, "The server was not among the client's children."
    assert await survivors(members) == []
    return outcome


async def test_the_model_reads_what_the_server_gave_back(tmp_path: Path) -> None:
    outcome = await outcome_of(
        tmp_path,
        McpCall("echo", {"text": "hello"}),
        McpCall("echo", lambda results: {"text": Echo.model_validate_json(results[0].text).text * 2}),
    )
    assert (outcome.process.exit_code, outcome.process.result["result"]) == (0, "Done.")
    assert [(result.tool, result.ok) for result in outcome.results] == [("mcp__echo__echo", True)] * 2
    assert orjson.loads(outcome.results[1].text) == {"text": "hellohello", "length": 10}
    assert sorted(outcome.offered) == ["echo", "refuse"]
    assert servers_of(outcome) == [{"name": "echo", "status": "connected"}]


async def test_a_refusal_reaches_the_model_as_a_failed_call(tmp_path: Path) -> None:
    outcome = await outcome_of(tmp_path, McpCall("refuse", {"reason": "not today"}))
    (result,) = outcome.results
    assert (result.ok, "Refused: not today" in result.text) == (False, True)


def servers_of(outcome: ClientOutcome) -> list[dict[str, str]]:
    """The servers that the client says it is connected to."""
    (started,) = outcome.process.of_type("system", "init")
    servers = TypeAdapter(list[dict[str, str]]).validate_python(started["mcp_servers"])
    return [{key: server[key] for key in ("name", "status")} for server in servers]
