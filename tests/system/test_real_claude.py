"""The real `claude` on both ends: as the agents that work, and as the client that calls. Only its model is scripted."""

import signal
import sys
from pathlib import Path

import anyio
import jsonschema
import orjson
import pytest

from tests.fakes.build_feature_script import (
    ANSWER,
    MODULE,
    PLAN,
    TASK,
    TEST_COMMAND,
    TESTS,
    THOUGHT,
    build_feature_model,
)
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_request import ToolResult
from tests.system.claude_client import ClientOutcome, McpCall, StdioServer, claude_client
from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.scenes import SLEEPERS
from tests.system.test_progress import assert_true_to_log, is_telling
from tests.system.wire import Json, own_command
from workflows.catalog import BUILT_IN

pytestmark = pytest.mark.anyio

PREVIEW_CHARACTERS = 50_000
"""A result longer than this reaches the model as a preview of 2 kB."""
APPROVAL: Json = {"approved": True, "comment": "with care"}
LARGE_PARAGRAPHS = 3000
"""Of 100 characters each: 300 kB."""


async def test_a_feature_is_built_by_real_agents_and_watched_while_it_is(tmp_path: Path) -> None:
    async with messages_api(build_feature_model()) as api:
        variables = claude_environment(tmp_path, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        place = Place.below(tmp_path, **variables)
        async with place.server() as client:
            await client.open()
            request = await client.call("build_feature", {"task": TASK})
            # Live: what is told has happened, and the run goes on.
            testing = await client.progress(request, within=30, type="tool_start", tool="Bash", agent="codesmith")
            assert (place.workspace / TESTS).exists()
            assert (await client.told("get_run", {"run_id": testing["run_id"]}))["status"] == "running"

            result = (await client.answer(request, within=50))["result"]["structuredContent"]
            assert (result["status"], result["offline"], result["result"]["answer"]) == ("completed", False, ANSWER)
            assert [part["agent"] for part in result["result"]["rounds"]] == [*PLAN[:-1], "responder"]
            assert {file["path"] for file in result["result"]["files"]} == {MODULE, TESTS}
            assert result["result"]["review"]["verdict"] == "approved"
            assert {(run["command"], run["passed"]) for run in result["result"]["tests_run"]} == {(TEST_COMMAND, True)}
            assert result["usage"]["cost_usd"] > 0
            assert result["usage"]["input_tokens"] == sum(answer.input_tokens for answer in api.delivered)
            schema = next(tool for tool in (await client.asked("tools/list"))["result"]["tools"])["outputSchema"]
            jsonschema.validate(result, schema)
            *_, last = [artifact["uri"] for artifact in result["artifacts"] if artifact["name"].startswith("review")]
            assert orjson.loads(await client.resource(last))["verdict"] == "approved"

            told, log = client.events(request), await client.log_of(result["run_id"])
            assert_true_to_log(told, log)
            *mine, _ = [event["seq"] for event in told if is_telling(event)]
            assert mine == [event["seq"] for event in log if is_telling(event)][: len(mine)]
            assert any(THOUGHT in event["message"] for event in log if event["type"] == "agent_event")
    assert await passes(place.workspace)
    await place.deserted(3)


async def passes(workspace: Path) -> bool:
    command = [sys.executable, "-B", *TEST_COMMAND.split()[1:]]
    return (await anyio.run_process(command, cwd=workspace, check=False)).returncode == 0


def server_of(place: Place, *arguments: str, **variables: str) -> StdioServer:
    own = {
        name: value
        for name, value in place.variables().items()
        if name.startswith(("AGENT_", "TEST_", "SLIPCOVER", "PYTHON"))
    }
    return StdioServer((*own_command(), "serve", *arguments), environment={**own, **variables})


async def outcome_of(place: Place, directory: Path, server: StdioServer, *calls: McpCall) -> ClientOutcome:
    with anyio.fail_after(50):
        agents = build_feature_model(("codesmith", "finish"))
        async with claude_client(server, calls, tmp_path=directory, workspace=place.workspace, agents=agents) as client:
            return await client.finish()


def structured(result: ToolResult) -> Json:
    """What the model reads as the structured result: the last line, after a line for each resource link."""
    return orjson.loads(result.text.splitlines()[-1])


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def headless(tmp_path_factory: pytest.TempPathFactory) -> ClientOutcome:
    """One `claude -p` that has called everything the tests below look at: each start of it costs seconds."""
    directory = tmp_path_factory.mktemp("headless")
    place = Place.below(directory)
    outcome = await outcome_of(
        place,
        directory,
        server_of(place, "--offline", "--workflow", str(OWN_WORKFLOWS / "large.py")),
        McpCall("build_feature", {"task": "slugs"}),
        McpCall("get_run", lambda results: {"run_id": structured(results[0])["run_id"]}),
        McpCall("list_runs", {}),
        McpCall("build_feature", {"task": "slugs", "workspace": "/"}),
        McpCall("build_feature", {"task": "slugs, if I may", "approve_plan": True}),
        McpCall("answer_run", lambda results: {"run_id": structured(results[4])["run_id"], "answer": APPROVAL}),
        McpCall("large", {"paragraphs": LARGE_PARAGRAPHS}),
    )
    assert outcome.process.exit_code == 0
    await place.deserted(3)
    return outcome


async def test_claude_as_the_client_waits_for_the_call_and_reads_its_structured_result(
    headless: ClientOutcome,
) -> None:
    assert {*(workflow.name for workflow in BUILT_IN), "cancel_run", "get_run", "list_runs"} <= set(headless.offered)
    assert [result.ok for result in headless.results[:4]] == [True, True, True, False]
    built, looked, listed = (structured(result) for result in headless.results[:3])
    assert (built["status"], built["offline"], built["result"]["review"]["verdict"]) == ("completed", True, "approved")
    assert built["summary"].startswith("Offline: scripted agents, no model.")
    assert f"[Resource link: changes.diff] runs://{built['run_id']}/artifacts/changes.diff" in headless.results[0].text
    assert looked["result"] == built["result"]
    assert [run["run_id"] for run in listed["runs"]] == [built["run_id"]]
    assert "outside the directories" in headless.results[3].text


async def test_claude_as_the_client_reads_what_a_run_asks_and_its_answer_lets_the_run_go_on(
    headless: ClientOutcome,
) -> None:
    asked, answered = (structured(result) for result in headless.results[4:6])
    assert [result.ok for result in headless.results[4:6]] == [True, True]
    assert (asked["status"], asked["result"]) == ("waiting", None)
    for told in ("Shall this plan be carried out?", "answer_run", asked["run_id"], "approved"):
        assert told in asked["summary"]
    assert (answered["run_id"], answered["status"]) == (asked["run_id"], "completed")
    building = next(part for part in answered["result"]["rounds"] if part["agent"] == "codesmith")
    assert "claude-code approved the plan, and adds: with care" in building["instructions"]


async def test_claude_as_the_client_reads_a_large_result_as_a_summary_and_links(headless: ClientOutcome) -> None:
    large = headless.results[6]
    summary = structured(large)
    sizes = {artifact["name"]: artifact["bytes"] for artifact in summary["artifacts"]}
    assert sizes["report.md"] == LARGE_PARAGRAPHS * 100 > 250_000
    assert sizes["result.json"] > sizes["report.md"], "the whole result, as JSON"
    for name in sizes:
        assert f"[Resource link: {name}] runs://{summary['run_id']}/artifacts/{name}" in large.text
    assert summary["shortened"] == ["result (all of it is in result.json)"]
    assert summary["result"]["report"].startswith("000000 and so on")
    assert max(len(result.text) for result in headless.results) < PREVIEW_CHARACTERS


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of Unix")
async def test_claude_as_a_client_that_is_ended_takes_everything_with_it(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    server = server_of(place, "--offline", "--workflow", str(OWN_WORKFLOWS / "long_command.py"))
    calls = [McpCall("long_command", {"task": "work for a long time"})]
    async with claude_client(server, calls, tmp_path=tmp_path, workspace=place.workspace) as client:
        await place.populated(*SLEEPERS)
        client.process.process.send_signal(signal.SIGINT)
        await place.deserted(4)
    async with place.server("--offline") as after:
        await after.open()
        (run,) = (await after.told("list_runs", {}))["runs"]
        assert run["status"] in {"interrupted", "cancelled"}
