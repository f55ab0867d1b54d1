"""Whether the server lives and takes runs, its figures, and what it answers where there is nothing."""

import anyio
import httpx
import orjson
import pytest

from tests.mcp_server.http.asking import ECHO, HOLD, problem, started, tool_call
from tests.mcp_server.http.running import BOUND, Running

pytestmark = pytest.mark.anyio


async def test_liveness_is_apart_from_readiness(server: Running, client: httpx.AsyncClient) -> None:
    assert (await client.get("/ready")).json()["status"] == "ok"

    server.assembly.engine.drain()

    assert (await client.get("/health")).status_code == 200
    assert (await client.get("/ready")).status_code == 503
    assert (await client.get("/ready")).json()["status"] == "draining"


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


async def test_figures_count_runs_however_they_were_asked_for(client: httpx.AsyncClient) -> None:
    await started(client, ECHO)
    await started(client, HOLD)
    await started(client, HOLD)
    await client.send(tool_call(client, "echo", text="over MCP"))

    text = (await client.get("/metrics")).text

    assert 'agent_workflows_runs_requested_total{outcome="started",workflow="echo"} 2.0' in text
    assert 'agent_workflows_runs_requested_total{outcome="joined",workflow="hold"} 1.0' in text


async def test_figures_do_not_grow_with_what_strangers_send(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.request(f"INVENTED-{number}", "/api/runs")

    text = (await client.get("/metrics")).text

    assert "INVENTED" not in text
    assert 'agent_workflows_http_requests_total{method="other",route="/api/runs",status="405"} 3.0' in text


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
