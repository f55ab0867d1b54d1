"""Watchers who are up to date share one reader of the log; none of them gets anything twice, late or not at all."""

import random
import re
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing, closing
from pathlib import Path

import anyio
import anyio.lowlevel
import h11
import httpx
import pytest

from mcp_server.http.patience import Patience
from tests.mcp_server.http.running import BOUND, Running, running, watching
from tests.waiting import until
from workflows.runs.errors import LogUnavailable
from workflows.runs.events import RunEvent

pytestmark = pytest.mark.anyio


class Readers:
    """Stands between the server and its engine: counts who follows a run, and can fail them.

    Args:
        follow: The engine's.
    """

    def __init__(self, follow: Callable[[str, int], AsyncGenerator[Sequence[RunEvent], None]]) -> None:
        self._follow = follow
        self.open = 0
        self.failure: Exception | None = None

    async def follow(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        self.open += 1
        try:
            async with aclosing(self._follow(run_id, after)) as batches:
                async for events in batches:
                    if self.failure is not None:
                        raise self.failure
                    yield events
        finally:
            self.open -= 1


@pytest.fixture
def readers(server: Running, monkeypatch: pytest.MonkeyPatch) -> Readers:
    counted = Readers(server.assembly.engine.follow)
    monkeypatch.setattr(server.assembly.engine, "follow", counted.follow)
    return counted


async def test_watchers_of_a_live_run_share_one_reader_of_its_log(
    server: Running, client: httpx.AsyncClient, readers: Readers
) -> None:
    run = await server.told(events=1)
    async with AsyncExitStack() as stack:
        watchers = [await stack.enter_async_context(watching(client, run.run_id)) for _ in range(8)]
        for watcher in watchers:
            await watcher.frames(1)
        await until(lambda: readers.open == 1)
        for seq in range(2, 12):
            await run.say()
            assert [[frame.id for frame in await watcher.frames(1)] for watcher in watchers] == [[str(seq)]] * 8
        assert readers.open == 1
        await run.end()
        ends = [[frame.event for frame in await watcher.frames()] for watcher in watchers]
    assert ends == [["workflow_completed"]] * 8
    await until(lambda: readers.open == 0)


async def test_the_reader_goes_with_the_last_watcher(
    server: Running, client: httpx.AsyncClient, readers: Readers
) -> None:
    run = await server.told(events=1)
    async with watching(client, run.run_id) as first:
        await first.frames(1)
        async with watching(client, run.run_id) as second:
            await second.frames(1)
        await run.say()
        assert [frame.id for frame in await first.frames(1)] == ["2"]
        assert readers.open == 1
    await until(lambda: readers.open == 0)


async def test_a_log_that_cannot_be_read_any_more_ends_all_streams_with_the_reason(
    server: Running, client: httpx.AsyncClient, readers: Readers
) -> None:
    run = await server.told(events=1)
    async with watching(client, run.run_id) as one, watching(client, run.run_id) as other:
        await one.frames(1)
        await other.frames(1)
        await until(lambda: readers.open == 1)
        readers.failure = LogUnavailable("The disk is gone.")
        await run.say()
        ends = [await one.frames(), await other.frames()]
    assert [[(frame.event, frame.data["reason"]) for frame in end] for end in ends] == [
        [("stream_end", "log_unavailable")]
    ] * 2


async def test_an_interrupted_run_ends_the_streams_of_who_was_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as server, server.client() as client:
        monkeypatch.setattr(server.assembly.log, "_quiet_seconds", 0.05)
        run = await server.told(events=1)
        async with watching(client, run.run_id) as watcher:
            await watcher.frames(1)
            await run.say()
            await watcher.frames(1)
            await server.assembly.log.open(run.run_id, "1-gone")
            await server.assembly.log.interrupt(run.run_id, "1-gone")
            (end,) = await watcher.frames()
    assert (end.event, end.data["reason"]) == ("stream_end", "run_interrupted")


async def test_who_is_silent_with_a_broadcast_gets_comments(tmp_path: Path) -> None:
    async with running(tmp_path, patience=Patience(quiet=0.05)) as server, server.client() as client:
        run = await server.told(events=1)
        async with watching(client, run.run_id) as watcher:
            await watcher.frames(1)
            await run.say()
            await watcher.frames(1)
            watcher.comments.clear()
            assert await watcher.comment() == ": keep-alive"
            await run.say()
            assert [frame.id for frame in await watcher.frames(1)] == ["3"]


@pytest.mark.parametrize("seed", range(6))
async def test_who_reads_now_and_then_gets_every_event_once_and_in_order(server: Running, seed: int) -> None:
    chance = random.Random(seed)
    run = await server.told(events=1)
    with ExitStack() as stack:
        watchers = [stack.enter_context(closing(Irregular(server))) for _ in range(3)]
        for watcher in watchers:
            watcher.ask(run.run_id)
        for _ in range(60):
            await run.say(chance.randint(1, 4), "x" * chance.choice([10, 2000, 30_000]))
            for watcher in watchers:
                await watcher.read(chance.choice([0, 0, 1, 20]))
        await run.end()
        for watcher in watchers:
            await watcher.read_all()
            assert watcher.seqs == list(range(1, run.writer.last_seq + 1))


async def test_a_client_of_http_1_0_gets_the_events_as_they_are(server: Running) -> None:
    run = await server.told(events=1)
    async with await anyio.connect_tcp("127.0.0.1", server.address.port) as stream:
        await stream.send(f"GET /api/runs/{run.run_id}/events HTTP/1.0\r\nhost: {server.address}\r\n\r\n".encode())
        whole = b""
        with anyio.fail_after(BOUND):
            while b"\nid: 1\n" not in whole:
                whole += await stream.receive()
            await run.end()
            while b"workflow_completed" not in whole or not whole.endswith(b"\n\n"):
                whole += await stream.receive()
    head, _, body = whole.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.startswith(b"retry: 1000\n\nid: 1\nevent: agent_event\ndata: {")


class Irregular:
    """A client with a small buffer that reads when it is told to.

    Args:
        server: What it is connected to.
    """

    def __init__(self, server: Running) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", server.address.port))  # the system takes it at once
        self._socket.setblocking(False)  # noqa: FBT003 - the standard library's own form
        self._http = h11.Connection(h11.CLIENT)
        self._body = b""
        self.over = False

    def ask(self, run_id: str) -> None:
        """Ask for a run's events."""
        request = h11.Request(method="GET", target=f"/api/runs/{run_id}/events", headers=[("host", "localhost")])
        self._socket.send(self._http.send(request) + self._http.send(h11.EndOfMessage()))

    async def read(self, pieces: int) -> None:
        """Read so many times what there is, or nothing where there is nothing."""
        for _ in range(pieces):
            try:
                self._take(self._socket.recv(20_000))
            except BlockingIOError:
                await anyio.lowlevel.checkpoint()

    async def read_all(self) -> None:
        """Read to the end of the stream."""
        with anyio.fail_after(BOUND):
            while not self.over:
                await anyio.wait_readable(self._socket)
                await self.read(1)

    @property
    def seqs(self) -> list[int]:
        """Numbers of the events it got."""
        return [int(number) for number in re.findall(rb"^id: (\d+)$", self._body, re.MULTILINE)]

    def close(self) -> None:
        """Go."""
        self._socket.close()

    def _take(self, data: bytes) -> None:
        self._http.receive_data(data)
        while isinstance(event := self._http.next_event(), h11.Event):
            if isinstance(event, h11.Data):
                self._body += event.data
            self.over = self.over or isinstance(event, h11.EndOfMessage)
            if self.over:
                return
