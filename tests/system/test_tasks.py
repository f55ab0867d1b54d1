"""The MCP Tasks extension over stdio: a run that is asked after instead of waited for."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import Json, WireClient

pytestmark = pytest.mark.anyio

TASKS: Json = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
TERMINAL = {"completed", "failed", "cancelled"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.below(tmp_path, AGENT_WORKFLOWS_TASK_GRACE_SECONDS="0.5")


def serve(place: Place, capabilities: Json | None = None) -> AbstractAsyncContextManager[WireClient]:
    held = str(OWN_WORKFLOWS / "held.py")
    return place.server("--offline", "--workflow", held, capabilities=TASKS if capabilities is None else capabilities)


async def created(client: WireClient) -> Json:
    """The task that a call of a held workflow becomes."""
    await client.open()
    request = await client.call("held", {"task": "it"})
    task = (await client.answer(request))["result"]
    assert client.frames(request), "progress comes first"
    return task


def let_go(place: Place) -> None:
    (place.workspace / "go").touch()


async def test_the_extension_is_advertised(place: Place) -> None:
    async with serve(place) as client:
        first = await client.open()
    assert first["result"]["capabilities"]["extensions"]["io.modelcontextprotocol/tasks"] == {}


async def test_progress_is_seen_first_then_the_call_becomes_a_task_that_completes(place: Place) -> None:
    async with serve(place) as client:
        task = await created(client)
        assert (task["resultType"], task["status"]) == ("task", "working")
        assert task["ttlMs"] > 0
        working = await client.task(task["taskId"], status="working", says="waiting for go")
        assert 200 <= working["pollIntervalMs"] <= 5000
        let_go(place)
        ended = await client.task(task["taskId"], status="completed")
        again = await client.told("get_run", {"run_id": task["taskId"]})
    result = ended["result"]["structuredContent"]
    assert (result["run_id"], result["result"]) == (task["taskId"], {"answer": "it is done"})
    assert ended["result"]["content"][0]["text"] == again["summary"]


async def test_the_result_of_a_task_is_what_the_call_would_have_returned(place: Place) -> None:
    async with serve(place) as client:
        task = await created(client)
        client.capabilities = {}
        joined = await client.call("held", {"task": "it"})
        await client.progress(joined)
        client.capabilities = TASKS
        let_go(place)
        returned = (await client.answer(joined))["result"]
        ended = await client.task(task["taskId"], status="completed")
    assert ended["result"] == {key: returned[key] for key in returned if key != "_meta"}  # which the wire adds


async def test_a_run_that_ends_within_the_grace_is_answered_as_any_other(place: Place) -> None:
    let_go(place)
    place = replace(place, environment={"AGENT_WORKFLOWS_TASK_GRACE_SECONDS": "20"})
    async with serve(place) as client:
        await client.open()
        result = await client.called("held", {"task": "it"})
    assert (result["resultType"], result["structuredContent"]["status"]) == ("complete", "completed")


async def test_the_task_of_one_process_is_answered_by_the_next_with_the_result(place: Place) -> None:
    async with serve(place) as client:
        task = await created(client)
    let_go(place)
    async with serve(place) as client:
        await client.open()
        await listen(client, task["taskId"])
        ended = await client.task(task["taskId"], status="completed")  # asking after it is what makes it go on
        told = await end_told(client)
    assert ended["result"]["structuredContent"]["result"] == {"answer": "it is done"}
    assert told["result"] == ended["result"]
    async with serve(place) as client:
        await client.open()
        assert (await client.task(task["taskId"]))["result"] == ended["result"]


async def test_a_task_is_cancelled_and_cancelling_again_changes_nothing(place: Place) -> None:
    async with serve(place) as client:
        task = await created(client)
        for _ in range(2):
            answer = await client.asked("tasks/cancel", {"taskId": task["taskId"]})
            assert answer["result"]["resultType"] == "complete"
        ended = await client.task(task["taskId"], status="cancelled")
        assert "result" not in ended
        await client.asked("tasks/cancel", {"taskId": task["taskId"]})


async def test_an_unknown_task_ends_the_asking_and_a_foreign_name_is_an_error(place: Place) -> None:
    async with serve(place) as client:
        await client.open()
        unknown = (await client.asked("tasks/get", {"taskId": "0" * 20}))["result"]
        assert unknown["status"] == "failed"
        assert unknown["error"]["code"] == -32602
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            error = (await client.asked(method, {"taskId": "nobody", "inputResponses": {}}))["error"]
            assert error["code"] == -32602


async def test_a_client_that_does_not_declare_tasks_gets_none(place: Place) -> None:
    async with serve(place, {}) as client:
        await client.open()
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            error = (await client.asked(method, {"taskId": "0" * 20, "inputResponses": {}}))["error"]
            assert error["code"] == -32021
        let_go(place)
        assert (await client.called("held", {"task": "it"}))["resultType"] == "complete"


async def listen(client: WireClient, *task_ids: str) -> list[str]:
    """Listen to tasks; which of them the server agrees to tell of."""
    await client.request("subscriptions/listen", {"notifications": {"taskIds": task_ids}})
    agreed = await client.message(lambda message: "subscriptions/acknowledged" in str(message.get("method")))
    return agreed["params"]["notifications"]["taskIds"]


async def end_told(client: WireClient) -> Json:
    """A task's end, as a listener is told of it."""

    def fits(message: Json) -> bool:
        return message.get("method") == "notifications/tasks" and message["params"]["status"] in TERMINAL

    return (await client.message(fits))["params"]


async def test_listeners_are_told_what_they_would_be_told_if_they_asked(place: Place) -> None:
    async with serve(place) as client:
        task = await created(client)
        assert await listen(client, task["taskId"], "nobody") == [task["taskId"]]
        let_go(place)
        told = await end_told(client)
        asked = await client.task(task["taskId"], status="completed")
    assert told["result"] == asked["result"]
