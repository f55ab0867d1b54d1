"""How soon a client that has asked for a run over HTTP reads its first event, and how large an event is on the wire.

The size is that of the events of an offline run of `build_feature`, with everything an SSE frame adds.
"""

import asyncio
import re
import time
from statistics import median

from tests.benchmarks.http_process import BOUND, HttpProcess, http_process, request_bytes
from tests.benchmarks.row import Row

CALLS = 50
MOST_MILLISECONDS = 30
EARLIER_BYTES = 221
"""Median size of an event of a system this one grew out of."""

_RUN_ID = re.compile(rb'"run_id":"([0-9a-f]+)"')
_FRAME = re.compile(rb"id: \d+\nevent: \w+\ndata: ([^\n]*)\n\n")


async def _first_event(server: HttpProcess, number: int) -> float:
    """Milliseconds from the request for a run to its first event, on two connections that are open already."""
    asking, watching = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    body = {"workflow": "clock", "input": {"name": f"call {number}"}}
    began = time.perf_counter()
    asking[1].write(request_bytes("POST", "/api/runs", body))
    run_id = await _until(asking[0], _RUN_ID)
    watching[1].write(request_bytes("GET", f"/api/runs/{run_id.decode()}/events", None))
    await _until(watching[0], _FRAME)
    milliseconds = (time.perf_counter() - began) * 1000
    for _, writer in (asking, watching):
        writer.close()
    return milliseconds


async def _until(reader: asyncio.StreamReader, pattern: re.Pattern[bytes]) -> bytes:
    whole = b""
    async with asyncio.timeout(BOUND):
        while (match := pattern.search(whole)) is None:
            data = await reader.read(2**16)
            if not data:
                raise RuntimeError(f"the connection ended with {whole[-300:]!r}")
            whole += data
    return match[1]


async def _sizes(server: HttpProcess) -> tuple[float, float, int]:
    """Median bytes of a frame and of its data, and how many there were."""
    body = {"workflow": "build_feature", "message": "A module that turns titles into URL slugs"}
    whole = (await server.text("POST", "/api/chat", body)).replace(b"\r\n", b"")
    frames = list(_FRAME.finditer(whole))
    return median(len(frame[0]) for frame in frames), median(len(frame[1]) for frame in frames), len(frames)


async def _measured(calls: int) -> tuple[list[float], tuple[float, float, int]]:
    async with http_process(None, "--offline") as server:
        times = [await _first_event(server, number) for number in range(calls + 5)][5:]
        return times, await _sizes(server)


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    times, (frame, data, count) = asyncio.run(_measured(1 if small else CALLS))
    p50 = median(times)
    return [
        Row(
            name="POST /api/runs to first SSE event, warm",
            figure=f"p50 {p50:.1f} ms, longest of {len(times)} {max(times):.1f} ms",
            target=f"p50 <= {MOST_MILLISECONDS} ms",
            reached=p50 <= MOST_MILLISECONDS,
        ),
        Row(
            name="an event on the wire",
            figure=f"median {frame:.0f} bytes as SSE, {data:.0f} of them JSON, of {count} events; "
            f"an earlier system: {EARLIER_BYTES}",
        ),
    ]
