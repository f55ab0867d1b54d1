"""A run is more than its call: it is left, found again, joined, watched and cancelled, from anywhere."""

import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import Json, WireClient

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place.below(tmp_path_factory.mktemp("runs"))


def serve(place: Place) -> AbstractAsyncContextManager[WireClient]:
    return place.server("--offline", "--workflow", str(OWN_WORKFLOWS / "held.py"))


@pytest.fixture(scope="module")
async def client(place: Place) -> AsyncGenerator[WireClient]:
    async with serve(place) as client:
        await client.open()
        yield client


@pytest.fixture(scope="module")
async def other(place: Place, client: WireClient) -> AsyncGenerator[WireClient]:
    """A second server on the same data directory."""
    del client
    async with serve(place) as other:
        await other.open()
        yield other


@dataclass(frozen=True, slots=True)
class Task:
    """A call that is held until it is let go.

    Attributes:
        workspace: Its own.
    """

    workspace: Path

    @property
    def arguments(self) -> Json:
        return {"task": self.workspace.name, "workspace": str(self.workspace)}

    async def start(self, client: WireClient, **options: object) -> tuple[int, str]:
        """Call it and wait until it waits; returns the request and the run."""
        request = await client.call("held", {**self.arguments, **options})
        await client.progress(request, message="holder: waiting for go")
        return request, client.events(request)[0]["run_id"]

    def let_go(self) -> None:
        (self.workspace / "go").touch()


@pytest.fixture
def task(place: Place, request: pytest.FixtureRequest) -> Task:
    workspace = place.workspace / request.node.name[:60]
    workspace.mkdir()
    return Task(workspace)


async def test_a_call_answers_with_a_handle_and_the_run_goes_on(client: WireClient, task: Task) -> None:
    began = time.monotonic()
    request = await client.call("held", {**task.arguments, "wait_seconds": 0.3})
    result = (await client.answer(request))["result"]
    assert time.monotonic() - began >= 0.3
    handle = result["structuredContent"]
    assert (result["isError"], handle["status"], handle["result"], handle["error"]) == (False, "running", None, None)
    assert f"get_run with run_id {handle['run_id']}" in handle["summary"]
    assert client.events(request)[0]["run_id"] == handle["run_id"]
    assert client.frames(request)[-1]["progress"] < 100

    assert (await client.told("get_run", {"run_id": handle["run_id"]}))["status"] == "running"
    task.let_go()
    report = await client.over(handle["run_id"])
    assert (report["status"], report["progress"]) == ("completed", 100)
    assert report["result"] == {"answer": f"{task.workspace.name} is done"}
    assert report["events"][-1]["type"] == "workflow_completed"


async def test_a_call_that_does_not_wait_at_all_still_names_its_run(client: WireClient, task: Task) -> None:
    request = await client.call("held", {**task.arguments, "wait_seconds": 0})
    handle = (await client.answer(request))["result"]["structuredContent"]
    assert handle["status"] in {"queued", "running"}
    (event,) = client.events(request)
    assert (event["type"], event["run_id"]) == ("workflow_started", handle["run_id"])
    await client.told("cancel_run", {"run_id": handle["run_id"]})


async def test_the_same_call_joins_the_run_and_hears_where_it_is(client: WireClient, task: Task) -> None:
    first, run_id = await task.start(client)
    second = await client.call("held", {**task.arguments, "wait_seconds": 60})
    joined = await client.progress(second)
    assert (joined["run_id"], joined["message"]) == (run_id, "holder: waiting for go")
    assert joined["first_seq"] == joined["last_seq"] == joined["seq"] > 1
    task.let_go()
    results = [(await client.answer(request))["result"]["structuredContent"] for request in (first, second)]
    assert results[0] == results[1]
    assert results[0]["status"] == "completed"
    third = await client.call("held", task.arguments)
    again = (await client.answer(third))["result"]["structuredContent"]
    assert again["run_id"] != run_id, "A run that is over is not joined."


async def test_another_task_or_workspace_is_another_run(client: WireClient, task: Task, place: Place) -> None:
    _, run_id = await task.start(client)
    others = [{**task.arguments, "task": "something else"}, {**task.arguments, "workspace": str(place.workspace)}]
    handles = [await client.told("held", {**arguments, "wait_seconds": 0}) for arguments in others]
    runs = {run_id, *(handle["run_id"] for handle in handles)}
    assert len(runs) == 3
    for each in runs:
        await client.told("cancel_run", {"run_id": each})


async def test_a_call_to_another_server_joins_too(client: WireClient, other: WireClient, task: Task) -> None:
    first, run_id = await task.start(client)
    second, joined = await task.start(other)
    assert joined == run_id
    task.let_go()
    results = [(await client.answer(first))["result"], (await other.answer(second))["result"]]
    assert results[0] == results[1]
    assert other.events(second)[-1]["type"] == "workflow_completed"


async def test_a_run_goes_on_while_one_of_two_calls_still_wants_it(client: WireClient, task: Task) -> None:
    first, run_id = await task.start(client)
    second, _ = await task.start(client)
    await client.cancel(first)
    seen = {"after": client.events(first)[-1]["seq"], "wait_seconds": 0.5}
    assert (await client.told("get_run", {"run_id": run_id, **seen}))["status"] == "running"
    task.let_go()
    assert (await client.answer(second))["result"]["structuredContent"]["status"] == "completed"


