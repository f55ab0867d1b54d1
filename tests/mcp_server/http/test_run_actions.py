"""Ending, answering and steering runs; starting and streaming one in one answer."""

from typing import Any

import httpx
import pytest

from tests.mcp_server.http.asking import HOLD, problem, started
from tests.mcp_server.http.running import Running, Watcher, watching
from tests.waiting import until

pytestmark = pytest.mark.anyio


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
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/api/chat", json=body, headers={"accept": "application/json"}, timeout=0.3)

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


async def test_the_message_of_a_chat_is_given_once(client: httpx.AsyncClient) -> None:
    body = {"message": "x", "workflow": "echo", "input": {"text": "y"}}

    problem(await client.post("/api/chat", json=body), 422, "invalid_input", "input.text")
