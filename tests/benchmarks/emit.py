"""What saying something costs an agent, inside a real graph in a real server; also when the client reads nothing.

The client that does not read has pipes of one page, which are full after a few lines of progress. The agent goes on;
what it said is in the log, and the client finds its result when it reads again. Of some rounds that is told whose
longest delay is in the middle.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.row import Row
from tests.benchmarks.stdio_process import StdioProcess, own_command, wait_until
from tests.benchmarks.workflows import DONE, TalkOutput

ROUNDS = 3
THINGS = 30_000
"""Said in bursts for several seconds: a client that does not read gets ten lines of progress a second."""
SMALL = 3_000
PAGE_BYTES = 4096
P50_MICROSECONDS = 10.0
LONGEST_GAP_MILLISECONDS = 100.0
"""What is not blocked: a task beside the agent is never late by as long as the client would wait for a line."""


@dataclass(frozen=True, slots=True)
class Talked:
    """One run of the talker.

    Attributes:
        cost: What it measured.
        unread: Bytes that lay in the client's pipe when the talker was done.
        received: Bytes the client got in the end.
    """

    cost: TalkOutput
    unread: int
    received: int


def _talk(things: int, *, reads: bool) -> Talked:
    with (
        tempfile.TemporaryDirectory() as directory,
        StdioProcess(own_command("TALK"), directory, pipe_bytes=None if reads else PAGE_BYTES) as server,
    ):
        server.discover()
        before = server.received
        call = server.call("talk", text=str(things))
        unread = 0
        if not reads:
            wait_until((Path(directory) / DONE).exists, seconds=60)
            unread = server.unread()
        result = server.answer(call)
        return Talked(
            TalkOutput.model_validate(result["structuredContent"]["result"]), unread, server.received - before
        )


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    things, rounds = (SMALL, 1) if small else (THINGS, ROUNDS)
    talked = [(_talk(things, reads=True), _talk(things, reads=False)) for _ in range(rounds)]
    reading, silent = (_in_the_middle(runs) for runs in zip(*talked, strict=True))
    if not small and silent.received <= PAGE_BYTES:
        raise RuntimeError(f"the client's pipe was never full: it got {silent.received} bytes in all")
    return [
        _cost("`emit`, client reads", reading),
        _cost("`emit`, client does not read", silent),
        _gap(f"event loop late at most while {things:,} things are said, client reads", reading),
        _gap("as above, client does not read", silent),
    ]


def _in_the_middle(runs: Sequence[Talked]) -> Talked:
    return sorted(runs, key=lambda run: run.cost.longest_gap_ms)[len(runs) // 2]


def _cost(name: str, talked: Talked) -> Row:
    cost = talked.cost
    return Row(
        name=name,
        figure=f"p50 {cost.p50_us:.1f} µs, p99 {cost.p99_us:.1f} µs, longest {cost.longest_us / 1000:.1f} ms",
        target=f"p50 <= {P50_MICROSECONDS:g} µs",
        reached=cost.p50_us <= P50_MICROSECONDS,
    )


def _gap(name: str, talked: Talked) -> Row:
    gap = talked.cost.longest_gap_ms
    waits = f"; {talked.unread} bytes waited in the full pipe" if talked.unread else ""
    return Row(
        name=name,
        figure=f"{gap:.0f} ms{waits}",
        target=f"never blocked: <= {LONGEST_GAP_MILLISECONDS:g} ms",
        reached=gap <= LONGEST_GAP_MILLISECONDS,
    )