async def test_a_run_ends_with_the_last_call_that_wanted_it(client: WireClient, task: Task) -> None:
    first, run_id = await task.start(client)
    second, _ = await task.start(client)
    await client.cancel(first)
    await client.cancel(second)
    report = await client.over(run_id)
    assert (report["status"], report["error"]["kind"]) == ("cancelled", "cancelled")
    answered = {item.message.get("id") for item in client.received}
    assert not answered & {first, second}, "A call that was taken back is not answered."


async def test_a_client_that_only_gave_up_waiting_leaves_the_run_at_work(client: WireClient, task: Task) -> None:
    request, run_id = await task.start(client)
    await client.notify("notifications/cancelled", {"requestId": request, "reason": "Request timed out"})
    seen = {"after": client.events(request)[-1]["seq"], "wait_seconds": 0.5}
    assert (await client.told("get_run", {"run_id": run_id, **seen}))["status"] == "running"
    task.let_go()
    assert (await client.over(run_id))["status"] == "completed"


async def test_a_call_joined_from_another_server_ends_without_the_run(
    client: WireClient, other: WireClient, task: Task
) -> None:
    first, run_id = await task.start(client)
    second, _ = await task.start(other)
    await other.cancel(second)
    seen = {"after": client.events(first)[-1]["seq"], "wait_seconds": 0.5}
    assert (await other.told("get_run", {"run_id": run_id, **seen}))["status"] == "running"
    task.let_go()
    assert (await client.answer(first))["result"]["structuredContent"]["status"] == "completed"


async def test_cancel_run_ends_the_run_and_its_call_says_why(client: WireClient, task: Task) -> None:
    request, run_id = await task.start(client)
    report = await client.told("cancel_run", {"run_id": run_id, "reason": "it is lunchtime"})
    assert (report["status"], report["run_id"]) == ("cancelled", run_id)
    result = (await client.answer(request))["result"]
    (text,) = [block["text"] for block in result["content"]]
    assert result["isError"]
    for part in ("held was cancelled", "it is lunchtime", "wire", run_id):
        assert part in text
    assert result["structuredContent"]["error"]["kind"] == "cancelled"
    assert client.events(request)[-1]["type"] == "workflow_cancelled"

    again = await client.told("cancel_run", {"run_id": run_id, "reason": "once more"})
    assert {**again, "usage": {}} == {**report, "usage": {}}
    log = await client.log_of(run_id)
    assert [event["type"] for event in log].count("workflow_cancelled") == 1
    assert (log[-1]["by"], log[-1]["reason"]) == ("wire", "it is lunchtime")


async def test_cancel_run_leaves_a_completed_run_alone(client: WireClient, task: Task) -> None:
    request, run_id = await task.start(client)
    task.let_go()
    await client.answer(request)
    report = await client.told("cancel_run", {"run_id": run_id})
    assert (report["status"], report["result"]) == ("completed", {"answer": f"{task.workspace.name} is done"})


async def test_another_server_can_cancel_a_run(client: WireClient, other: WireClient, task: Task) -> None:
    request, run_id = await task.start(client)
    report = await other.told("cancel_run", {"run_id": run_id, "reason": "from elsewhere"})
    assert report["status"] == "cancelled"
    result = (await client.answer(request))["result"]
    assert "from elsewhere" in result["content"][0]["text"]


async def test_get_run_waits_for_something_worth_telling(client: WireClient, other: WireClient, task: Task) -> None:
    request, run_id = await task.start(client)
    report = await other.told("get_run", {"run_id": run_id})
    assert [line["type"] for line in report["events"]] == ["workflow_started", "stage_started"]
    began = time.monotonic()
    quiet = await other.told("get_run", {"run_id": run_id, "after": report["last_seq"], "wait_seconds": 0.3})
    assert time.monotonic() - began >= 0.3
    assert (quiet["status"], quiet["events"]) == ("running", [])
    waiting = await other.call("get_run", {"run_id": run_id, "after": report["last_seq"], "wait_seconds": 55})
    task.let_go()
    await client.answer(request)
    woken = (await other.answer(waiting))["result"]["structuredContent"]
    assert (woken["status"], [line["type"] for line in woken["events"]]) == ("completed", ["workflow_completed"])


async def test_runs_are_listed_newest_first_by_page_and_by_what_they_are(client: WireClient, task: Task) -> None:
    runs = [
        (await client.told("held", {**task.arguments, "task": str(number), "wait_seconds": 0}))["run_id"]
        for number in range(3)
    ]
    await client.told("cancel_run", {"run_id": runs[1]})
    here = {"workspace": str(task.workspace)}

    async def listed(**filters: object) -> list[str]:
        return [run["run_id"] for run in (await client.told("list_runs", {**here, **filters}))["runs"]]

    assert await listed() == runs[::-1]
    assert await listed(status=["cancelled"]) == [runs[1]]
    assert await listed(status=["completed", "failed"]) == []
    assert await listed(workflow="build_feature") == []
    assert await listed(workflow="held", limit=1) == [runs[2]]
    pages: list[str] = []
    before: Json = {}
    for _ in range(4):
        page = await client.told("list_runs", {**here, **before, "limit": 1})
        pages += [run["run_id"] for run in page["runs"]]
        before = {"before": page["next_before"]}
        if not page["next_before"]:
            break
    assert pages == runs[::-1]
    newest = (await client.told("list_runs", here))["runs"][0]
    assert (newest["workflow"], newest["workspace"], newest["ended_at"]) == ("held", str(task.workspace), None)
    for run_id in (runs[0], runs[2]):
        await client.told("cancel_run", {"run_id": run_id})
