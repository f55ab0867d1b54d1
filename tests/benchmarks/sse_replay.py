"""How fast a finished run's events are replayed over SSE: 100,000 of them, from the log on disk to one client.

They are of the kinds and the size that a run of `build_feature` has, in about the same parts. The client counts frames
and does nothing else.
"""

import asyncio
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.event_log import LAST
from tests.benchmarks.http_process import BOUND, HttpProcess, http_process, request_bytes
from tests.benchmarks.row import Row
from workflows.runs.events import AgentEvent, EventBody, TokenStream, ToolEnd, ToolStart
from workflows.runs.run import Run
from workflows.runs.sqlite.log import open_sqlite_log

EVENTS = 100_000
ROUNDS = 5
TARGET = 50_000
RUN_ID = "replayed"

BODIES: tuple[EventBody, ...] = (
    TokenStream(agent="codesmith", channel="text", text="def parse(line: str) -> Event:"),
    TokenStream(agent="codesmith", channel="thinking", text="The tests expect a tuple here"),
    AgentEvent(agent="codesmith", event_type="progress", details={"text": "reading the parser"}),
    ToolStart(agent="codesmith", tool="Edit", call_id="toolu_01", input={"file_path": "src/parser.py"}),
    ToolEnd(agent="codesmith", tool="Edit", call_id="toolu_01", seconds=0.2, ok=True, output="1 replacement"),
)


async def _write(home: Path, events: int) -> None:
    async with open_sqlite_log(home) as log:
        run = Run(run_id=RUN_ID, workflow="clock", input={}, workspace="/srv", owner="local", key="")
        await log.create(run)
        writer = await log.open(RUN_ID, "")
        for number in range(events - 1):
            writer.append(BODIES[number % len(BODIES)], message="codesmith 🔧 Edit src/parser.py", progress=12.5)
            if number % 5000 == 0:
                await log.flush()
        writer.append(LAST, message="done", progress=100)
        await log.flush()


async def _replayed(server: HttpProcess, events: int) -> tuple[float, float]:
    """Events per second, and MB per second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**20)
    began = time.perf_counter()
    writer.write(request_bytes("GET", f"/api/runs/{RUN_ID}/events", None, close=True))
    frames = size = 0
    async with asyncio.timeout(BOUND):
        while data := await reader.read(2**20):
            frames += data.count(b"\nevent: ")
            size += len(data)
    seconds = time.perf_counter() - began
    writer.close()
    if frames < events * 0.999:  # a frame that two reads share is not counted
        raise RuntimeError(f"{frames} of {events} events came")
    return events / seconds, size / seconds / 1e6


async def _measured(events: int, rounds: int) -> list[tuple[float, float]]:
    with TemporaryDirectory() as home:
        await _write(Path(home), events)
        async with http_process(home) as server:
            await _replayed(server, events)
            return [await _replayed(server, events) for _ in range(rounds)]


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    events, rounds = (2000, 1) if small else (EVENTS, ROUNDS)
    rates = asyncio.run(_measured(events, rounds))
    rate, megabytes = median(rate for rate, _ in rates), median(size for _, size in rates)
    return [
        Row(
            name=f"replay of {events:,} events over SSE",
            figure=f"{rate:,.0f} events/s, {megabytes:.0f} MB/s",
            target=f">= {TARGET:,} events/s",
            reached=rate >= TARGET,
        )
    ]
