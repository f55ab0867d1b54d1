"""A server that is about to end: it begins nothing, whichever way it is asked, and lets be done what was begun."""

from typing import Any

import anyio
import httpx
import pytest

from mcp_server.http.serving import End
from tests.mcp_server.http.asking import ECHO, HOLD, messages, problem, started, tool_call, whole
from tests.mcp_server.http.running import BOUND, Running, watching
from tests.waiting import until
from workflows.runs.errors import LogUnavailable

pytestmark = pytest.mark.anyio


def refused(answer: httpx.Response) -> None:
    """The answer says that the server ends, and that the request is worth repeating."""
    assert answer.headers["retry-after"] == "1"
    assert problem(answer, 503, "log_unavailable")["recovery"]


async def called(client: httpx.AsyncClient, tool: str, **arguments: object) -> dict[str, Any]:
    """The result of a tool's call."""
    return messages(await client.send(tool_call(client, tool, **arguments)))[-1]["result"]


async def parked(server: Running, client: httpx.AsyncClient) -> str:
    """A run that waits for an answer, and is held by nobody."""
    run_id = (await started(client, {"workflow": "ask_me", "input": {"text": "x"}}))["run_id"]
    async with watching(client, run_id) as watcher:
        while (await watcher.frames(1))[0].event != "gate_opened":
            pass
    await until(lambda: not server.assembly.engine.runs_here(run_id))
    return run_id


async def interrupted(server: Running) -> str:
    """A run whose process was lost."""
    run = await server.told(events=1)
    await server.assembly.log.open(run.run_id, "1-gone")
    await server.assembly.log.interrupt(run.run_id, "1-gone")
    return run.run_id


async def test_a_server_that_ends_begins_nothing_over_the_api(server: Running, client: httpx.AsyncClient) -> None:
    over = (await whole(client, (await started(client, ECHO))["run_id"]))["run_id"]
    waiting, lost = await parked(server, client), await interrupted(server)
    server.assembly.engine.drain()

    refused(await client.post("/api/runs", json=ECHO))
    refused(await client.post("/api/chat", json={"message": "hello"}))
    refused(await client.post(f"/api/runs/{lost}/resume"))
    refused(await client.post(f"/api/runs/{over}/fork", json={"stage": "work"}))
    refused(await client.post(f"/api/runs/{waiting}/answer", json={"answer": {"approved": True}}))

    runs = {run["run_id"]: run["status"] for run in (await client.get("/api/runs")).json()["runs"]}
    assert runs == {over: "completed", waiting: "waiting", lost: "interrupted"}


async def test_a_server_that_ends_begins_nothing_over_mcp(server: Running, client: httpx.AsyncClient) -> None:
    over = (await whole(client, (await started(client, ECHO))["run_id"]))["run_id"]
    waiting, lost = await parked(server, client), await interrupted(server)
    server.assembly.engine.drain()

    results = [
        await called(client, "echo", text="new"),
        await called(client, "resume_run", run_id=lost),
        await called(client, "fork_run", run_id=over, stage="work"),
        await called(client, "answer_run", run_id=waiting, answer={"approved": True}),
    ]

    for result in results:
        assert result["isError"]
        assert "The server is shutting down" in result["content"][0]["text"]
        assert "Ask again in a moment" in result["content"][0]["text"]
    runs = {run["run_id"]: run["status"] for run in (await client.get("/api/runs")).json()["runs"]}
    assert runs == {over: "completed", waiting: "waiting", lost: "interrupted"}


async def test_a_server_that_drains_ends_with_its_last_run_and_asks_no_log_for_it(
    server: Running, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_filter: object) -> None:
        raise LogUnavailable("the disk is gone")

    run_id = (await started(client, HOLD))["run_id"]
    monkeypatch.setattr(server.assembly.log, "find", fail)
    end = End(server.assembly, BOUND, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end.drain)
        await anyio.wait_all_tasks_blocked()
        assert not end.come.is_set()
        await client.post(f"/api/runs/{run_id}/cancel")
        with anyio.fail_after(BOUND):
            await end.come.wait()

    assert not server.assembly.engine.at_work


async def test_a_server_that_drains_ends_when_its_time_is_over(server: Running, client: httpx.AsyncClient) -> None:
    await started(client, HOLD)
    end = End(server.assembly, 0.1, None)

    with anyio.fail_after(BOUND):
        await end.drain()

    assert end.come.is_set()


async def test_a_server_that_ends_still_answers_for_the_runs_at_work(
    server: Running, client: httpx.AsyncClient
) -> None:
    at_work = (await started(client, HOLD))["run_id"]
    server.assembly.engine.drain()

    joined = await started(client, HOLD)
    called_again = await called(client, "hold", text="hello", wait_seconds=0)
    shown = await called(client, "get_run", run_id=at_work)
    steered = await client.post(f"/api/runs/{at_work}/steer", json={"text": "hurry"})
    cancelled = await client.post(f"/api/runs/{at_work}/cancel")

    assert (joined["run_id"], joined["joined"]) == (at_work, True)
    assert called_again["structuredContent"]["run_id"] == shown["structuredContent"]["run_id"] == at_work
    assert steered.status_code == 200
    assert cancelled.json()["status"] == "cancelled"
