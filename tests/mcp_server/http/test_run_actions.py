"""Ending, answering and steering runs; starting and streaming one in one answer."""

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.mcp_server.http.asking import HOLD, problem, started
from tests.mcp_server.http.running import Running, Watcher, running, watching
from tests.waiting import until

pytestmark = pytest.mark.anyio

QUESTION = {"message": "x", "workflow": "ask_me"}
KEY = {"idempotency-key": "once"}


# Acting.


async def test_a_run_is_cancelled_with_a_reason(client: httpx.AsyncClient) -> None:
    run_id = (await started(client, HOLD))["run_id"]

    answer = await client.post(f"/api/runs/{run_id}/cancel", json={"reason": "not needed"})
    again = await client.post(f"/api/runs/{run_id}/cancel")

    assert answer.json()["status"] == "cancelled"
    assert "not needed" in answer.json()["error"]["message"]
    assert again.json()["status"] == "cancelled"


async def test_a_question_is_answered_and_the_run_goes_on(client: httpx.AsyncClient) -> None:
    run_id = (await started(client, {"workflow": "ask_me", "input": {"text": "x"}}))["run_id"]
    async with watching(client, run_id) as watcher:
        gate = await opened_gate(watcher)
        waiting = (await client.get(f"/api/runs/{run_id}")).json()
        wrong = await client.post(f"/api/runs/{run_id}/answer", json={"gate_id": gate, "answer": {"approved": "?"}})
        right = await client.post(f"/api/runs/{run_id}/answer", json={"gate_id": gate, "answer": {"approved": True}})
        await watcher.frames()

    assert waiting["status"] == "waiting"
    assert waiting["gates"][0]["question"] == "Shall it be done?"
    assert wrong.status_code == 422
    assert right.status_code == 200
    assert (await client.get(f"/api/runs/{run_id}")).json()["result"] == {"answer": "yes"}


async def opened_gate(watcher: Watcher) -> str:
    """Id of the next question."""
    while True:
        (frame,) = await watcher.frames(1)
        if frame.event == "gate_opened":
            return frame.data["gate_id"]


