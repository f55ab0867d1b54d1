"""500 watchers on 50 live runs, and one watcher that never reads among 100.

The runs are real ones of the engine; their agents tell the time 20 times a second. Every watcher has a connection of
its own and reads in one other process, which shares the machine's cores with the server. A latency is the time from
the agent's word to the watcher's having it: log, commit and wire are in it. All watchers come in the same moment; what
is said while they come has a figure of its own.

The one that never reads follows a run that has already said a lot, from its beginning, and stops reading after its
first bytes. Rounds with and without it take turns; the medians of their p99 are compared.
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
    await asyncio.sleep(seconds / 2)
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


async def _beside_one_that_never_reads(
    runs: int, watchers: int, seconds: float, rounds: int, burst: int
) -> tuple[float, float, float]:
    """The median p99 without and with it, and the server's memory with it more than without, in MB."""
    async with http_process(settings={"AGENT_WORKFLOWS_MAX_RUNS": "64"}) as server:
        silent = await server.start(name="silent", burst=burst, per_second=PER_SECOND, seconds=3600)
        await watched(server, runs, watchers, min(1.0, seconds), "warm")
        without: list[float] = []
        beside: list[float] = []
        growth: list[float] = []
        for number in range(rounds):
            seen = await watched(server, runs, watchers, seconds, f"without {number}")
            without.append(share(seen.latencies, 0.99))
            memory = server.megabytes()
            stuck = await server.watch(silent)
            stuck.stop_reading()
            seen = await watched(server, runs, watchers, seconds, f"beside {number}")
            beside.append(share(seen.latencies, 0.99))
            growth.append(server.megabytes() - memory)
            stuck.close()
        return median(without), median(beside), median(growth)


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
    runs, watchers, seconds, rounds, burst = (2, 2, 0.5, 1, 2000) if small else (10, 10, 4.0, 5, BURST)
    without, beside, growth = asyncio.run(_beside_one_that_never_reads(runs, watchers, seconds, rounds, burst))
    change = beside / without - 1
    rows += [
        Row(
            name=f"one watcher that never reads beside {runs * watchers}: the others' p99",
            figure=f"{change:+.0%} ({without * 1e3:.1f} to {beside * 1e3:.1f} ms)",
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
