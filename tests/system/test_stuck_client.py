"""A client that no longer reads: its pipe is full, and the run goes on to its end all the same."""

import os
import sys
from pathlib import Path

import anyio
import orjson
import pytest

from tests.system.place import Place
from tests.system.wire import LEGACY, Json, own_command

if sys.platform == "linux":
    import fcntl

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="makes a pipe small, which only Linux can"),
]

PIPE_BYTES = 4096


def opening(tool: str, arguments: Json) -> bytes:
    """Everything such a client ever says."""
    client = {"name": "stuck", "version": "1"}
    messages: list[Json] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client},
        },
        {"method": "notifications/initialized"},
        {
            "id": 2,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": {"progressToken": "p"}},
        },
    ]
    return b"".join(orjson.dumps({"jsonrpc": "2.0", **message}) + b"\n" for message in messages)


def make_small(pipe: int) -> None:
    """Let a pipe hold no more than a page."""
    if sys.platform == "linux":
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


async def test_a_client_that_stops_reading_holds_up_neither_the_run_nor_the_end(tmp_path: Path) -> None:
    place = Place.below(tmp_path)
    reading, writing = os.pipe()
    make_small(writing)
    server = await anyio.open_process(  # noqa: TID251 - ended below
        [*own_command(), "serve", "--offline"],
        stdout=writing,
        env=place.variables(),
        cwd=place.workspace,
    )
    os.close(writing)
    try:
        assert server.stdin is not None
        await server.stdin.send(opening("build_feature", {"task": "slugs"}))
        async with place.server("--offline") as other:
            await other.open()
            runs: list[Json] = []
            with anyio.fail_after(10):
                while not runs:
                    runs = (await other.told("list_runs", {}))["runs"]
            report = await other.over(runs[0]["run_id"])
            assert report["status"] == "completed"
            assert report["result"]["review"]["verdict"] == "approved"
        await server.stdin.aclose()
        with anyio.fail_after(5):  # who waited for room in the pipe would do so for ever
            assert await server.wait() == 0
        heard = os.read(reading, 10 * PIPE_BYTES)
        assert len(heard) > PIPE_BYTES // 2, "The pipe was not full: nobody was stuck."
        assert b'"workflow_completed"' not in heard, "It all went into the pipe: nobody was stuck."
        await place.deserted(2)
    finally:
        os.close(reading)
        if server.returncode is None:
            server.kill()
        await server.aclose()
