from typing import Any

import anyio
import httpx
import orjson
import pytest

from mcp_server.http.problem import TYPE_PREFIX
from tests.mcp_server.http.running import BOUND, Running, Watcher, watching
from tests.waiting import until
from workflows.runs.log import Artifact

pytestmark = pytest.mark.anyio

ECHO = {"workflow": "echo", "input": {"text": "hello"}}
HOLD = {"workflow": "hold", "input": {"text": "hello"}}


async def started(client: httpx.AsyncClient, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = await client.post("/api/runs", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def whole(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    """A run once it is over."""
    async with watching(client, run_id) as watcher:
        await watcher.frames()
    return (await client.get(f"/api/runs/{run_id}")).json()


def problem(answer: httpx.Response, status: int, kind: str, field: str | None = None) -> dict[str, Any]:
    """The problem that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["kind"] == kind
    assert found["type"] == TYPE_PREFIX + kind
    assert found["status"] == status
    assert found["message"] == found["detail"]
    assert found.get("field") == field
    return found


# Starting.


async def test_a_run_is_there_before_its_id_is_told(server: Running, client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/runs", json=ECHO)

    assert answer.status_code == 202
    run_id = answer.json()["run_id"]
    assert answer.headers["location"] == f"/api/runs/{run_id}"
    assert await server.assembly.log.get(run_id) is not None


async def test_a_run_goes_to_its_end_and_shows_its_result(client: httpx.AsyncClient) -> None:
    run = await whole(client, (await started(client, ECHO))["run_id"])

    assert run["status"] == "completed"
    assert run["result"] == {"answer": "hello"}
    assert run["final_response"] == "hello"
    assert run["progress"] == 100
    assert run["error"] is None
    assert run["asked"] == "hello"
    assert [artifact["name"] for artifact in run["artifacts"]] == ["echo.md"]


async def test_the_same_request_joins_the_run_that_is_not_over(client: httpx.AsyncClient) -> None:
    first, second = await started(client, HOLD), await started(client, HOLD)
    other = await started(client, {**HOLD, "input": {"text": "else"}})

    assert first["run_id"] == second["run_id"] != other["run_id"]
    assert (first["joined"], second["joined"]) == (False, True)


async def test_an_idempotency_key_finds_its_run_after_the_end(client: httpx.AsyncClient) -> None:
    first = await started(client, ECHO, **{"idempotency-key": "a"})
    await whole(client, first["run_id"])

    again = await started(client, ECHO, **{"idempotency-key": "a"})
    other = await started(client, ECHO, **{"idempotency-key": "b"})

    assert again["run_id"] == first["run_id"] != other["run_id"]
    assert again["joined"]


async def test_requests_with_one_key_at_the_same_time_start_one_run(client: httpx.AsyncClient) -> None:
    found: list[str] = []

    async def ask() -> None:
        found.append((await started(client, ECHO, **{"idempotency-key": "a"}))["run_id"])

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(ask)

    assert len(set(found)) == 1


async def test_an_idempotency_key_belongs_to_one_request(client: httpx.AsyncClient) -> None:
    await started(client, ECHO, **{"idempotency-key": "a"})

    answer = await client.post("/api/runs", json=HOLD, headers={"idempotency-key": "a"})

    problem(answer, 422, "invalid_input", "Idempotency-Key")


async def test_a_request_that_failed_leaves_its_key_free(client: httpx.AsyncClient) -> None:
    body = {**ECHO, "workspace": "/nowhere"}
    problem(
        await client.post("/api/runs", json=body, headers={"idempotency-key": "a"}), 422, "invalid_input", "workspace"
    )

    assert (await started(client, ECHO, **{"idempotency-key": "a"}))["joined"] is False


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "workflow", "required"),
        ({**ECHO, "workflow": 3}, "workflow", "string"),
        ({**ECHO, "input": []}, "input", "dictionary"),
        ({**ECHO, "colour": "red"}, "colour", "no such argument"),
        ({**ECHO, "max_seconds": -1}, "max_seconds", "greater than 0"),
        ({**ECHO, "max_cost_usd": "much"}, "max_cost_usd", "number"),
        ({"workflow": "echo", "input": {"text": 1}}, "text", "string"),
        ({"workflow": "echo", "input": {}}, "text", "required"),
        ({"workflow": "echo", "input": {"text": "x", "txt": "y"}}, "txt", "did you mean text"),
        ({"workflow": "echo", "input": {"text": "x" * 1001}}, "text", "1000"),
        ({**ECHO, "workspace": "../.."}, "workspace", "outside"),
        ({**ECHO, "workspace": "a\0b"}, "workspace", "no path"),
    ],
)
async def test_what_cannot_be_used_is_named(
    client: httpx.AsyncClient, body: dict[str, Any], field: str, words: str
) -> None:
    found = problem(await client.post("/api/runs", json=body), 422, "invalid_input", field)

    assert field in found["message"]
    assert words in found["message"]
    assert found["blame"] == "caller"


async def test_a_workflow_there_is_not_is_refused_with_those_there_are(client: httpx.AsyncClient) -> None:
    found = problem(await client.post("/api/runs", json={**ECHO, "workflow": "ecco"}), 422, "workflow_not_found")

    assert "Did you mean 'echo'?" in found["recovery"]


# Looking.


async def test_runs_are_listed_in_pages_newest_first(server: Running, client: httpx.AsyncClient) -> None:
    runs = [(await server.told()).run_id for _ in range(5)]

    first = (await client.get("/api/runs", params={"limit": 3})).json()
    second = (await client.get("/api/runs", params={"limit": 3, "before": first["next_before"]})).json()

    assert [run["run_id"] for run in first["runs"] + second["runs"]] == runs[::-1]
    assert second["next_before"] is None


async def test_a_list_can_be_narrowed(server: Running, client: httpx.AsyncClient) -> None:
    over, queued = await server.told(), await server.told()
    await over.say()
    await over.end()

    async def found(**query: Any) -> list[str]:
        return [run["run_id"] for run in (await client.get("/api/runs", params=query)).json()["runs"]]

    assert await found(status="completed") == [over.run_id]
    assert await found(status=["completed", "queued", "running"]) == [queued.run_id, over.run_id]
    assert await found(workflow="hold") == []
    assert await found(workspace="/srv") == [queued.run_id, over.run_id]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=sleeping", "status"),
        ("before=yesterday", "before"),
        ("colour=red", "colour"),
    ],
)
async def test_a_query_that_cannot_be_used_is_refused(client: httpx.AsyncClient, query: str, field: str) -> None:
    problem(await client.get(f"/api/runs?{query}"), 422, "invalid_input", field)


async def test_a_status_is_small_and_says_how_far_it_is(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=2)

    status = (await client.get(f"/api/runs/{run.run_id}/status")).json()

    assert status["last_seq"] == 2
    assert status["message"] == "thought 2"
    assert "input" not in status


@pytest.mark.parametrize("path", ["", "/status", "/events", "/artifacts/a.txt"])
async def test_a_run_there_is_not_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(f"/api/runs/nobody{path}"), 404, "run_not_found")


async def test_workflows_are_listed_with_the_schema_of_their_input(client: httpx.AsyncClient) -> None:
    workflows = (await client.get("/api/workflows")).json()["workflows"]

    assert [one["name"] for one in workflows] == ["echo", "hold", "ask_me"]
    assert set(workflows[0]["input_schema"]["properties"]) == {"text", "times"}
    assert workflows[0]["stages"] == [{"name": "work", "title": "Work", "share": 1}]


async def test_a_graph_is_a_diagram(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/workflows/echo/graph")

    assert "work" in answer.text
    assert answer.headers["content-type"].startswith("text/vnd.mermaid")
    problem(await client.get("/api/workflows/nothing/graph"), 404, "workflow_not_found", "name")


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


async def test_the_message_of_a_chat_is_given_once(client: httpx.AsyncClient) -> None:
    body = {"message": "x", "workflow": "echo", "input": {"text": "y"}}

    problem(await client.post("/api/chat", json=body), 422, "invalid_input", "input.text")


# Artifacts.


@pytest.fixture
async def artifact(server: Running) -> str:
    """Where an artifact of the digits 0 to 9 is."""
    run = await server.told(events=1)
    run.writer.save_artifact(Artifact(name="digits.txt", media_type="text/plain", body=b"0123456789"))
    run.writer.save_artifact(Artifact(name="page.html", media_type="text/html", body=b"<script>alert(1)</script>"))
    run.writer.save_artifact(Artifact(name="empty", media_type="application/octet-stream", body=b""))
    await run.say()
    return f"/api/runs/{run.run_id}/artifacts/digits.txt"


async def test_an_artifact_has_its_media_type_and_all_its_bytes(client: httpx.AsyncClient, artifact: str) -> None:
    answer = await client.get(artifact)

    assert answer.content == b"0123456789"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "given", "content"),
    [
        ("bytes=0-3", "bytes 0-3/10", b"0123"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=-2", "bytes 8-9/10", b"89"),
        ("bytes=5-500", "bytes 5-9/10", b"56789"),
        ("bytes=-500", "bytes 0-9/10", b"0123456789"),
    ],
)
async def test_a_part_of_an_artifact_can_be_asked_for(
    client: httpx.AsyncClient, artifact: str, asked: str, given: str, content: bytes
) -> None:
    answer = await client.get(artifact, headers={"range": asked})

    assert answer.status_code == 206
    assert answer.headers["content-range"] == given
    assert answer.content == content


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=-0", "bytes=99-100"])
async def test_a_part_there_is_not_is_refused(client: httpx.AsyncClient, artifact: str, asked: str) -> None:
    answer = await client.get(artifact, headers={"range": asked})

    assert answer.headers["content-range"] == "bytes */10"
    problem(answer, 416, "range_not_satisfiable", "Range")


@pytest.mark.parametrize("asked", ["bytes=5-3", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=x-y", ""])
async def test_a_range_that_is_none_gives_the_whole(client: httpx.AsyncClient, artifact: str, asked: str) -> None:
    answer = await client.get(artifact, headers={"range": asked})

    assert answer.status_code == 200
    assert answer.content == b"0123456789"


async def test_a_page_that_an_agent_wrote_is_never_a_page_of_this_server(
    client: httpx.AsyncClient, artifact: str
) -> None:
    answer = await client.get(artifact.replace("digits.txt", "page.html"))

    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == 'attachment; filename="page.html"'


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "..%5c..", "digits.txt%00", "a" * 5000, "%C3%A4"])
async def test_no_name_leads_out_of_a_run(client: httpx.AsyncClient, artifact: str, name: str) -> None:
    answer = await client.get(artifact.replace("digits.txt", name))

    assert answer.status_code == 404
    assert answer.json()["kind"] in {"artifact_not_found", "not_found"}


async def test_an_empty_artifact_is_empty(client: httpx.AsyncClient, artifact: str) -> None:
    answer = await client.get(artifact.replace("digits.txt", "empty"))

    assert (answer.status_code, answer.content) == (200, b"")


# The server itself.


async def test_liveness_is_apart_from_readiness(server: Running, client: httpx.AsyncClient) -> None:
    assert (await client.get("/ready")).json()["status"] == "ok"

    server.closing.draining = True

    assert (await client.get("/health")).status_code == 200
    assert (await client.get("/ready")).status_code == 503
    assert (await client.get("/ready")).json()["status"] == "draining"


async def test_a_server_that_ends_takes_no_runs(server: Running, client: httpx.AsyncClient) -> None:
    server.closing.draining = True

    answer = await client.post("/api/runs", json=ECHO)

    assert answer.headers["retry-after"] == "1"
    problem(answer, 503, "log_unavailable")


async def test_a_server_whose_log_is_gone_is_not_ready(server: Running, client: httpx.AsyncClient) -> None:
    await server.assembly.log.close()

    assert (await client.get("/health")).status_code == 200
    assert (await client.get("/ready")).json()["status"] == "unavailable"


async def test_figures_count_requests_by_their_route(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=1)
    await client.get(f"/api/runs/{run.run_id}")
    await client.get("/api/nothing")

    text = (await client.get("/metrics")).text

    assert 'agent_workflows_http_requests_total{method="GET",route="/api/runs/{run_id}",status="200"} 1.0' in text
    assert run.run_id not in text
    assert "process_open_fds" in text


async def test_no_route_and_no_method_are_told_as_problems(client: httpx.AsyncClient) -> None:
    problem(await client.get("/api/nothing"), 404, "not_found")
    answer = await client.delete("/api/runs")

    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_mistake_of_the_server_is_a_problem_without_its_traceback(
    server: Running, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(server.assembly.log), "get", broken)

    with anyio.fail_after(BOUND):
        answer = await client.get("/api/runs/x")

    assert "secret" not in answer.text
    assert orjson.loads(answer.content)["kind"] == "internal_error"
