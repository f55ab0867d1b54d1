"""500 watchers on 50 live runs, and one watcher that never reads among 100.

The runs are real ones of the engine; their agents tell the time 20 times a second. Every watcher has a connection of
its own and reads in one other process, which shares the machine's cores with the server. A latency is the time from
the agent's word to the watcher's having it: log, commit and wire are in it. All watchers come in the same moment; what
is said while they come has a figure of its own.

The one that never reads follows a run that has already said a lot, from its beginning. In each round it comes while the
others watch: their p99 after its sockets are full is compared with that before it came; while they are being filled it
is a client like any other, which reads history as fast as it can, and that has a figure of its own.
"""

import asyncio
import time
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.http_process import BOUND, HttpProcess, http_process, raise_file_limit, share
from tests.benchmarks.row import Row

PER_SECOND = 20
LATENCY_TARGET = 0.100
CHANGE_TARGET = 0.20
BURST = 30_000
"""Events that the one that does not read leaves unread: several times what sockets hold."""
PART = 3.0
"""Seconds the others are watched before it comes, and again after its sockets are full. They are full, and watchers
that have come are served, after a third of that, which is several times what was seen."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the watchers of some runs saw.

    Attributes:
        latencies: Of all of them, of what was said once everybody watched.
        arriving: The same, of what was said before that.
        events: How many events they got.
        complete: Whether each of them got every event.
        cpu_share: Part of one core that the server used.
        kilobytes: Memory the server needed for each of them.
    """

    latencies: list[float]
    arriving: list[float]
    events: int
    complete: bool
    cpu_share: float
    kilobytes: float


async def watched(server: HttpProcess, runs: int, watchers: int, seconds: float, name: str) -> Seen:
    """Start runs, watch each of them, and wait for all ends.

    Args:
        server: Where.
        runs: How many.
        watchers: Of each run.
        seconds: How long they tell the time.
        name: Of the runs.
    """
    ids = [await server.start(name=f"{name} {run}", per_second=PER_SECOND, seconds=seconds) for run in range(runs)]
    before = server.megabytes()
    watches = [await server.watch(run_id) for _ in range(watchers) for run_id in ids]
    await _all([watch.begun for watch in watches])
    everybody = time.monotonic()
    cpu, began = server.cpu_seconds(), asyncio.get_running_loop().time()
    await asyncio.sleep(seconds / 2)  # what is measured is what goes on meanwhile; so with the sleeps below
    after = server.megabytes()
    computed, passed = server.cpu_seconds() - cpu, asyncio.get_running_loop().time() - began
    await _all([watch.over for watch in watches])
    seen = Seen(
        latencies=[latency for watch in watches for said, latency in watch.latencies if said >= everybody],
        arriving=[latency for watch in watches for said, latency in watch.latencies if said < everybody],
        events=sum(len(watch.seqs) for watch in watches),
        complete=all(watch.seqs == list(range(1, len(watch.seqs) + 1)) for watch in watches)
        and min(watch.told for watch in watches) >= seconds * PER_SECOND - 1,
        cpu_share=computed / passed,
        kilobytes=(after - before) * 1000 / len(watches),
    )
    for watch in watches:
        watch.close()
    return seen


async def _all(futures: list[asyncio.Future[None]]) -> None:
    async with asyncio.timeout(BOUND):
        for future in futures:
            await future


async def _many(runs: int, watchers: int, seconds: float) -> Seen:
    settings = {"AGENT_WORKFLOWS_MAX_RUNS": "64"}
    async with http_process(settings=settings) as server:
        await watched(server, 1, 1, 0.1, "warm")
        return await watched(server, runs, watchers, seconds, "many")


@dataclass(frozen=True, slots=True)
class Beside:
    """The p99 of 100 watchers before and after one that never reads has come, and the server's memory.

    Attributes:
        before: Until it comes, in seconds.
        filling: While the server sends it what sockets hold.
        after: From when they are full.
        megabytes: Memory at the end more than before.
    """

    before: float
    filling: float
    after: float
    megabytes: float


