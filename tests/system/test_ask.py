"""`ask` over the wire, on the real `claude` and on a model's API, with a real MCP server; the model is scripted."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import orjson
import pytest

from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Block, Reply, ScriptFailed, Text, ToolUse, say
from tests.system.place import Place
from tests.test_house import ROOT

pytestmark = pytest.mark.anyio

EXAMPLE = ROOT / "examples" / "case_database"
QUESTION = "Find the cases of John Smith"


def model(request: ModelRequest) -> Answer:
    """It looks the name up, asks for the cases of everybody it has found, and answers from what it was told."""
    told = [result.text for result in request.tool_results]
    if not all(result.ok for result in request.tool_results):
        raise ScriptFailed(f"A tool call failed that should not: {told}")
    if not told:
        return _calls("I look up who has that name.", [ToolUse("mcp__cases__find_people", {"name": "john smith"})])
    people = orjson.loads(told[0])["result"]
    if len(told) == 1:
        calls = [ToolUse("mcp__cases__cases_of", {"person_id": person["id"]}) for person in people]
        return _calls(f"{len(people)} people have that name, so I list the cases of each.", calls)
    lines = [
        f"- {case['number']}, {case['subject']}: John Smith of {person['town']}"
        for person, cases in zip(people, told[1:], strict=True)
        for case in orjson.loads(cases)["result"]
    ]
    return say("\n".join(lines))


def _calls(thought: str, calls: Sequence[ToolUse]) -> Reply:
    blocks: list[Block] = [Text(thought), *calls]
    return Reply(tuple(blocks))


@pytest.mark.parametrize("runs_on", ["claude-cli", "anthropic:claude-opus-5-5"])
async def test_the_cases_of_john_smith_are_found_in_the_connected_database(tmp_path: Path, runs_on: str) -> None:
    async with messages_api(model) as api:
        variables = claude_environment(tmp_path, api.url) | {
            "AGENT_WORKFLOWS_CLAUDE": str(require_claude()),
            "AGENT_WORKFLOWS_MCP_CONFIG": str(EXAMPLE / "mcp.json"),
            "AGENT_WORKFLOWS_MODEL_ASSISTANT": runs_on,
            "AGENT_WORKFLOWS_ROOTS": str(EXAMPLE),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),  # its python3 has `mcp`
        }
        place = Place.below(tmp_path, **variables)
        async with place.server() as client:
            await client.open()
            request = await client.call("ask", {"question": QUESTION})
            result = (await client.answer(request, within=40))["result"]["structuredContent"]

            assert (result["status"], result["offline"]) == ("completed", False)
            assert result["result"]["answer"].splitlines() == [
                "- 2024-017, Boundary of a garden: John Smith of Ashford",
                "- 2025-003, Water damage by a neighbour: John Smith of Ashford",
                "- 2025-029, Notice without reason: John Smith of Newhaven",
            ]
            steps = [(step["thought"], [call["call"] for call in step["calls"]]) for step in result["result"]["steps"]]
            assert steps == [
                ("I look up who has that name.", ["cases: find_people john smith"]),
                ("2 people have that name, so I list the cases of each.", ["cases: cases_of 1", "cases: cases_of 3"]),
            ]
            assert all(call["ok"] for step in result["result"]["steps"] for call in step["calls"])
            tools = (await client.asked("tools/list"))["result"]["tools"]
            schema = next(tool["outputSchema"] for tool in tools if tool["name"] == "ask")
            jsonschema.validate(result, schema)

            log = await client.log_of(result["run_id"])
            assert [event["step"] for event in log if event["type"] == "reasoning_step"] == [1, 2]
            ends = [event for event in log if event["type"] == "tool_end"]
            assert len(ends) == 3
            assert all(0 <= event["seconds"] <= result["usage"]["seconds"] for event in ends)
            lines = [frame["message"] for frame in client.frames(request)]
            assert any(line.startswith("assistant 🧠 step 1: I look up who has that name.") for line in lines)
            assert any(line.startswith("assistant 🔧 cases: find_people john smith") for line in lines)

            (offered,) = {request.tools for request in api.requests}
            assert {"Read", "Grep", "Glob", "WebFetch", "mcp__cases__get_case"} <= set(offered)
            assert not {"Bash", "Write", "Edit", "Agent"} & set(offered)
    await place.deserted(3)


async def test_a_list_of_servers_that_cannot_be_used_is_named_in_the_error(tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"
    config.write_text('{"mcpServers": {"cases": {"comand": "python3"}}}')
    variables = {"AGENT_WORKFLOWS_CLAUDE": str(require_claude()), "AGENT_WORKFLOWS_MCP_CONFIG": str(config)}
    place = Place.below(tmp_path, **variables)
    async with place.server() as client:
        await client.open()
        result = await client.called("ask", {"question": QUESTION}, within=20)
        assert result["isError"]
        error = result["structuredContent"]["error"]
        assert error["kind"] == "agent_misconfigured"
        assert str(config) in error["message"]
        assert "cases.command: Field required" in error["message"]
