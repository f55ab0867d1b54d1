"""Tools of real MCP servers, over both transports, as an agent over a model uses them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer

from agents.errors import AgentMisconfigured, ToolsUnavailable
from agents.processes.registry import ProcessRegistry
from agents.tools.tool import Tool, ToolFailed
from mcp_server import mcp_tools
from mcp_server.mcp_tools import ConnectedServers
from tests.descendants import processes_with_marker
from tests.test_house import ROOT

pytestmark = pytest.mark.anyio

CASES = {"command": sys.executable, "args": [str(ROOT / "examples" / "case_database" / "server.py")]}
RUN_ID = "run-of-connected-tools"
BROKEN_AFTER_LISTING = """
import os
from mcp.server.mcpserver import MCPServer
server = MCPServer("broken")

@server.tool()
def leave() -> str:
    os._exit(3)

@server.tool(name="a name that no model takes")
def odd() -> str:
    return "odd"

@server.tool()
def where() -> list[str]:
    return [os.getcwd(), os.environ.get("GIVEN", ""), os.environ.get("AGENT_WORKFLOWS_TOKEN", "no secret")]

server.run("stdio")
"""


@pytest.fixture
async def registry() -> AsyncGenerator[ProcessRegistry]:
    registry = ProcessRegistry()
    yield registry
    await registry.close()


@asynccontextmanager
async def connected(
    directory: Path, registry: ProcessRegistry, servers: Mapping[str, object], **variables: str
) -> AsyncGenerator[dict[str, Tool]]:
    config = directory / "mcp.json"
    config.write_text(json.dumps({"mcpServers": servers}))
    with anyio.fail_after(30):
        source = ConnectedServers(config, registry, {**os.environ, **variables})
        async with source.open(directory, RUN_ID) as tools:
            yield {tool.name: tool for tool in tools}


async def test_tools_of_a_server_are_called_and_its_process_is_gone_after_it(
    tmp_path: Path, registry: ProcessRegistry
) -> None:
    async with connected(tmp_path, registry, {"cases": CASES}) as tools:
        assert sorted(tools) == ["mcp__cases__cases_of", "mcp__cases__find_people", "mcp__cases__get_case"]
        find = tools["mcp__cases__find_people"]
        assert find.description.startswith("Find people by their name")
        assert find.input_schema["required"] == ["name"]

        found = await find.call({"name": "john smith"})

        assert [person["id"] for person in json.loads(found.output)["result"]] == [1, 3]
        assert (found.ok, found.changed_something) == (True, False)
        assert processes_with_marker(RUN_ID)
    assert processes_with_marker(RUN_ID) == []


async def test_what_a_tool_refuses_is_told_as_a_failure(tmp_path: Path, registry: ProcessRegistry) -> None:
    async with connected(tmp_path, registry, {"cases": CASES}) as tools:
        missing = await tools["mcp__cases__get_case"].call({"number": "1999-001"})
        wrong = await tools["mcp__cases__cases_of"].call({"person_id": "nobody"})

    assert not missing.ok
    assert "there is no case '1999-001': cases_of lists a person's" in missing.output
    assert not wrong.ok


async def test_calls_made_side_by_side_each_get_their_own_answer(tmp_path: Path, registry: ProcessRegistry) -> None:
    async with connected(tmp_path, registry, {"cases": CASES}) as tools:
        numbers = ["2024-017", "2025-003", "2025-011", "2025-029"]
        outcomes = await asyncio.gather(*(tools["mcp__cases__get_case"].call({"number": n}) for n in numbers))

    assert [json.loads(outcome.output)["number"] for outcome in outcomes] == numbers


async def test_a_server_is_started_in_the_workspace_with_its_variables_and_not_with_our_settings(
    tmp_path: Path, registry: ProcessRegistry
) -> None:
    (tmp_path / "broken.py").write_text(BROKEN_AFTER_LISTING)
    broken = {"command": sys.executable, "args": ["broken.py"], "env": {"GIVEN": "${WORD:-unset} ${OTHER:-default}"}}

    async with connected(
        tmp_path, registry, {"broken": broken}, WORD="given", AGENT_WORKFLOWS_TOKEN="a secret"
    ) as tools:
        outcome = await tools["mcp__broken__where"].call({})

    where, *variables = json.loads(outcome.output)["result"]
    assert (Path(where).name, variables) == (tmp_path.name, ["given default", "no secret"])
    assert outcome.changed_something
    assert "mcp__broken__a name that no model takes" not in tools


async def test_a_server_that_dies_fails_its_calls_and_not_the_agent(tmp_path: Path, registry: ProcessRegistry) -> None:
    (tmp_path / "broken.py").write_text(BROKEN_AFTER_LISTING)
    broken = {"command": sys.executable, "args": ["broken.py"]}

    async with connected(tmp_path, registry, {"broken": broken, "cases": CASES}) as tools:
        for _ in range(2):
            with pytest.raises(ToolFailed, match="mcp__broken__leave failed"):
                await tools["mcp__broken__leave"].call({})
        assert (await tools["mcp__cases__get_case"].call({"number": "2024-017"})).ok


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ({"command": "no-such-command-anywhere"}, "no-such-command-anywhere"),
        ({"command": sys.executable, "args": ["-c", "print('not a server')"]}, ""),
        ({"type": "http", "url": "http://127.0.0.1:9/mcp"}, ""),
    ],
)
async def test_a_server_that_cannot_be_reached_is_named_and_leaves_nothing(
    tmp_path: Path, registry: ProcessRegistry, server: object, problem: str
) -> None:
    with pytest.raises(ToolsUnavailable, match=r"The MCP server gone \(") as unavailable:
        async with connected(tmp_path, registry, {"gone": server, "cases": CASES}):
            raise AssertionError("it must not get here")

    assert problem in unavailable.value.message
    assert processes_with_marker(RUN_ID) == []


async def test_a_server_that_never_answers_is_waited_for_no_longer_than_said(
    tmp_path: Path, registry: ProcessRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_tools, "CONNECT_SECONDS", 0.5)
    silent = {"command": sys.executable, "args": ["-c", "import sys; sys.stdin.read()"]}

    with pytest.raises(ToolsUnavailable, match="No tools from the MCP server silent after"):
        async with connected(tmp_path, registry, {"silent": silent}):
            raise AssertionError("it must not get here")
    assert processes_with_marker(RUN_ID) == []


async def test_an_error_of_the_task_comes_out_as_it_is(tmp_path: Path, registry: ProcessRegistry) -> None:
    with pytest.raises(AgentMisconfigured, match="mine"):
        async with connected(tmp_path, registry, {"cases": CASES}):
            raise AgentMisconfigured("mine")
    assert processes_with_marker(RUN_ID) == []


async def test_a_cancelled_call_leaves_nothing_behind(tmp_path: Path, registry: ProcessRegistry) -> None:
    (tmp_path / "slow.py").write_text(
        "import anyio\nfrom mcp.server.mcpserver import MCPServer\nserver = MCPServer('slow')\n"
        "@server.tool()\nasync def wait() -> str:\n    open('begun', 'w').close()\n    await anyio.sleep_forever()\n"
        "server.run('stdio')\n"
    )
    slow = {"command": sys.executable, "args": ["slow.py"]}

    async def use() -> None:
        async with connected(tmp_path, registry, {"slow": slow}) as tools:
            await tools["mcp__slow__wait"].call({})

    task = asyncio.create_task(use())
    async with asyncio.timeout(20):
        while not (tmp_path / "begun").exists():  # noqa: ASYNC110 - another process says so, by a file
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait({task})

    assert task.cancelled()
    assert processes_with_marker(RUN_ID) == []


async def test_a_list_of_servers_that_cannot_be_used_is_named(tmp_path: Path, registry: ProcessRegistry) -> None:
    with pytest.raises(AgentMisconfigured, match=r"mcp\.json cannot be used"):
        async with connected(tmp_path, registry, {"cases": {"command": ""}}):
            raise AssertionError("it must not get here")


async def test_a_variable_that_is_not_set_is_named(tmp_path: Path, registry: ProcessRegistry) -> None:
    with pytest.raises(AgentMisconfigured, match="NO_SUCH_VARIABLE_HERE, which is not set"):
        async with connected(tmp_path, registry, {"cases": {"command": "${NO_SUCH_VARIABLE_HERE}"}}):
            raise AssertionError("it must not get here")


async def test_a_server_over_http_is_given_its_headers(tmp_path: Path, registry: ProcessRegistry) -> None:
    seen: list[str] = []
    async with http_server(seen) as url:
        wiki = {"type": "http", "url": url, "headers": {"X-Token": "${WIKI_TOKEN}"}}
        async with connected(tmp_path, registry, {"wiki": wiki}, WIKI_TOKEN="t0ken") as tools:
            outcome = await tools["mcp__wiki__page"].call({"title": "Tides"})

    assert json.loads(outcome.output)["result"] == "All about Tides."
    assert set(seen) == {"t0ken"}


@asynccontextmanager
async def http_server(seen: list[str]) -> AsyncGenerator[str]:
    """An MCP server over Streamable HTTP on loopback, which notes the token of every request."""
    wiki = MCPServer("wiki")

    @wiki.tool()
    def page(title: str) -> str:
        """Read a page."""
        return f"All about {title}."

    app = wiki.streamable_http_app()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(dict(scope["headers"]).get(b"x-token", b"").decode())
        await app(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(noting, host="127.0.0.1", port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(5):
            while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
                await asyncio.sleep(0.01)
        (socket,) = server.servers[0].sockets
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        await asyncio.wait({serving}, timeout=5)
