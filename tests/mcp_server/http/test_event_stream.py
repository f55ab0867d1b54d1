from pathlib import Path

import anyio
import httpx
import pytest

from mcp_server.http.patience import Patience
from tests.mcp_server.http.running import Frame, Running, running, watching
from tests.waiting import until
from workflows.runs.event_json import to_json_object

pytestmark = pytest.mark.anyio


def seqs(frames: list[Frame]) -> list[int]:
    return [int(frame.id) for frame in frames]


async def test_history_comes_first_and_then_what_happens(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=3)

    async with watching(client, run.run_id) as watcher:
        history = await watcher.frames(3)
        await run.say(2)
        live = await watcher.frames(2)
        await run.end()
        last = await watcher.frames()

    assert seqs([*history, *live, *last]) == [1, 2, 3, 4, 5, 6]
    assert last[-1].event == "workflow_completed"


async def test_a_frame_is_the_event_as_it_stands_in_the_log(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=1)
    (event,) = await server.assembly.log.read(run.run_id)

    async with watching(client, run.run_id) as watcher:
        (frame,) = await watcher.frames(1)

    assert frame == Frame(id="1", event="agent_event", data=to_json_object(event))


@pytest.mark.parametrize("events", [99, 100, 101, 499, 500, 501, 1300])
async def test_a_long_history_is_told_once_and_in_order_to_its_end(
    server: Running, client: httpx.AsyncClient, events: int
) -> None:
    run = await server.told(events=events)
    await run.end()
    kept = await server.assembly.log.read(run.run_id, limit=2000)

    async with watching(client, run.run_id) as watcher:
        frames = await watcher.frames()

    assert frames == [Frame(id=str(event.seq), event=event.type, data=to_json_object(event)) for event in kept]


async def test_a_watcher_with_a_long_history_hears_what_happens_too(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=700)

    async with watching(client, run.run_id) as watcher:
        history = await watcher.frames(700)
        await run.say(2)
        live = await watcher.frames(2)
        await run.end()
        last = await watcher.frames()

    assert seqs([*history, *live, *last]) == list(range(1, 704))


async def test_no_proxy_may_hold_a_stream_back(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=1)

    async with watching(client, run.run_id) as watcher:
        headers = watcher.response.headers

    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["x-accel-buffering"] == "no"
    assert "no-store" in headers["cache-control"]
    assert "no-transform" in headers["cache-control"]
    assert "content-length" not in headers


@pytest.mark.parametrize(("query", "header"), [("?after=2", None), ("", "2"), ("?after=4", "2")])
async def test_a_watcher_begins_behind_the_last_event_it_has(
    server: Running, client: httpx.AsyncClient, query: str, header: str | None
) -> None:
    run = await server.told(events=4)
    await run.end()
    headers = {"last-event-id": header} if header else None

    async with watching(client, run.run_id, query, headers) as watcher:
        frames = await watcher.frames()

    assert seqs(frames) == [3, 4, 5]


async def test_a_watcher_that_comes_back_again_and_again_gets_every_event_once(
    server: Running, client: httpx.AsyncClient
) -> None:
    run = await server.told()
    seen: list[int] = []

    while len(seen) < 60:
        await run.say(3)
        async with watching(client, run.run_id, headers={"last-event-id": str(len(seen))}) as watcher:
            seen += seqs(await watcher.frames(2))

    assert seen == list(range(1, len(seen) + 1))


async def test_a_run_that_has_told_everything_ends_the_reconnecting(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=1)
    await run.end()

    answer = await client.get(f"/api/runs/{run.run_id}/events", headers={"last-event-id": "2"})

    assert answer.status_code == 204
    assert answer.content == b""


async def test_a_stream_of_an_interrupted_run_says_so(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=2)
    await server.assembly.log.open(run.run_id, "1-gone")
    await server.assembly.log.interrupt(run.run_id, "1-gone")

    async with watching(client, run.run_id) as watcher:
        *told, end = await watcher.frames()

    assert seqs(told) == [1, 2]
    assert end == Frame(id="", event="stream_end", data={"run_id": run.run_id, "reason": "run_interrupted"})


async def test_every_watcher_has_a_cursor_of_its_own(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=5)

    async with watching(client, run.run_id) as one, watching(client, run.run_id, "?after=3") as other:
        assert seqs(await other.frames(2)) == [4, 5]
        await run.end()
        assert seqs(await one.frames()) == [1, 2, 3, 4, 5, 6]
        assert seqs(await other.frames()) == [6]


async def test_silence_is_broken_by_comments(tmp_path: Path) -> None:
    async with running(tmp_path, patience=Patience(quiet=0.05)) as server, server.client() as client:
        run = await server.told(events=1)

        async with watching(client, run.run_id) as watcher:
            await watcher.frames(1)
            assert await watcher.comment() == ": keep-alive"
            await run.say()
            assert seqs(await watcher.frames(1)) == [2]


async def test_a_client_that_goes_leaves_nothing_behind(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=1)
    tasks_before = len(server.uvicorn.server_state.tasks)

    async with watching(client, run.run_id) as watcher:
        await watcher.frames(1)
        assert len(server.uvicorn.server_state.tasks) == tasks_before + 1

    await until(lambda: len(server.uvicorn.server_state.tasks) == tasks_before)
    assert "agent_workflows_streams_open 0.0" in (await client.get("/metrics")).text


async def test_a_stream_that_ends_with_the_server_says_so(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=1)

    async with watching(client, run.run_id) as watcher:
        await watcher.frames(1)
        server.closing.begin()
        await server.assembly.log.close()
        (end,) = await watcher.frames()

    assert end.event == "stream_end"
    assert end.data["reason"] == "server_closing"


async def test_a_head_request_is_answered_without_a_stream(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=1)

    answer = await client.head(f"/api/runs/{run.run_id}/events")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1e3", "٣", "9" * 30, "1, 2", "0x10"])
async def test_an_event_number_that_is_none_is_refused(server: Running, client: httpx.AsyncClient, text: str) -> None:
    run = await server.told(events=1)

    answer = await client.get(f"/api/runs/{run.run_id}/events", params={"after": text})

    assert answer.status_code == 400
    assert answer.json()["kind"] == "invalid_input"
    assert answer.json()["field"] == "after"


async def test_an_id_from_the_future_is_refused(server: Running, client: httpx.AsyncClient) -> None:
    run = await server.told(events=3)

    answer = await client.get(f"/api/runs/{run.run_id}/events", headers={"last-event-id": "4"})

    assert answer.status_code == 400
    assert answer.json()["kind"] == "event_not_there_yet"
    assert answer.json()["field"] == "Last-Event-ID"


async def test_a_watcher_that_never_reads_holds_up_nobody_and_is_let_go(tmp_path: Path) -> None:
    async with running(tmp_path, patience=Patience(unread=1)) as server, server.client() as client:
        run = await server.told(events=1)
        stuck = await anyio.connect_tcp("127.0.0.1", server.address.port)
        await stuck.send(f"GET /api/runs/{run.run_id}/events HTTP/1.1\r\nhost: {server.address}\r\n\r\n".encode())

        async with watching(client, run.run_id) as watcher:
            await watcher.frames(1)
            for _ in range(40):
                await run.say(100, "x" * 3000)
                assert len(await watcher.frames(100)) == 100
            await until(lambda: len(server.uvicorn.server_state.connections) == 1)
            await run.end()
            assert (await watcher.frames())[-1].event == "workflow_completed"
        await stuck.aclose()