async def _beside_one_that_never_reads(
    server: HttpProcess, silent: str, runs: int, watchers: int, name: str, part: float
) -> Beside:
    ids = [await server.start(name=f"{name} {run}", per_second=PER_SECOND, seconds=3600) for run in range(runs)]
    watches = [await server.watch(run_id) for _ in range(watchers) for run_id in ids]
    await _all([watch.begun for watch in watches])
    await asyncio.sleep(part / 3)
    memory, began = server.megabytes(), time.monotonic()
    await asyncio.sleep(part)
    stuck, came = await server.watch(silent), time.monotonic()
    stuck.stop_reading()
    await asyncio.sleep(part / 3)
    full = time.monotonic()
    await asyncio.sleep(part)
    end, growth = time.monotonic(), server.megabytes() - memory
    for watch in (stuck, *watches):
        watch.close()
    for run_id in ids:
        await server.request("POST", f"/api/runs/{run_id}/cancel", {})

    def p99(first: float, last: float) -> float:
        return share([late for watch in watches for said, late in watch.latencies if first <= said < last], 0.99)

    return Beside(p99(began, came), p99(came, full), p99(full, end), growth)


async def _rounds(rounds: int, runs: int, watchers: int, burst: int, part: float) -> list[Beside]:
    async with http_process(settings={"AGENT_WORKFLOWS_MAX_RUNS": "64"}) as server:
        silent = await server.start(name="silent", burst=burst, per_second=PER_SECOND, seconds=3600)
        await watched(server, runs, watchers, 1.0, "warm")
        return [
            await _beside_one_that_never_reads(server, silent, runs, watchers, f"round {number}", part)
            for number in range(rounds)
        ]


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    raise_file_limit()
    runs, watchers, seconds = (3, 2, 0.5) if small else (50, 10, 10.0)
    seen = asyncio.run(_many(runs, watchers, seconds))
    p50, p99 = share(seen.latencies, 0.5), share(seen.latencies, 0.99)
    who = f"{runs * watchers} SSE watchers on {runs} live runs"
    rows = [
        Row(
            name=f"{who}: said to received",
            figure=f"p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, {seen.events:,} events received",
            target=f"p99 <= {LATENCY_TARGET * 1e3:.0f} ms",
            reached=p99 <= LATENCY_TARGET,
        ),
        Row(
            name="the same: what is said while they all come at once",
            figure=f"p50 {share(seen.arriving, 0.5) * 1e3:.1f} ms, p99 {share(seen.arriving, 0.99) * 1e3:.1f} ms",
        ),
        Row(
            name=f"{who}: every watcher got every event",
            figure="yes" if seen.complete else "no",
            target="yes",
            reached=seen.complete,
        ),
        Row(
            name=f"{who}: the server's part",
            figure=f"{seen.cpu_share:.2f} cores, {seen.kilobytes:.0f} kB a watcher",
        ),
    ]
    runs, watchers, rounds, burst, part = (2, 2, 1, 2000, 0.6) if small else (10, 10, 5, BURST, PART)
    found = asyncio.run(_rounds(rounds, runs, watchers, burst, part))
    before, after = median(one.before for one in found), median(one.after for one in found)
    filling, growth = median(one.filling for one in found), median(one.megabytes for one in found)
    change = after / before - 1
    rows += [
        Row(
            name=f"one watcher that never reads beside {runs * watchers}: the others' p99",
            figure=f"{change:+.0%} ({before * 1e3:.1f} to {after * 1e3:.1f} ms; "
            f"{filling * 1e3:.1f} ms in the second in which it is sent what sockets hold)",
            target=f"< {CHANGE_TARGET:.0%}",
            reached=change < CHANGE_TARGET,
        ),
        Row(
            name="the same: the server's memory",
            figure=f"{growth:+.1f} MB",
            target="<= 4 MB",
            reached=growth <= 4,
        ),
    ]
    return rows
