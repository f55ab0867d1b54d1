"""`collaborate` and `review_code` from outside: through the real server, with scripted agents and real files."""

from pathlib import Path

import jsonschema
import orjson
import pytest

from tests.agents.workspace.repositories import git, repository, write
from tests.system.place import Place
from tests.system.test_progress import assert_true_to_log
from tests.system.wire import Json, WireClient
from tests.workflows.review_code.test_offline import STORE

pytestmark = pytest.mark.anyio


async def assert_offered(client: WireClient, workflow: str, fields: set[str]) -> Json:
    """See that a workflow is a tool, a prompt and a diagram; returns the tool."""
    tools = {tool["name"]: tool for tool in (await client.asked("tools/list"))["result"]["tools"]}
    prompts = {prompt["name"]: prompt for prompt in (await client.asked("prompts/list"))["result"]["prompts"]}
    assert fields <= set(tools[workflow]["inputSchema"]["properties"])
    assert {argument["name"] for argument in prompts[workflow]["arguments"]} == fields
    return tools[workflow]


async def test_code_is_written_together_and_watched_while_it_is(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline") as client:
        await client.open()
        tool = await assert_offered(client, "collaborate", {"task", "language", "with_tests", "max_refinements"})
        request = await client.call("collaborate", {"task": "spans of time in words"})
        result = (await client.answer(request, within=30))["result"]["structuredContent"]

        jsonschema.validate(result, tool["outputSchema"])
        assert (result["status"], result["offline"]) == ("completed", True)
        assert result["result"]["review"]["verdict"] == "approved"
        assert result["result"]["tests"]["passed"] is True
        assert {file["path"] for file in result["result"]["files"]} == {
            "durations/README.md",
            "durations/durations.py",
            "durations/test_durations.py",
        }
        assert all((place.workspace / file["path"]).is_file() for file in result["result"]["files"])

        log = await client.log_of(result["run_id"])
        assert_true_to_log(client.events(request), log)
        rounds = [(event["stage"], event["round"]) for event in log if event["type"] == "stage_completed"]
        loop = [("reviewer", 1), ("refiner", 1), ("reviewer", 2), ("tester", 1), ("documenter", 1)]
        assert rounds == [("architect", 1), ("coder", 1), *loop]
        progress = [event["progress"] for event in log]
        assert progress == sorted(progress)

        media_types: set[tuple[str, str]] = set()
        for artifact in result["artifacts"]:
            (contents,) = (await client.asked("resources/read", {"uri": artifact["uri"]}))["result"]["contents"]
            media_types.add((artifact["name"], contents["mimeType"]))
        assert {
            ("design.md", "text/markdown"),
            ("changes.diff", "text/x-diff"),
            ("review.json", "application/json"),
            ("review-2.json", "application/json"),
            ("tests.json", "application/json"),
            ("documentation.md", "text/markdown"),
        } <= media_types
        diagram = await client.resource("workflows://collaborate/graph")
        assert "reviewer -.-> refiner" in diagram
    await place.deserted(3)


async def test_code_is_reviewed_side_by_side(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    repository(place.workspace, {"README.md": "# Store\n"})
    git(place.workspace, "switch", "--quiet", "--create", "work")
    write(place.workspace, {"store.py": STORE})
    async with place.server("--offline") as client:
        await client.open()
        tool = await assert_offered(client, "review_code", {"base", "focus"})
        request = await client.call("review_code", {"base": "main"})
        result = (await client.answer(request, within=30))["result"]["structuredContent"]

        jsonschema.validate(result, tool["outputSchema"])
        assert result["status"] == "completed"
        found = result["result"]["findings"]
        assert [each["severity"] for each in found] == ["high", "high", "high", "medium", "medium", "low"]
        assert {each["file"] for each in found} == {"store.py"}
        (findings,) = [each for each in result["artifacts"] if each["name"] == "findings.json"]
        assert orjson.loads(await client.resource(findings["uri"])) == found

        log = await client.log_of(result["run_id"])
        assert_true_to_log(client.events(request), log)
        agents = {event["agent"] for event in log if event["type"] == "tool_start"}
        assert agents == {f"{aspect}_reviewer" for aspect in ("correctness", "security", "performance", "tests")}
        assert "reviewer" in await client.resource("workflows://review_code/graph")

        refused = await client.called("review_code", {"base": "no-such-branch"})
        assert refused["isError"]
        text = refused["content"][0]["text"]
        assert "has no commit, branch or tag 'no-such-branch'" in text
        assert "HEAD~1" in text
        assert refused["structuredContent"]["error"]["kind"] == "invalid_input"
    await place.deserted(3)