@pytest.mark.parametrize("body", [{}, {"answer": 1, "decline": True}])
async def test_an_answer_is_either_given_or_declined(
    server: Running, client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    run = await server.told(events=1)

    problem(await client.post(f"/api/runs/{run.run_id}/answer", json=body), 422, "invalid_input", "answer")


@pytest.mark.parametrize(
    ("action", "body", "kind"),
    [
        ("answer", {"answer": 1}, "run_not_waiting"),
        ("resume", {}, "run_not_resumable"),
        ("steer", {"text": "faster"}, "run_not_resumable"),
    ],
)
async def test_what_a_run_that_is_over_cannot_do_is_said(
    server: Running, client: httpx.AsyncClient, action: str, body: dict[str, Any], kind: str
) -> None:
    run = await server.told(events=1)
    await run.end()

    problem(await client.post(f"/api/runs/{run.run_id}/{action}", json=body), 409, kind)


async def test_a_run_at_work_is_steered(client: httpx.AsyncClient) -> None:
    run_id = (await started(client, HOLD))["run_id"]

    answer = await client.post(f"/api/runs/{run_id}/steer", json={"text": "hurry"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] in {"queued", "running"}


# Chat.


async def test_a_chat_is_a_run_streamed_in_its_answer(client: httpx.AsyncClient) -> None:
    body = {"message": "hello", "workflow": "echo"}
    async with client.stream("POST", "/api/chat", json=body) as response:
        frames = await Watcher(response).frames()
        run_id = response.headers["x-run-id"]

    assert frames[0].event == "workflow_started"
    assert frames[0].data["input"]["text"] == "hello"
    assert frames[-1].event == "workflow_completed"
    assert response.headers["location"] == f"/api/runs/{run_id}"


async def test_a_client_that_cannot_stream_gets_the_end(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/chat", json={"message": "hello"}, headers={"accept": "application/json"})

    assert answer.status_code == 200
    assert answer.json()["status"] == "completed"
    assert answer.json()["result"] == {"answer": "hello"}


async def test_a_chats_run_goes_on_without_its_client(server: Running, client: httpx.AsyncClient) -> None:
    async with client.stream("POST", "/api/chat", json={"message": "x", "workflow": "hold"}) as response:
        run_id = response.headers["x-run-id"]
        await Watcher(response).frames(1)
    await until(lambda: len(server.uvicorn.server_state.tasks) == 0)

    assert server.assembly.engine.runs_here(run_id)


async def test_a_client_that_waits_for_a_chats_end_and_goes_leaves_nothing_behind(
    server: Running, client: httpx.AsyncClient
) -> None:
    body = {"message": "x", "workflow": "hold"}
    async with server.client() as waiting, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(waiting.post, "/api/chat", json=body, headers={"accept": "application/json"}))
        while not (runs := (await client.get("/api/runs")).json()["runs"]):
            pass
        async with watching(client, runs[0]["run_id"]) as watcher:
            while (await watcher.frames(1))[0].event != "agent_event":
                pass
        tasks.cancel_scope.cancel()

    await until(lambda: not server.uvicorn.server_state.tasks)
    assert "agent_workflows_streams_open 0.0" in (await client.get("/metrics")).text
    (run,) = (await client.get("/api/runs")).json()["runs"]
    assert run["status"] == "running"


async def test_a_chat_that_is_asked_for_again_after_its_end_is_told_again(client: httpx.AsyncClient) -> None:
    bodies: list[str] = []
    for _ in range(2):
        async with client.stream(
            "POST", "/api/chat", json={"message": "hello"}, headers={"idempotency-key": "once"}
        ) as response:
            bodies.append((await response.aread()).decode())

    assert "event: workflow_completed" in bodies[0]
    assert bodies[1] == bodies[0]


async def test_a_chat_that_is_refused_its_stream_has_started_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, max_streams=1) as server, server.client() as client:
        run = await server.told(events=1)
        async with watching(client, run.run_id) as watcher:
            await watcher.frames(1)
            refused = [
                await client.post("/api/chat", json={"message": "x"}, headers={"accept": accept})
                for accept in ("text/event-stream", "application/json")
            ]
        await until(lambda: not server.uvicorn.server_state.tasks)
        runs = (await client.get("/api/runs")).json()["runs"]
        wrong = await client.post("/api/chat", json={"message": "x", "workflow": "nothing"})
        told = await client.post("/api/chat", json={"message": "x"})

    for answer in refused:
        problem(answer, 429, "too_many_streams")
    assert [one["run_id"] for one in runs] == [run.run_id]
    assert wrong.status_code == 422
    assert "event: workflow_completed" in told.text


async def test_a_chat_that_joins_a_run_is_told_all_of_it_and_the_open_question(client: httpx.AsyncClient) -> None:
    told: list[list[str]] = []
    for _ in range(2):
        async with client.stream("POST", "/api/chat", json=QUESTION) as response:
            watcher = Watcher(response)
            frames = await watcher.frames(1)
            while frames[-1].event != "gate_opened":
                frames += await watcher.frames(1)
            told.append([frame.id for frame in frames])

    assert told[0][0] == "1"
    assert told[1] == told[0]


@pytest.mark.parametrize(("query", "header"), [("?after=2", None), ("", "2")])
async def test_a_chat_that_comes_back_begins_behind_the_last_event_it_has(
    client: httpx.AsyncClient, query: str, header: str | None
) -> None:
    async def chat(query: str = "", **headers: str) -> httpx.Response:
        return await client.post(f"/api/chat{query}", json={"message": "x"}, headers={**headers, **KEY})

    whole = await chat()
    rest = await chat(query, **({"last-event-id": header} if header else {}))
    last = rest.text.rpartition("id: ")[2].partition("\n")[0]
    nothing = await chat(f"?after={last}")
    other = await chat("?after=1000000")

    assert rest.text.partition("id: 3\n")[2] == whole.text.partition("id: 3\n")[2] != ""
    assert "id: 2\n" not in rest.text
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert other.text == whole.text


async def test_a_chat_behind_what_is_no_event_has_started_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/chat?after=x", json={"message": "x"})

    problem(answer, 400, "invalid_input", "after")
    assert (await client.get("/api/runs")).json()["runs"] == []


async def test_a_client_that_cannot_stream_is_asked_the_runs_question(client: httpx.AsyncClient) -> None:
    whole = {"accept": "application/json", **KEY}

    asked = await client.post("/api/chat", json=QUESTION, headers=whole)
    again = await client.post("/api/chat", json=QUESTION, headers=whole)
    run_id = asked.json()["run_id"]
    await client.post(f"/api/runs/{run_id}/answer", json={"answer": {"approved": True}})
    end = await client.post("/api/chat", json=QUESTION, headers=whole)

    assert (asked.status_code, asked.json()["status"]) == (200, "waiting")
    assert [gate["question"] for gate in asked.json()["gates"]] == ["Shall it be done?"]
    assert again.json()["run_id"] == run_id
    assert again.json()["gates"] == asked.json()["gates"]
    assert end.json()["run_id"] == run_id
    assert end.json()["result"] == {"answer": "yes"}


async def test_the_message_of_a_chat_is_given_once(client: httpx.AsyncClient) -> None:
    body = {"message": "x", "workflow": "echo", "input": {"text": "y"}}

    problem(await client.post("/api/chat", json=body), 422, "invalid_input", "input.text")
