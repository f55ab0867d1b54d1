"""`research`, `ask` and `run_claude` from outside: through the real server, with scripted agents and real files."""

from pathlib import Path

import jsonschema
import pytest

from tests.system.place import Place
from tests.system.test_progress import assert_true_to_log
from tests.system.test_team_workflows import assert_offered
from tests.system.wire import Json, WireClient

pytestmark = pytest.mark.anyio


async def played(client: WireClient, workflow: str, arguments: Json) -> tuple[Json, list[Json]]:
    """A whole run: its result, checked against the tool's schema, and its log."""
    tool = await assert_offered(client, workflow, set(arguments))
    request = await client.call(workflow, arguments)
    result = (await client.answer(request, within=30))["result"]["structuredContent"]
    jsonschema.validate(result, tool["outputSchema"])
    assert (result["status"], result["offline"]) == ("completed", True)
    assert result["summary"].startswith("Offline: scripted agents, no model.")
    log = await client.log_of(result["run_id"])
    assert_true_to_log(client.events(request), log)
    progress = [event["progress"] for event in log]
    assert progress == sorted(progress)
    return result, log


async def test_each_is_a_tool_a_prompt_and_a_diagram_and_plays_without_a_model(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    (place.workspace / "README.md").write_text("# Tide tables\n")
    async with place.server("--offline") as client:
        await client.open()

        result, log = await played(client, "research", {"question": "What is this?", "depth": "quick"})
        assert [source["status"] for source in result["result"]["sources"]] == ["read"]
        assert [part["problem"] for part in result["result"]["sub_questions"]] == ["", ""]
        assert {"plan.md", "notes-1.md", "notes-2.md", "answer.md"} == {one["name"] for one in result["artifacts"]}
        assert {"researcher 1", "researcher 2"} <= {event.get("agent") for event in log}
        assert any("1 of 3 sub-questions are left out" in event["message"] for event in log)

        result, log = await played(client, "ask", {"question": "What is this?"})
        assert [step["step"] for step in result["result"]["steps"]] == [1, 2]
        assert [event["step"] for event in log if event["type"] == "reasoning_step"] == [1, 2]

        arguments: dict[str, object] = {"prompt": "Write something.", "allowed_tools": [], "max_turns": 5}
        result, log = await played(client, "run_claude", arguments)
        assert result["result"]["files"] == [{"path": "temperature.py", "change": "added"}]
        assert (place.workspace / "temperature.py").is_file()
        assert {"answer.md", "changes.diff"} == {one["name"] for one in result["artifacts"]}

        for workflow, arrow in (
            ("research", "planner -.-> researcher"),
            ("ask", "__start__ --> assistant"),
            ("run_claude", "survey --> claude"),
        ):
            assert arrow in await client.resource(f"workflows://{workflow}/graph")
    await place.deserted(3)
