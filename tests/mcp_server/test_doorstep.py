"""The doorstep: what is answered before the server is there, and what waits for it."""

import json
import os
import threading
from collections.abc import Generator
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.message import SessionMessage
from mcp_types import Tool, jsonrpc_message_adapter

from mcp_server.cancellations import Cancellations
from mcp_server.doorstep import CLIENT_CAPABILITIES, CLIENT_INFO, PROTOCOL_VERSION, Doorstep
from mcp_server.handlers import Handlers
from mcp_server.server import WorkflowServer
from mcp_server.wire import Wire

pytestmark = pytest.mark.anyio

META: dict[str, Any] = {
    PROTOCOL_VERSION: "2026-07-28",
    CLIENT_CAPABILITIES: {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    CLIENT_INFO: {"name": "claude-code", "version": "2.1.329"},
}
OPENS_A_SESSION = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n'


def probe(request_id: object = 1, *, meta: dict[str, Any] = META, **others: object) -> str:
    """A line as clients send it first."""
    request = {"jsonrpc": "2.0", "id": request_id, "method": "server/discover", "params": {"_meta": meta}, **others}
    return json.dumps(request) + "\n"


class Client:
    """The other end of a server's wire."""

    def __init__(self) -> None:
        to_read, self._stdin = os.pipe()
        self._stdout, to_write = os.pipe()
        self._wire = Wire(to_read, to_write)
        self._doorstep: Doorstep | None = None
        self.gone = threading.Event()

    def at(self, notice: str = "") -> Doorstep:
        """A doorstep on which it stands."""
        self._doorstep = Doorstep(self._wire, notice, self.gone.set)
        return self._doorstep

    def says(self, *lines: str) -> None:
        os.write(self._stdin, "".join(lines).encode())

    async def is_told(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            told = await anyio.to_thread.run_sync(os.read, self._stdout, 65_536, abandon_on_cancel=True)
        assert told.endswith(b"\n")
        return json.loads(told)

    def says_no_more(self) -> None:
        os.close(self._stdin)
        self._stdin = -1

    def reads_no_more(self) -> None:
        os.close(self._stdout)
        self._stdout = -1

    def goes(self) -> None:
        """Close everything, the server's ends too."""
        for descriptor in (self._stdin, self._stdout):
            if descriptor >= 0:
                os.close(descriptor)
        if self._doorstep is not None:
            self._doorstep.first_line()
            self._doorstep.lines.close()
        os.close(self._wire.stdout)


@pytest.fixture
def client() -> Generator[Client]:
    one = Client()
    yield one
    one.goes()


async def waiting(doorstep: Doorstep) -> str:
    with anyio.fail_after(5):
        return await anyio.to_thread.run_sync(doorstep.first_line, abandon_on_cancel=True)


async def test_a_probe_is_answered_though_no_server_is_there(client: Client) -> None:
    client.at()
    client.says(probe("server-discover-probe-1"))
    told = await client.is_told()
    assert (told["jsonrpc"], told["id"]) == ("2.0", "server-discover-probe-1")
    assert told["result"]["supportedVersions"] == ["2026-07-28"]


async def test_what_is_wrong_with_somebodys_workflow_is_part_of_the_answer(client: Client) -> None:
    client.at("A workflow is left out: it is broken.\n")
    client.says(probe())
    told = await client.is_told()
    assert told["result"]["instructions"].endswith("A workflow is left out: it is broken.\n")


async def test_each_probe_is_answered_and_what_follows_them_waits_for_the_server(client: Client) -> None:
    doorstep = client.at()
    for request_id in (1, "two", 3):
        client.says(probe(request_id))
        assert (await client.is_told())["id"] == request_id
    client.says(OPENS_A_SESSION, probe(4))
    assert await waiting(doorstep) == OPENS_A_SESSION
    assert doorstep.lines.readline() == probe(4)


@pytest.mark.parametrize(
    "line",
    [
        OPENS_A_SESSION,
        "\n",
        "no JSON, and server/discover\n",
        "[" * 100_000 + '"server/discover"\n',
        '["server/discover"]\n',
        '{"jsonrpc":"2.0","id":1,"method":"server/discover"}\n',
        '{"jsonrpc":"2.0","method":"server/discover","params":{}}\n',
        probe(None),
        probe(request_id=True),
        probe(1.5),
        probe(jsonrpc="1.0"),
        probe(params=None),
        probe(method="tools/call", params={"name": "server/discover", "_meta": META}),
        probe(meta={}),
        probe(meta={**META, PROTOCOL_VERSION: "2099-01-01"}),
        probe(meta={**META, PROTOCOL_VERSION: 1}),
        probe(meta={**META, CLIENT_CAPABILITIES: None}),
        probe(meta={**META, CLIENT_INFO: "claude-code"}),
        probe(meta={**META, CLIENT_INFO: {"name": "claude-code"}}),
    ],
    ids=lambda line: line[:60],
)
async def test_a_line_that_is_no_whole_probe_waits_as_it_came(client: Client, line: str) -> None:
    doorstep = client.at()
    client.says(line)
    assert await waiting(doorstep) == line
    assert doorstep.take_over() is False


async def test_once_the_server_is_there_it_answers_probes_too(client: Client) -> None:
    doorstep = client.at()
    client.says(probe(1))
    await client.is_told()
    assert doorstep.take_over() is True
    client.says(probe(2))
    assert await waiting(doorstep) == probe(2)


async def test_a_client_that_goes_before_the_server_is_there_is_told_of_at_once(client: Client) -> None:
    doorstep = client.at()
    client.says(probe())
    await client.is_told()
    client.says_no_more()
    assert await waiting(doorstep) == ""
    assert client.gone.is_set()


async def test_a_client_that_goes_when_the_server_is_there_is_left_to_the_server(client: Client) -> None:
    doorstep = client.at()
    doorstep.take_over()
    client.says_no_more()
    assert await waiting(doorstep) == ""
    assert not client.gone.is_set()


async def test_a_probe_whose_answer_nobody_reads_is_left_to_the_server(client: Client) -> None:
    doorstep = client.at()
    client.reads_no_more()
    client.says(probe())
    assert await waiting(doorstep) == probe()
    assert doorstep.take_over() is False


@pytest.mark.parametrize("notice", ["", "A workflow is left out: it is broken.\n"])
@pytest.mark.parametrize(
    "meta",
    [META, {**META, "progressToken": 1}, {name: META[name] for name in META if name != CLIENT_INFO}],
    ids=["usual", "a further field", "no client info"],
)
async def test_the_answer_is_the_one_that_the_sdk_gives(client: Client, meta: dict[str, Any], notice: str) -> None:
    client.at(notice)
    client.says(probe(meta=meta))
    assert await client.is_told() == await answer_of_the_sdk(WorkflowServer(Closed(), notice), probe(meta=meta))


class Closed:
    """An `Opening` behind which nothing is: a probe needs nothing of it."""

    async def definitions(self) -> list[Tool]:
        raise AssertionError("a probe was answered with tools")

    async def handlers(self, cancellations: Cancellations) -> Handlers:
        raise AssertionError(f"a probe was answered by handlers, {cancellations}")


async def answer_of_the_sdk(server: WorkflowServer, line: str) -> dict[str, Any]:
    """What the server says to a line."""
    say, said = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    reply, answered = anyio.create_memory_object_stream[SessionMessage](1)
    answers = list[SessionMessage]()
    async with say, answered, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(serve_dual_era_loop, server, said, reply, lifespan_state={}))
        await say.send(SessionMessage(jsonrpc_message_adapter.validate_json(line)))
        with anyio.fail_after(5):
            answers.append(await answered.receive())
        tasks.cancel_scope.cancel()
    return answers[0].message.model_dump(by_alias=True, mode="json", exclude_none=True)
