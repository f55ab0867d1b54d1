"""Whether the server grows: rounds of 50 runs at 20 events a second, watched by clients that come, go and come back.

After each round, when everybody has gone, its memory, open files, tasks and connections are read. The first rounds
warm it up; growth is the difference between the medians of the last and the first half of the rest. The short form, of
about a minute, is what `python -m tests.benchmarks` runs; `http_soak.growth(rounds=360, seconds=10)` is the hour.
"""

import asyncio
import re
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.http_process import BOUND, HttpProcess, http_process, raise_file_limit
from tests.benchmarks.row import Row

RUNS = 50
PER_SECOND = 20
WARM_ROUNDS = 3
MOST_MEGABYTES = 2.0

_FIGURE = re.compile(rb"^(agent_workflows_\w+|process_open_fds) ([\d.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the server holds when nobody is there.

    Attributes:
        megabytes: Private memory.
        files: Open file descriptors.
        tasks: Tasks of its event loop.
        streams: Streams that are open.
    """

    megabytes: float
    files: float
    tasks: float
    streams: float


async def standing(server: HttpProcess) -> Standing:
    """Read it."""
    text = await server.text("GET", "/metrics")
    figures = {match[1].decode(): float(match[2]) for match in _FIGURE.finditer(text)}
    return Standing(
        megabytes=server.megabytes(),
        files=figures["process_open_fds"],
        tasks=figures["agent_workflows_tasks"],
        streams=figures["agent_workflows_streams_open"],
    )


async def _round(server: HttpProcess, number: int, runs: int, seconds: float) -> None:
    ids = [
        await server.start(name=f"round {number} run {run}", per_second=PER_SECOND, seconds=seconds)
        for run in range(runs)
    ]
    restless = [await server.watch(run_id) for run_id in ids]
    await asyncio.sleep(seconds / 2)
    last = [max(watch.seqs, default=0) for watch in restless]
    for watch in restless:
        watch.close()
    watches = [await server.watch(run_id, after) for run_id, after in zip(ids, last, strict=True)]
    async with asyncio.timeout(BOUND):
        for watch in watches:
            await watch.over
    for watch in watches:
        watch.close()


async def growth(rounds: int, seconds: float, runs: int = RUNS) -> tuple[Standing, Standing]:
    """How the server stood in the first and in the last half of the rounds, without those that warm it up.

    Args:
        rounds: How many.
        seconds: Of each.
        runs: In each.
    """
    async with http_process(settings={"AGENT_WORKFLOWS_MAX_RUNS": "64"}) as server:
        found: list[Standing] = []
        for number in range(WARM_ROUNDS + rounds):
            await _round(server, number, runs, seconds)
            async with asyncio.timeout(BOUND):
                while (now := await standing(server)).streams:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
            found.append(now)
    counted = found[WARM_ROUNDS:]
    half = max(1, len(counted) // 2)
    return _middle(counted[:half]), _middle(counted[-half:])


def _middle(standings: list[Standing]) -> Standing:
    return Standing(
        megabytes=median(one.megabytes for one in standings),
        files=median(one.files for one in standings),
        tasks=median(one.tasks for one in standings),
        streams=median(one.streams for one in standings),
    )


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    raise_file_limit()
    rounds, seconds, runs = (2, 0.2, 3) if small else (10, 5.0, RUNS)
    first, last = asyncio.run(growth(rounds, seconds, runs))
    more = last.megabytes - first.megabytes
    still = last.files <= first.files and last.tasks <= first.tasks
    what = f"{rounds} rounds of {runs} watched runs at {PER_SECOND} events/s, {seconds:g} s each"
    return [
        Row(
            name=f"{what}: memory",
            figure=f"{first.megabytes:.1f} to {last.megabytes:.1f} MB",
            target=f"<= {MOST_MEGABYTES:g} MB more",
            reached=more <= MOST_MEGABYTES,
        ),
        Row(
            name="the same: files and tasks",
            figure=f"{first.files:.0f} to {last.files:.0f} files, {first.tasks:.0f} to {last.tasks:.0f} tasks",
            target="no more",
            reached=still,
        ),
    ]
