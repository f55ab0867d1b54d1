"""A run asks a person, and reaches them on every client: in both eras, through a task, or by a tool."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import LEGACY, MODERN, Json, WireClient

pytestmark = pytest.mark.anyio

FORMS: Json = {"elicitation": {"form": {}}}
TASKS: Json = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
YES = {"action": "accept", "content": {"approved": True, "note": "with care"}}
QUESTION = "Shall I carry out the plan for a house?"
ARGUMENTS = {"task": "a house"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.below(tmp_path)


def serve(place: Place, era: str, capabilities: Json) -> AbstractAsyncContextManager[WireClient]:
    asks = str(OWN_WORKFLOWS / "asks.py")
    return place.server("--offline", "--workflow", asks, era=era, capabilities=capabilities)


async def elicited(client: WireClient) -> Json:
    """The server's question in the handshake era."""
    return await client.message(lambda message: message.get("method") == "elicitation/create")


async def repeated(client: WireClient, asked: Json, response: Json) -> Json:
    """The call once more, with an answer, as the stateless era does it."""
    (key,) = asked["inputRequests"]
    params = {
        "name": "asks",
        "arguments": ARGUMENTS,
        "inputResponses": {key: response},
        "requestState": asked["requestState"],
    }
    return (await client.asked("tools/call", params))["result"]


async def test_the_handshake_era_asks_in_the_open_call(place: Place) -> None:
    async with serve(place, LEGACY, FORMS) as client:
        await client.open()
        request = await client.call("asks", ARGUMENTS)
        question = await elicited(client)
        assert question["params"]["message"] == QUESTION
        assert set(question["params"]["requestedSchema"]["properties"]) == {"approved", "note"}
        await client.send({"jsonrpc": "2.0", "id": question["id"], "result": YES})
        result = (await client.answer(request))["result"]["structuredContent"]
    assert result["result"] == {"answer": "approved: with care"}


async def test_the_stateless_era_answers_with_the_question_and_the_call_comes_again(place: Place) -> None:
    async with serve(place, MODERN, FORMS) as client:
        await client.open()
        asked = await client.called("asks", ARGUMENTS)
        assert asked["resultType"] == "input_required"
        (form,) = asked["inputRequests"].values()
        assert (form["method"], form["params"]["message"]) == ("elicitation/create", QUESTION)
        result = (await repeated(client, asked, YES))["structuredContent"]
        assert (result["run_id"], result["status"]) == (asked["requestState"], "completed")
    assert result["result"] == {"answer": "approved: with care"}


async def test_a_no_a_refusal_and_no_answer_are_told_apart(place: Place) -> None:
    async with serve(place, MODERN, FORMS) as client:
        await client.open()
        outcomes: list[Json] = []
        for response in (
            {"action": "accept", "content": {"approved": False}},
            {"action": "decline"},
            {"action": "cancel"},
        ):
            asked = await client.called("asks", ARGUMENTS)
            outcomes.append((await repeated(client, asked, response))["structuredContent"])
        no, declined, cancelled = outcomes
        assert no["result"] == {"answer": "rejected: "}
        assert declined["result"] == {"answer": "declined"}
        assert cancelled["status"] == "waiting"
        assert "answer_run" in cancelled["summary"]


@pytest.mark.parametrize(("era", "capabilities"), [(MODERN, {}), (LEGACY, {}), (MODERN, {"elicitation": {"url": {}}})])
async def test_a_client_that_cannot_ask_is_told_what_is_asked_and_how_to_answer(
    place: Place, era: str, capabilities: Json
) -> None:
    async with serve(place, era, capabilities) as client:
        await client.open()
        waiting = await client.told("asks", ARGUMENTS)
        assert waiting["status"] == "waiting"
        assert QUESTION in waiting["summary"]
        run_id = waiting["run_id"]
        wrong = await client.called("answer_run", {"run_id": run_id, "answer": {"approved": "perhaps"}})
        assert wrong["isError"]
        assert "answer.approved" in wrong["content"][0]["text"]
        answered = await client.told("answer_run", {"run_id": run_id, "answer": {"approved": True, "note": "go"}})
        assert answered["result"] == {"answer": "approved: go"}
        twice = await client.called("answer_run", {"run_id": run_id, "answer": {"approved": True}})
        assert twice["isError"]
        assert "does not wait" in twice["content"][0]["text"]


async def test_a_parked_run_holds_no_process_and_is_answered_in_another_server(place: Place) -> None:
    async with serve(place, MODERN, {}) as client:
        await client.open()
        run_id = (await client.told("asks", ARGUMENTS))["run_id"]
    async with serve(place, MODERN, {}) as client:
        await client.open()
        (listed,) = (await client.told("list_runs", {"status": ["waiting"]}))["runs"]
        assert listed["run_id"] == run_id
        answered = await client.told("answer_run", {"run_id": run_id, "outcome": "declined"})
    assert answered["result"] == {"answer": "declined"}


async def test_the_terminal_answers_a_run(place: Place) -> None:
    async with serve(place, MODERN, {}) as client:
        await client.open()
        run_id = (await client.told("asks", ARGUMENTS))["run_id"]
    asks = str(OWN_WORKFLOWS / "asks.py")
    ended = await place.command(
        "answer", run_id, '{"approved": true, "note": "typed"}', "--offline", "--workflow", asks
    )
    assert ended.exit_code == 0, ended.stderr
    assert "approved: typed" in ended.stdout


async def test_build_feature_has_its_plan_approved_before_any_code_is_written(place: Place) -> None:
    arguments = {"task": "Add slugs", "approve_plan": True}
    async with serve(place, MODERN, {}) as client:
        await client.open()
        waiting = await client.told("build_feature", arguments)
        assert waiting["status"] == "waiting"
        assert "Shall this plan be carried out?" in waiting["summary"]
        assert list(place.workspace.iterdir()) == []
        run_id = waiting["run_id"]
        rejected = await client.told("answer_run", {"run_id": run_id, "answer": {"approved": False, "comment": "hm"}})
        assert rejected["status"] == "waiting"
        done = await client.told("answer_run", {"run_id": run_id, "answer": {"approved": True}}, within=40)
    assert done["status"] == "completed"
    assert [one["agent"] for one in done["result"]["rounds"]][:4] == [
        "research",
        "architect",
        "person",
        "codesmith",
    ]
    assert done["result"]["rounds"][2]["outcome"] == "wire did not approve it: hm"


async def test_a_task_asks_and_is_answered(place: Place) -> None:
    async with serve(place, MODERN, {**TASKS, **FORMS}) as client:
        await client.open()
        created = await client.called("asks", ARGUMENTS)
        assert (created["resultType"], created["status"]) == ("task", "input_required")
        task = await client.task(created["taskId"], status="input_required")
        (key,) = task["inputRequests"]
        assert task["inputRequests"][key]["params"]["message"] == QUESTION
        update = {"taskId": created["taskId"], "inputResponses": {key: YES, "7-stale": {"action": "decline"}}}
        assert (await client.asked("tasks/update", update))["result"]["resultType"] == "complete"
        ended = await client.task(created["taskId"], status="completed")
    assert ended["result"]["structuredContent"]["result"] == {"answer": "approved: with care"}
