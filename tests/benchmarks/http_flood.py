"""A client that opens 10,000 streams and keeps all it gets: whether each is answered, and whether others still are.

The limits are those of an installation: 1,000 streams for one user, 2,000 connections. Only the limit of requests is
set high, which would refuse most of them before they are looked at as streams. Meanwhile somebody else asks for
`/health` again and again on connections of their own.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.benchmarks.http_process import BOUND, HttpProcess, http_process, raise_file_limit, request_bytes, share
from tests.benchmarks.row import Row

STREAMS = 10_000
MOST_STREAMS = 1000
"""For one user, as it is set where nobody sets anything else."""
AT_ONCE = 50
MOST_MEGABYTES = 100.0


@dataclass(slots=True)
class Flood:
    """What became of it.

    Attributes:
        answers: How many streams got which answer, by status.
        seconds: Of each answer that somebody else got meanwhile.
        megabytes: Memory the server needed for it.
    """

    answers: Counter[str] = field(default_factory=Counter[str])
    seconds: list[float] = field(default_factory=list[float])
    megabytes: float = 0.0


async def flooded(server: HttpProcess, streams: int) -> Flood:
    """Open streams of a run, and look what happens."""
    flood = Flood()
    run_id = await server.start(name="flooded", seconds=3600, per_second=1)
    before = server.megabytes()
    kept: list[asyncio.StreamWriter] = []
    over = asyncio.Event()
    asking = asyncio.create_task(_ask(server, flood, over))
    async with asyncio.timeout(4 * BOUND):
        for begin in range(0, streams, AT_ONCE):
            batch = range(begin, min(begin + AT_ONCE, streams))
            await asyncio.gather(*[_open(server, run_id, flood, kept) for _ in batch])
    flood.megabytes = server.megabytes() - before
    over.set()
    await asking
    for writer in kept:
        writer.transport.abort()
    await asyncio.sleep(0)  # the transports end on the loop's next turn
    return flood


async def _open(server: HttpProcess, run_id: str, flood: Flood, kept: list[asyncio.StreamWriter]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request_bytes("GET", f"/api/runs/{run_id}/events", None))
    head = await reader.read(64)
    flood.answers[head[9:12].decode() or "none"] += 1
    kept.append(writer)


async def _ask(server: HttpProcess, flood: Flood, over: asyncio.Event) -> None:
    while not over.is_set():
        began = time.perf_counter()
        await server.text("GET", "/health")
        flood.seconds.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)


async def _measured(streams: int, most: int) -> Flood:
    async with http_process(settings={"AGENT_WORKFLOWS_MAX_STREAMS": str(most)}) as server:
        return await flooded(server, streams)


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    raise_file_limit()
    streams, most = (150, 100) if small else (STREAMS, MOST_STREAMS)
    flood = asyncio.run(_measured(streams, most))
    told = flood.answers["200"] + flood.answers["429"] + flood.answers["503"]
    what = ", ".join(f"{count:,} got {status}" for status, count in sorted(flood.answers.items()))
    return [
        Row(
            name=f"one client opens {streams:,} streams: each is served or told why not",
            figure=what,
            target=f"{streams:,} of {streams:,}, {most:,} served",
            reached=told == streams and flood.answers["200"] == most,
        ),
        Row(
            name="the same: somebody else is answered meanwhile",
            figure=f"{len(flood.seconds)} times, p99 {share(flood.seconds, 0.99) * 1e3:.0f} ms",
        ),
        Row(
            name="the same: the server's memory",
            figure=f"{flood.megabytes:+.0f} MB",
            target=f"<= {MOST_MEGABYTES:.0f} MB",
            reached=flood.megabytes <= MOST_MEGABYTES,
        ),
    ]
