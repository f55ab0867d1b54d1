"""Starting runs, and looking at them."""

from typing import Any

import anyio
import httpx
import pytest

from tests.mcp_server.http.asking import ECHO, HOLD, problem, started, whole
from tests.mcp_server.http.running import Running

pytestmark = pytest.mark.anyio


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


async def test_a_list_is_narrowed_by_a_workspace_however_it_is_written(client: httpx.AsyncClient) -> None:
    run_id = (await started(client, ECHO))["run_id"]

    for workspace in (".", "../workspace/"):
        found = (await client.get("/api/runs", params={"workspace": workspace})).json()["runs"]
        assert [run["run_id"] for run in found] == [run_id]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=sleeping", "status"),
        ("before=yesterday", "before"),
        ("workspace=a%00b", "workspace"),
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
