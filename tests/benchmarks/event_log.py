"""How many events the log takes, and how soon a watcher sees them.

Run with `python -m tests.benchmarks event_log`. Everything goes through the port, into SQLite on the disk of the
directory for temporary files; an event counts when it is durable, and is seen when a watcher has it in hand.

* burst: as fast as one process can append, to the end of the last flush;
* steady: 52,000 events/s, paced, over 50 runs, each of them watched;
* 50 runs at once: 40 events/s each, at random moments, each of them watched;
* another process: the same, watched through a second log, which has to look for what the first one commits.
"""

import asyncio
import gc
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.row import Row
from workflows.runs.events import TokenStream, WorkflowCompleted
from workflows.runs.log import RunWriter
from workflows.runs.run import Run
from workflows.runs.sqlite.log import SqliteEventLog, open_sqlite_log

RUNS = 50
BURST = 200_000
STEADY_PER_SECOND = 52_000
"""A little more than is to be reached, because the time of the last flush counts as well."""
STEADY_SECONDS = 3.0
RUN_PER_SECOND = 40
RUN_SECONDS = 4.0
ROUNDS = 3
RATE_TARGET = 50_000
SEEN_TARGET = 0.040
APPEND_TARGET = 10e-6

BODY = TokenStream(agent="codesmith", channel="text", text="def parse(line: str)")
LAST = WorkflowCompleted(final_response="done", result={}, usage={}, seconds=1.0, tool_calls=0, steps=0)


@dataclass(slots=True, repr=False)
class Scene:
    """Some runs that are written through one log, and watched through one.

    Attributes:
        writers: One for each run.
        appended: When each event of each run was appended, by run.
        latencies: Seconds from each append to a watcher having the event.
        costs: Seconds each call of `append` took.
    """

    writers: list[RunWriter]
    appended: list[list[float]]
    latencies: list[float] = field(default_factory=list[float])
    costs: list[float] = field(default_factory=list[float])

    def say(self, run: int) -> None:
        """Append an event to a run."""
        started = time.perf_counter()
        self.appended[run].append(started)
        self.writers[run].append(BODY, message="codesmith is writing", progress=12.5)
        self.costs.append(time.perf_counter() - started)

    def end(self) -> None:
        """End every run."""
        for run, writer in enumerate(self.writers):
            self.appended[run].append(time.perf_counter())
            writer.append(LAST, message="done", progress=100.0)

    async def watch(self, log: SqliteEventLog, run: int) -> None:
        """Watch a run to its end."""
        appended, latencies = self.appended[run], self.latencies
        async for batch in log.watch(run_id(run)):
            now = time.perf_counter()
            latencies.extend([now - appended[event.seq - 1] for event in batch])


def run_id(number: int) -> str:
    """A run's id, as long as real ones."""
    return f"run-{number:022d}"


@asynccontextmanager
async def scene(runs: int) -> AsyncGenerator[tuple[SqliteEventLog, SqliteEventLog, Scene], None]:
    """New runs in a new directory: the log they are written through, another one, and the scene."""
    with TemporaryDirectory() as directory:
        async with open_sqlite_log(Path(directory)) as log, open_sqlite_log(Path(directory)) as other:
            writers: list[RunWriter] = []
            for number in range(runs):
                run = Run(run_id=run_id(number), workflow="ask", input={}, workspace="/srv", owner="ann", key="")
                await log.create(run)
                writers.append(await log.open(run_id(number), "benchmark"))
            gc.collect()
            yield log, other, Scene(writers, [[] for _ in writers])


async def burst(runs: int, events: int = BURST) -> float:
    """Events per second from the first append to the last event being durable."""
    async with scene(runs) as (log, _, stage):
        started = time.perf_counter()
        for number in range(events):
            stage.say(number % runs)
            if number % 1000 == 999:
                await asyncio.sleep(0)
            if number % 50_000 == 49_999:
                await log.flush()  # the buffer is bounded
        await log.flush()
        return events / (time.perf_counter() - started)


async def steady(seconds: float = STEADY_SECONDS) -> tuple[float, Scene]:
    """Events per second that became durable while so many were appended, and what the watchers saw."""
    async with scene(RUNS) as (log, _, stage):
        watching = [asyncio.create_task(stage.watch(log, run)) for run in range(RUNS)]
        started = time.perf_counter()
        number = 0
        while (elapsed := time.perf_counter() - started) < seconds:
            due = int(elapsed * STEADY_PER_SECOND)
            while number < due:
                stage.say(number % RUNS)
                number += 1
            await asyncio.sleep(0.002)
        await log.flush()
        rate = number / (time.perf_counter() - started)
        stage.end()
        await asyncio.gather(*watching)
        return rate, stage


async def many_runs(seconds: float = RUN_SECONDS, *, through_another_log: bool) -> Scene:
    """What the watchers of 50 runs see."""
    async with scene(RUNS) as (log, other, stage):
        watched = other if through_another_log else log
        watching = [asyncio.create_task(stage.watch(watched, run)) for run in range(RUNS)]
        await asyncio.gather(*(_speak(stage, run, seconds) for run in range(RUNS)))
        stage.end()
        await asyncio.gather(*watching)
        return stage


async def _speak(stage: Scene, run: int, seconds: float) -> None:
    chance = random.Random(run)
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        await asyncio.sleep(chance.expovariate(RUN_PER_SECOND))
        stage.say(run)


def share(values: list[float], part: float) -> float:
    """The value that a part of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this benchmark; of each scene the one of some rounds whose p99 is in the middle.

    Args:
        small: As little as makes a figure at all.
    """
    part, rounds = (1 / 50, 1) if small else (1, ROUNDS)
    events, pace, seconds = int(BURST * part), STEADY_SECONDS * part, RUN_SECONDS * part
    rows = [_rate(f"event log, burst, {_runs(runs)}", asyncio.run(burst(runs, events))) for runs in (1, RUNS)]
    rate, stage = _in_the_middle([asyncio.run(steady(pace)) for _ in range(rounds)])
    rows.append(_rate("event log, steady", rate))
    rows.append(_seen("event log, steady: append to seen", stage))
    costs = share(stage.costs, 0.5)
    reached = costs <= APPEND_TARGET
    target = f"p50 <= {APPEND_TARGET * 1e6:.0f} µs"
    rows.append(Row(name="event log: one append", figure=f"p50 {costs * 1e6:.1f} µs", target=target, reached=reached))
    for where, other in (("seen", False), ("seen by another process", True)):
        scenes = [asyncio.run(many_runs(seconds, through_another_log=other)) for _ in range(rounds)]
        _, stage = _in_the_middle([(0.0, scene) for scene in scenes])
        rows.append(_seen(f"event log, {RUNS} runs at once: append to {where}", stage))
    return rows


def _in_the_middle(scenes: list[tuple[float, Scene]]) -> tuple[float, Scene]:
    return sorted(scenes, key=lambda scene: share(scene[1].latencies, 0.99))[len(scenes) // 2]


def _runs(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _rate(name: str, rate: float) -> Row:
    reached = rate >= RATE_TARGET
    return Row(name=name, figure=f"{rate:,.0f} events/s", target=f">= {RATE_TARGET:,} events/s", reached=reached)


def _seen(name: str, stage: Scene) -> Row:
    p50, p99 = share(stage.latencies, 0.5), share(stage.latencies, 0.99)
    return Row(
        name=name,
        figure=f"p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, {len(stage.latencies):,} events",
        target=f"p99 <= {SEEN_TARGET * 1e3:.0f} ms",
        reached=p99 <= SEEN_TARGET,
    )
