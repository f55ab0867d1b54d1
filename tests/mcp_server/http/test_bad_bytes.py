"""What a careless or hostile client can send, byte for byte."""

import socket
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pytest
from anyio.abc import SocketStream

from mcp_server.http.connection import HEAD_BYTES
from mcp_server.http.limits import BODY_BYTES
from mcp_server.http.patience import Patience
from mcp_server.http.serving import VANISHED_SECONDS
from tests.mcp_server.http.running import BOUND, Running, running
from tests.waiting import until

pytestmark = pytest.mark.anyio

HURRIED = Patience(head=0.2, body=0.2)


async def connected(server: Running) -> SocketStream:
    return await anyio.connect_tcp("127.0.0.1", server.address.port)


async def all_of(stream: SocketStream) -> bytes:
    """What comes until the server closes its end."""
    whole = b""
    with anyio.fail_after(BOUND):
        while True:
            try:
                whole += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return whole


async def asked(server: Running, data: bytes) -> bytes:
    stream = await connected(server)
    await stream.send(data)
    answer = await all_of(stream)
    await stream.aclose()
    return answer


def posted(body: bytes, **headers: str) -> bytes:
    fields = {"host": "localhost", "content-type": "application/json", "connection": "close", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"POST /api/runs HTTP/1.1\r\n{head}\r\n".encode() + body


def kind(answer: bytes) -> str:
    return orjson.loads(answer.partition(b"\r\n\r\n")[2])["kind"]


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b'{"workflow": }', b"\xff\xfe", b"[" * 100_000, b"NaN", b'{"a": 1} {"b": 2}', b"\0"]
)
async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/runs", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["kind"] == "malformed_json"


@pytest.mark.parametrize("body", [b"[]", b"3", b'"text"', b"null", b"true"])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/runs", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert "JSON object" in answer.json()["message"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_body_in_another_form_is_refused(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post("/api/runs", content=b"{}", headers={"content-type": media_type})

    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/api/runs", "/mcp"])
async def test_a_huge_body_is_refused_by_its_announcement(server: Running, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {BODY_BYTES + 1}\r\n\r\n"

    answer = await asked(server, head.encode())

    assert answer.startswith(b"HTTP/1.1 413")
    assert kind(answer) == "body_too_large"


async def test_a_huge_body_that_was_not_announced_is_refused(server: Running) -> None:
    stream = await connected(server)
    await stream.send(posted(b"", transfer_encoding="chunked"))
    answer: list[bytes] = []

    async def listen() -> None:
        answer.append(await all_of(stream))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        chunk = b"%x\r\n%s\r\n" % (64 * 1024, b"x" * 64 * 1024)
        try:
            for _ in range(100):
                await stream.send(chunk)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
    await stream.aclose()

    assert answer[0] == b"" or answer[0].startswith(b"HTTP/1.1 413")


async def test_a_body_that_comes_too_slowly_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, patience=HURRIED) as server:
        answer = await asked(server, posted(b'{"work', content_length="100"))

    assert answer.startswith(b"HTTP/1.1 408")
    assert kind(answer) == "body_too_slow"


async def test_a_head_that_comes_too_slowly_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, patience=HURRIED) as server:
        answer = await asked(server, b"GET /health HTTP/1.1\r\nhost: local")

    assert answer.startswith(b"HTTP/1.1 408")
    assert kind(answer) == "head_too_slow"


async def test_a_connection_on_which_nothing_is_said_is_closed(tmp_path: Path) -> None:
    async with running(tmp_path, patience=HURRIED) as server:
        stream = await connected(server)
        assert await all_of(stream) == b""
        await stream.aclose()
        await until(lambda: not server.uvicorn.server_state.connections)


@pytest.mark.parametrize("more", [b"G", b"GET / HTTP/1.1\r\n"])
async def test_half_a_head_after_a_request_that_was_answered_is_not_waited_for_either(
    tmp_path: Path, more: bytes
) -> None:
    async with running(tmp_path, patience=HURRIED) as server:
        stream = await connected(server)
        await stream.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        with anyio.fail_after(BOUND):
            answer = await stream.receive()
        await stream.send(more)

        end = await all_of(stream)

        assert answer.startswith(b"HTTP/1.1 200")
        assert end.startswith(b"HTTP/1.1 408")
        await stream.aclose()


async def test_a_body_that_nobody_reads_does_not_keep_its_connection(tmp_path: Path) -> None:
    async with running(tmp_path, patience=HURRIED) as server:
        stream = await connected(server)
        await stream.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n")
        with anyio.fail_after(BOUND):
            answer = await stream.receive()
        await stream.send(b"x")

        await all_of(stream)

        assert answer.startswith(b"HTTP/1.1 200")
        await until(lambda: not server.uvicorn.server_state.connections)
        await stream.aclose()


async def test_a_head_that_is_too_large_is_refused(server: Running) -> None:
    answer = await asked(server, b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * (HEAD_BYTES + 2000))

    assert answer.startswith(b"HTTP/1.1 431")
    assert kind(answer) == "head_too_large"


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/1\r\nhost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/runs HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
        b"POST /api/runs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"GET /health HTTP/1.1\r\nhost: localhost\r\n bad: fold\0\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused(server: Running, data: bytes) -> None:
    stream = await connected(server)
    await stream.send(data)
    await stream.send_eof()
    answer = await all_of(stream)
    await stream.aclose()

    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))


async def test_two_hosts_are_none(server: Running) -> None:
    answer = await asked(
        server, b"GET /health HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
    )

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))


async def test_a_client_that_goes_in_the_middle_of_its_body_leaves_nothing_behind(server: Running) -> None:
    stream = await connected(server)
    await stream.send(posted(b'{"work', content_length="100"))
    await stream.aclose()

    await until(lambda: not server.uvicorn.server_state.connections and not server.uvicorn.server_state.tasks)


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux's")
async def test_a_client_that_vanishes_without_a_word_is_given_up_by_the_system(server: Running) -> None:
    stream = await connected(server)
    await until(lambda: bool(server.uvicorn.server_state.connections))
    (connection,) = server.uvicorn.server_state.connections
    transport: Any = connection.transport
    own: socket.socket = transport.get_extra_info("socket")

    assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == VANISHED_SECONDS * 1000
    assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    await stream.aclose()


async def test_the_server_still_answers_after_all_of_it(server: Running, client: httpx.AsyncClient) -> None:
    streams = [await connected(server) for _ in range(50)]
    for number, stream in enumerate(streams):
        await stream.send((b"GET /", b"\0\xff", b"POST /mcp HTTP/1.1\r\n")[number % 3])

    assert (await client.get("/health")).status_code == 200
    for stream in streams:
        await stream.aclose()
