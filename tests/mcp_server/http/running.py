"""A server on a real socket of loopback, in the test's own event loop, and runs whose every event the test says."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio
import httpx
import orjson
from uvicorn import Server
from websockets.asyncio.client import ClientConnection, connect

from mcp_server.assembly import Assembly, assemble
from mcp_server.http.closing import Closing
from mcp_server.http.network import ListenAddress
from mcp_server.http.patience import Patience
from mcp_server.http.serving import claimed, uvicorn_server
from mcp_server.owner import OWNER
from mcp_server.settings import Settings, load_settings
from tests.mcp_server.http.own_workflows import ASK, ECHO, HOLD
from tests.waiting import until
from workflows.catalog import Catalog
from workflows.runs.events import AgentEvent, WorkflowCompleted
from workflows.runs.log import RunWriter
from workflows.runs.run import Run
from workflows.runs.run_key import new_run_id

BOUND = 15.0
"""Seconds anything here may take, also on a slow machine that has other things to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that serves.

    Attributes:
        assembly: Its parts.
        address: Where it listens.
        closing: Its end.
        uvicorn: What serves.
    """

    assembly: Assembly
    address: ListenAddress
    closing: Closing
    uvicorn: Server

    @property
    def url(self) -> str:
        """Its address for clients."""
        return f"http://{self.address}"

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client of it."""
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        # Nothing is encrypted here, and to load the certificates takes a tenth of a second.
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=BOUND, verify=False, trust_env=False)

    def socket(self, run_id: str, query: str = "", **headers: str) -> connect:
        """A WebSocket of a run."""
        url = f"ws://{self.address}/api/runs/{run_id}/ws{query}"
        return connect(url, additional_headers=headers, open_timeout=BOUND, close_timeout=BOUND)

    async def told(self, owner: str = OWNER, events: int = 0) -> "ToldRun":
        """A new run that has no engine, with so many events."""
        run = Run(run_id=new_run_id(), workflow="echo", input={"text": "hi"}, workspace="/srv", owner=owner, key="")
        await self.assembly.log.create(run)
        told = ToldRun(run.run_id, await self.assembly.log.open(run.run_id, ""))
        await told.say(events)
        return told


@dataclass(slots=True)
class ToldRun:
    """A run that does what the test says.

    Attributes:
        run_id: Its id.
        writer: Its only writer.
    """

    run_id: str
    writer: RunWriter

    async def say(self, events: int = 1, text: str = "") -> None:
        """Add events, and return when they are durable."""
        for _ in range(events):
            seq = self.writer.last_seq + 1
            body = AgentEvent(agent="teller", event_type="think", details={"text": text or f"thought {seq}"})
            self.writer.append(body, message=f"thought {seq}", progress=1)
        await self.writer.flush()

    async def end(self) -> None:
        """Add the last event."""
        body = WorkflowCompleted(
            final_response="done", result={"answer": "done"}, usage={}, seconds=1, tool_calls=0, steps=1
        )
        self.writer.append(body, message="done", progress=100)
        await self.writer.flush()


@asynccontextmanager
async def running(
    directory: Path, *, listen: str = "127.0.0.1", patience: Patience | None = None, **given: object
) -> AsyncGenerator[Running, None]:
    """A server with settings.

    Args:
        directory: For its data and its workspace.
        listen: The host it listens at.
        patience: How long it waits for its clients.
        given: Further settings.
    """
    settings = place(directory, **given)
    async with assemble(settings, Catalog((ECHO, HOLD, ASK))) as assembly:
        sock = claimed(ListenAddress(listen, 0))
        address = ListenAddress(listen, cast("int", sock.getsockname()[1]))
        closing = Closing()
        server = uvicorn_server(settings, assembly, address, closing, patience)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server._serve, [sock])  # pyright: ignore[reportPrivateUsage] - the public one takes the signals
            await until(lambda: server.started)
            try:
                yield Running(assembly, address, closing, server)
            finally:
                with anyio.CancelScope(shield=True), anyio.move_on_after(BOUND):
                    await _stop(server)
                tasks.cancel_scope.cancel()


def place(directory: Path, **given: object) -> Settings:
    """Settings of a server that keeps all it has in a directory."""
    workspace = directory / "workspace"
    workspace.mkdir(exist_ok=True)
    return load_settings(**{"home": directory / "home", "roots": [workspace], "offline": True, **given})


async def _stop(server: Server) -> None:
    """Take it down at once; uvicorn's own way waits for clients, in steps of a tenth of a second."""
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        transport: Any = connection.transport
        transport.abort()
    for task in list(server.server_state.tasks):
        task.cancel()
    await until(lambda: not server.server_state.tasks)
    await server.lifespan.shutdown()


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a stream.

    Attributes:
        id: Its `id`; empty if it has none.
        event: Its `event`.
        data: Its `data`, read.
    """

    id: str
    event: str
    data: dict[str, Any]


class Watcher:
    """Reads a stream frame by frame.

    Args:
        response: The answer that is the stream.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments: list[str] = []
        self._lines = response.aiter_lines()

    async def frames(self, count: int | None = None) -> list[Frame]:
        """The next frames; all there are until the end if no count is given."""
        found: list[Frame] = []
        with anyio.fail_after(BOUND):
            while count is None or len(found) < count:
                frame = await self._frame()
                if frame is None:
                    break
                found.append(frame)
        return found

    async def comment(self) -> str:
        """The next comment."""
        with anyio.fail_after(BOUND):
            while not self.comments:
                await self._field()
        return self.comments.pop(0)

    async def _frame(self) -> Frame | None:
        fields: dict[str, str] = {}
        while (field := await self._field()) is not None:
            if field == ("", ""):
                if "data" in fields:
                    return Frame(fields.get("id", ""), fields["event"], orjson.loads(fields["data"]))
                fields = {}
            else:
                fields[field[0]] = field[1]
        return None

    async def _field(self) -> tuple[str, str] | None:
        line = await anext(self._lines, None)
        if line is None:
            return None
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            self.comments.append(line)
            return "", ""
        return name, value


@asynccontextmanager
async def watching(
    client: httpx.AsyncClient, run_id: str, query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Watcher, None]:
    """A stream of a run's events."""
    async with client.stream("GET", f"/api/runs/{run_id}/events{query}", headers=headers) as response:
        yield Watcher(response)


async def received(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next messages of a WebSocket."""
    with anyio.fail_after(BOUND):
        return [orjson.loads(await socket.recv()) for _ in range(count)]
