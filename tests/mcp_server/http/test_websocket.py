from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mcp_server.http.patience import Patience
from tests.mcp_server.http.running import BOUND, Running, received, running
from tests.waiting import until
from workflows.runs.errors import LogUnavailable
from workflows.runs.event_json import to_json_object
from workflows.runs.events import RunEvent

pytestmark = pytest.mark.anyio


async def read_on(socket: Any) -> None:
    while True:
        await socket.recv()


async def closed(socket: Any) -> tuple[int, str]:
    """With what the server closes."""
    with anyio.fail_after(BOUND), pytest.raises(ConnectionClosed) as end:
        await read_on(socket)
    assert end.value.rcvd is not None
    return end.value.rcvd.code, end.value.rcvd.reason


async def test_a_message_is_an_event_and_the_last_one_closes(server: Running) -> None:
    run = await server.told(events=2)

    async with server.socket(run.run_id) as socket:
        history = await received(socket, 2)
        await run.end()
        (last,) = await received(socket, 1)
        end = await closed(socket)

    assert [*history, last] == [to_json_object(event) for event in await server.assembly.log.read(run.run_id)]
    assert end == (1000, "the run is over")


async def test_a_watcher_begins_behind_the_last_event_it_has(server: Running) -> None:
    run = await server.told(events=5)

    async with server.socket(run.run_id, "?after=3") as socket:
        assert [event["seq"] for event in await received(socket, 2)] == [4, 5]


async def test_a_run_is_cancelled_and_its_watcher_sees_it(server: Running, client: httpx.AsyncClient) -> None:
    run_id = (await client.post("/api/runs", json={"workflow": "hold", "input": {"text": "x"}})).json()["run_id"]

    async with server.socket(run_id) as socket:
        await socket.send('{"type": "cancel", "reason": "enough"}')
        events: list[dict[str, Any]] = []
        while not events or events[-1]["type"] != "workflow_cancelled":
            events += await received(socket, 1)

    assert events[-1]["reason"] == "enough"
    assert events[-1]["by"] == "local over WebSocket"


async def test_a_run_at_work_is_steered(server: Running, client: httpx.AsyncClient) -> None:
    run_id = (await client.post("/api/runs", json={"workflow": "hold", "input": {"text": "x"}})).json()["run_id"]

    async with server.socket(run_id) as socket:
        events: list[dict[str, Any]] = []
        while not events or events[-1].get("details", {}).get("instruction") is None:
            events += await received(socket, 1)
            if events[-1]["type"] == "stage_started":
                await socket.send('{"type": "steer", "text": "be brief"}')

    assert events[-1]["details"]["instruction"] == "be brief"


async def test_a_question_is_answered(server: Running, client: httpx.AsyncClient) -> None:
    run_id = (await client.post("/api/runs", json={"workflow": "ask_me", "input": {"text": "x"}})).json()["run_id"]

    async with server.socket(run_id) as socket:
        events: list[dict[str, Any]] = []
        while not events or events[-1]["type"] != "workflow_completed":
            events += await received(socket, 1)
            if events[-1]["type"] == "gate_opened":
                await socket.send('{"type": "answer", "answer": {"approved": true}}')

    assert events[-1]["result"] == {"answer": "yes"}


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("{", "malformed_json"),
        ("[]", "malformed_json"),
        ("{}", "invalid_input"),
        ('{"type": "dance"}', "invalid_input"),
        ('{"type": "cancel", "why": "x"}', "invalid_input"),
        ('{"type": "steer"}', "invalid_input"),
        ('{"type": "answer", "answer": 1}', "run_not_waiting"),
    ],
)
async def test_a_command_that_cannot_be_obeyed_is_answered_and_ends_nothing(
    server: Running, message: str, kind: str
) -> None:
    run = await server.told(events=1)

    async with server.socket(run.run_id) as socket:
        await received(socket, 1)
        await socket.send(message)
        (problem,) = await received(socket, 1)
        await run.say()
        (event,) = await received(socket, 1)

    assert problem["type"] == "problem"
    assert problem["kind"] == kind
    assert event["seq"] == 2


@pytest.mark.usefixtures("no_time_passes")
async def test_who_commands_too_often_is_told_and_goes_on_watching(server: Running) -> None:
    run = await server.told(events=1)

    async with server.socket(run.run_id) as socket:
        await received(socket, 1)
        for _ in range(30):
            await socket.send('{"type": "dance"}')
        problems = await received(socket, 30)
        await run.say()
        (event,) = await received(socket, 1)

    assert {problem["kind"] for problem in problems[:20]} == {"invalid_input"}
    assert problems[-1]["kind"] == "too_many_requests"
    assert event["seq"] == 2


async def test_a_message_that_is_too_large_closes(server: Running) -> None:
    run = await server.told(events=1)

    async with server.socket(run.run_id) as socket:
        await socket.send("x" * 300_000)
        assert (await closed(socket))[0] == 1009


async def test_a_socket_that_ends_with_the_server_says_so(server: Running) -> None:
    run = await server.told(events=1)

    async with server.socket(run.run_id) as socket:
        await received(socket, 1)
        server.closing.begin()
        await server.assembly.log.close()
        assert (await closed(socket))[0] == 1012


@pytest.mark.parametrize(("query", "status"), [("?after=x", 400), ("?after=9", 400), ("?token=x", 400)])
async def test_a_socket_that_cannot_be_opened_says_why(server: Running, query: str, status: int) -> None:
    run = await server.told(events=1)

    with pytest.raises(InvalidStatus) as refused:
        await server.socket(run.run_id, query)

    assert refused.value.response.status_code == status
    assert b'"kind"' in (refused.value.response.body or b"")


async def test_a_socket_of_a_run_there_is_not_is_not_found(server: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.socket("nobody")

    assert refused.value.response.status_code == 404


async def test_a_socket_outlives_the_time_for_a_requests_head(tmp_path: Path) -> None:
    async with running(tmp_path, patience=Patience(head=0.1)) as server:
        run = await server.told(events=1)
        async with server.socket(run.run_id) as socket:
            await received(socket, 1)
            silent = await anyio.connect_tcp("127.0.0.1", server.address.port)
            with anyio.fail_after(BOUND), pytest.raises(anyio.EndOfStream):
                await silent.receive()  # the server closes it: the time is over
            await silent.aclose()
            await run.say()
            assert [event["seq"] for event in await received(socket, 1)] == [2]


async def test_a_log_that_cannot_be_read_any_more_closes_with_the_reason(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await server.told(events=1)

    async def follow(run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        yield await server.assembly.log.read(run_id, after)
        raise LogUnavailable("The disk is gone.")

    monkeypatch.setattr(server.assembly.engine, "follow", follow)
    async with server.socket(run.run_id) as socket:
        event, problem = await received(socket, 2)
        end = await closed(socket)

    assert event["seq"] == 1
    assert (problem["type"], problem["kind"]) == ("problem", "log_unavailable")
    assert end == (1011, "the log cannot be read")


async def test_a_watcher_that_never_reads_is_cut(tmp_path: Path) -> None:
    async with running(tmp_path, patience=Patience(unread=0.2)) as server:
        run = await server.told(events=1)
        socket = await server.socket(run.run_id)
        socket.transport.pause_reading()
        for _ in range(40):
            await run.say(100, "x" * 3000)
        await until(lambda: not server.uvicorn.server_state.connections)
        socket.transport.abort()
