"""What becomes of a run whose client is gone without a word: nobody's run is stopped for somebody else."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

import anyio
import httpx
import pytest
from mcp import Client

from tests.mcp_server.http.asking import HOLD, started, tool_call
from tests.mcp_server.http.running import Running, watching
from tests.mcp_server.http.test_mcp import call, client_of, end_of_the_only_run, stateless
from tests.waiting import until

pytestmark = pytest.mark.anyio

TEXT = "hello"
Wait: TypeAlias = Callable[[httpx.AsyncClient, str], Coroutine[object, object, object]]


@pytest.fixture
def left(server: Running, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs the server was told to leave, in the moment it was told."""
    runs: list[str] = []
    monkeypatch.setattr(server.assembly.engine, "leave_soon", runs.append)
    return runs


class OpenCall:
    """A call that waits for the run, on a line of its own.

    Args:
        server: Where.
    """

    def __init__(self, server: Running) -> None:
        self._server = server
        self._client = server.client()
        self._stack = AsyncExitStack()
        self._lines: AsyncIterator[str] | None = None
        self.run_id = ""

    async def open(self) -> None:
        """Begin the run or join it, and return when it is at work as far as this call is told."""
        await self._stack.enter_async_context(self._client)
        request = tool_call(self._client, "hold", text=TEXT)
        answer = await self._client.send(request, stream=True)
        self._stack.push_async_callback(answer.aclose)
        self._lines = answer.aiter_lines()  # kept: httpx cuts a line whose reader is forgotten
        async for line in self._lines:
            if "held" in line or "joined" in line:
                break
        (run,) = (await self._client.get("/api/runs")).json()["runs"]
        self.run_id = run["run_id"]

    async def drop(self) -> None:
        """Cut its line, and return when the server has done with it."""
        requests = self._server.uvicorn.server_state.tasks
        before = len(requests)
        await self._stack.aclose()
        await until(lambda: len(requests) < before)


async def opened(server: Running) -> OpenCall:
    """A call that begins the run, or joins it."""
    call = OpenCall(server)
    await call.open()
    return call


async def chat_in_one_piece(client: httpx.AsyncClient, _run_id: str) -> object:
    return await client.post(
        "/api/chat", json={"message": TEXT, "workflow": "hold"}, headers={"accept": "application/json"}
    )


async def chat_as_a_stream(client: httpx.AsyncClient, _run_id: str) -> object:
    return await client.post("/api/chat", json={"message": TEXT, "workflow": "hold"})


async def get_run_that_waits(client: httpx.AsyncClient, run_id: str) -> object:
    return await client.send(tool_call(client, "get_run", run_id=run_id, wait_seconds=30, after=1000))


async def listening_to_its_task(client: httpx.AsyncClient, run_id: str) -> object:
    return await stateless(client, "subscriptions/listen", {"notifications": {"taskIds": [run_id]}})


async def call_that_joins(client: httpx.AsyncClient, _run_id: str) -> object:
    return await client.send(tool_call(client, "hold", text=TEXT))


@asynccontextmanager
async def waiting(server: Running, wait: Wait, run_id: str) -> AsyncGenerator[None, None]:
    """One more who waits for a run that one waits for already; with the end, the server has nobody left."""
    async with server.client() as client, anyio.create_task_group() as tasks:
        tasks.start_soon(wait, client, run_id)
        await until(lambda: not server.assembly.waiters.is_last(run_id))
        yield
        tasks.cancel_scope.cancel()
    await until(lambda: not server.uvicorn.server_state.tasks)


@pytest.mark.parametrize(
    ("wait", "promised"),
    [
        (chat_in_one_piece, True),
        (chat_as_a_stream, True),
        (get_run_that_waits, False),
        (listening_to_its_task, False),
        (call_that_joins, False),
    ],
)
async def test_a_run_goes_on_without_the_call_that_began_it_for_whoever_else_waits_and_no_longer_unless_it_is_promised(
    server: Running, left: list[str], wait: Wait, *, promised: bool
) -> None:
    beginner = await opened(server)
    async with waiting(server, wait, beginner.run_id):
        await beginner.drop()

        assert left == []

    assert left == ([] if promised else [beginner.run_id])


async def test_a_run_that_somebody_was_just_told_of_goes_on(
    server: Running, left: list[str], client: httpx.AsyncClient
) -> None:
    beginner = await opened(server)
    async with server.client() as other, anyio.create_task_group() as tasks:
        tasks.start_soon(get_run_that_waits, other, beginner.run_id)
        await until(lambda: not server.assembly.waiters.is_last(beginner.run_id))
        await beginner.drop()
        await client.post(f"/api/runs/{beginner.run_id}/steer", json={"text": "be quick"})  # which `get_run` tells

    assert left == []


async def test_a_call_cancelled_in_words_cancels_the_run_once_nobody_waits_for_it(
    server: Running, client: httpx.AsyncClient
) -> None:
    at_work = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        if "held" in (message or ""):  # from then on there is nothing that `get_run` would be answered for
            at_work.set()

    beginning = anyio.CancelScope()

    async def begin(caller: Client) -> None:
        with beginning:
            await call(caller, note)

    async with client_of(server, "legacy") as caller, anyio.create_task_group() as tasks:
        tasks.start_soon(begin, caller)
        await at_work.wait()
        (run,) = (await client.get("/api/runs")).json()["runs"]
        async with server.client() as other, anyio.create_task_group() as others:
            others.start_soon(get_run_that_waits, other, run["run_id"])
            await until(lambda: not server.assembly.waiters.is_last(run["run_id"]))
            beginning.cancel()
            await until(lambda: server.assembly.waiters.is_last(run["run_id"]))
            assert (await client.get(f"/api/runs/{run['run_id']}/status")).json()["status"] == "running"
            others.cancel_scope.cancel()

    assert await end_of_the_only_run(server) == "cancelled"


async def test_who_only_watches_a_run_does_not_keep_it_at_work(
    server: Running, left: list[str], client: httpx.AsyncClient
) -> None:
    beginner = await opened(server)
    async with watching(client, beginner.run_id) as watcher:
        await watcher.frames(1)
        await beginner.drop()

    assert left == [beginner.run_id]


async def test_a_call_that_only_joined_stops_nothing_when_it_is_gone(
    server: Running, left: list[str], client: httpx.AsyncClient
) -> None:
    run_id = (await started(client, HOLD))["run_id"]
    joined = await opened(server)
    await joined.drop()

    assert joined.run_id == run_id
    assert left == []


async def test_the_last_of_several_calls_stops_the_run_that_one_of_them_began(server: Running, left: list[str]) -> None:
    beginner = await opened(server)
    joined = await opened(server)
    await beginner.drop()
    assert left == []

    await joined.drop()
    assert left == [beginner.run_id]


async def test_a_call_that_only_joined_and_is_cancelled_ends_the_run_if_nobody_else_waits(
    server: Running, client: httpx.AsyncClient
) -> None:
    told = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        if "joined" in (message or ""):
            told.set()

    await started(client, {**HOLD, "input": {"text": "x"}})
    async with client_of(server, "legacy") as joining, anyio.create_task_group() as tasks:
        tasks.start_soon(call, joining, note)
        await told.wait()
        tasks.cancel_scope.cancel()

    assert await end_of_the_only_run(server) == "cancelled"
