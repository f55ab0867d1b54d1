"""`collaborate` and `review_code` with real `claude` processes as their agents; only the model is scripted."""

from pathlib import Path

import jsonschema
import pytest

from tests.agents.workspace.repositories import files_in, repository, write
from tests.fakes.build_feature_script import FIRST_MODULE, MODULE, TASK, TEST_COMMAND, TESTS
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.fakes.team_script import DOCUMENTATION, FINDING, collaborate_model, review_code_model
from tests.system.place import Place
from tests.system.test_progress import assert_true_to_log

ASPECTS = ("correctness", "security", "tests")
pytestmark = pytest.mark.anyio


async def test_code_is_written_together_by_real_agents(tmp_path: Path) -> None:
    async with messages_api(collaborate_model()) as api:
        variables = claude_environment(tmp_path, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        place = Place.below(tmp_path, **variables)
        async with place.server() as client:
            await client.open()
            request = await client.call("collaborate", {"task": TASK, "language": "Python"})
            answer = (await client.answer(request, within=50))["result"]["structuredContent"]
            log = await client.log_of(answer["run_id"])
            assert_true_to_log(client.events(request), log)
    result = answer["result"]
    assert (answer["status"], answer["offline"]) == ("completed", False)
    assert [event["stage"] for event in log if event["type"] == "stage_started"] == [
        *("architect", "coder", "reviewer", "tester", "documenter")
    ]
    assert (result["review"]["verdict"], result["refinements"], result["remarks"]) == ("approved", 0, [])
    assert {file["path"] for file in result["files"]} == {MODULE, TESTS}
    assert [(run["command"], run["passed"]) for run in result["tests"]["runs"]] == [(TEST_COMMAND, True)]
    assert result["documentation"] == DOCUMENTATION
    assert answer["usage"]["input_tokens"] == sum(each.input_tokens for each in api.delivered)
    assert answer["usage"]["cost_usd"] > 0
    await place.deserted(3)


async def test_code_is_reviewed_by_real_agents_side_by_side(tmp_path: Path) -> None:
    async with messages_api(review_code_model()) as api:
        variables = claude_environment(tmp_path, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        place = Place.below(tmp_path, **variables)
        repository(place.workspace, {"README.md": "# Slugs\n"})
        write(place.workspace, {MODULE: FIRST_MODULE})
        before = files_in(place.workspace)
        async with place.server() as client:
            await client.open()
            tools = (await client.asked("tools/list"))["result"]["tools"]
            (schema,) = [tool["outputSchema"] for tool in tools if tool["name"] == "review_code"]
            answer = await client.told("review_code", {"focus": [*ASPECTS, "runs of blanks"]}, within=50)
            jsonschema.validate(answer, schema)
    result = answer["result"]
    (finding,) = result["findings"]
    assert (finding["file"], finding["line"], finding["severity"]) == (MODULE, 6, "high")
    assert finding["found_by"] == ["correctness", "tests"]
    assert [each["reason"] for each in result["misplaced"]] == [f"{MODULE} has no line 99: it has 6"]
    assert result["misplaced"][0]["finding"]["claim"] == FINDING.claim
    assert [(review["aspect"], review["finished"]) for review in result["reviews"]] == [
        (each, True) for each in ASPECTS
    ]
    assert all("<focus>\n- runs of blanks\n</focus>" in asked.prompt for asked in api.requests)
    assert files_in(place.workspace) == before
    await place.deserted(3)
