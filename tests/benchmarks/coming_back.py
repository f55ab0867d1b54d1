"""What coming back costs: after the server was killed, to a run with a long past, and to a task.

* The same call after `kill -9` of the server in the third of four stages: what is done again, and how soon the run goes
  on. The new server's start is part of it.
* Servers killed at random moments while runs are at work, two hundred times.
* `tasks/get` on a run with 100,000 events, and the first line of a call that joins a run with 10,000.
"""

import random
import signal
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import anyio

from tests.benchmarks.row import Row
from tests.system.own_workflows.stages import NAMES
from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import WireClient
from tests.workflows.runs.kills import Work, survive
from workflows.runs.events import AgentEvent, Heartbeat, StageInfo, WorkflowStarted
from workflows.runs.process_lock import ProcessLock
from workflows.runs.run import Run
from workflows.runs.run_key import idempotency_key, new_run_id
from workflows.runs.sqlite.log import SqliteEventLog

TASKS: dict[str, Any] = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
KILLS_IN_THE_THIRD = 10
KILLS = 200
RUNS = 50
RUNS_AT_ONCE = 5
"""So few that two hundred kills are not enough to get them all done."""
STAGE_SECONDS = 0.5
"""About as long as a server lives, so that most stages are cut off."""
QUESTIONS = 1000
JOINS = 20
NEXT_EVENT_SECONDS = 2.0
ASKED_MILLISECONDS = 5.0
JOINED_MILLISECONDS = 100.0


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    return [
        *anyio.run(_after_a_kill, 1 if small else KILLS_IN_THE_THIRD),
        _many_kills(3, Work(2)) if small else _many_kills(KILLS, Work(RUNS, RUNS_AT_ONCE, STAGE_SECONDS)),
        anyio.run(_tasks_get, 1_000 if small else 100_000, 10 if small else QUESTIONS),
        anyio.run(_joining, 1_000 if small else 10_000, 2 if small else JOINS),
    ]


async def _after_a_kill(times: int) -> list[Row]:
    seconds: list[float] = []
    redone = 0
    for _ in range(times):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            took, again = await _killed_and_called_again(Place.below(Path(directory)))
        seconds.append(took)
        redone += again
    name = "kill -9 of the server in the third of four stages, then the same call"
    return [
        Row(name=f"{name}: finished stages redone", figure=f"{redone} in {times}", target="0", reached=redone == 0),
        Row(
            name=f"{name}, to the next event",
            figure=f"longest of {times} {max(seconds):.2f} s",
            target=f"<= {NEXT_EVENT_SECONDS:g} s",
            reached=max(seconds) <= NEXT_EVENT_SECONDS,
        ),
    ]


def _stages(place: Place, **client: Any) -> AbstractAsyncContextManager[WireClient]:
    own = str(OWN_WORKFLOWS / "stages.py")
    return place.server("--offline", "--workflow", own, **client)


async def _killed_and_called_again(place: Place) -> tuple[float, int]:
    (place.workspace / "hold-check").touch()
    async with _stages(place) as client:
        await client.open()
        request = await client.call("stages", {"task": "go"})
        last = await client.progress(request, message="worker: check is under way")
        client.kill(signal.SIGKILL)
        await client.ended()
    (place.workspace / "hold-check").unlink()
    async with _stages(place) as client:
        await client.open()
        began = time.perf_counter()
        request = await client.call("stages", {"task": "go"})
        while (await client.progress(request))["run_id"] != last["run_id"]:
            raise RuntimeError("another run was started")
        await client.message(lambda message: _seq(message) > last["seq"])
        seconds = time.perf_counter() - began
        await client.answer(request)
        events = await client.log_of(last["run_id"])
    if [event["seq"] for event in events] != list(range(1, len(events) + 1)):
        raise RuntimeError("the run's numbers have a gap")
    done = [event["stage"] for event in events if event["type"] == "stage_completed"]
    return seconds, len(done) - len(NAMES)


def _seq(message: dict[str, Any]) -> int:
    if message.get("method") != "notifications/progress":
        return 0
    return int(message["params"]["_meta"]["io.github.agent-workflows/event"]["seq"])


def _many_kills(kills: int, work: Work) -> Row:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        survival = survive(Path(directory), work, kills=kills, life=lambda: chance.uniform(0.1, 1.0))
    completed = sum(run.status == "completed" for run in survival.runs)
    wrong = len(survival.redone) + len(survival.missing) + len(survival.gaps)
    return Row(
        name=f"{survival.kills} random kills over {work.runs} runs of twelve stages",
        figure=f"{completed} runs completed; stages recorded twice {len(survival.redone)}, "
        f"missing {len(survival.missing)}; runs with a gap {len(survival.gaps)}",
        target="every run ends; 0, 0, 0",
        reached=completed == work.runs and not wrong,
    )


async def _tasks_get(events: int, questions: int) -> Row:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        place = Place.below(Path(directory))
        async with _long_run(place, events) as run, _stages(place, capabilities=TASKS) as client:
            await client.open()
            await _asked(client, run)
            milliseconds, least = list[float](), list[float]()
            for _ in range(questions):  # in turn: the host's own pace changes within seconds
                milliseconds.append(await _asked(client, run))
                least.append(await _answered(client, "resources/templates/list"))
    p50, p99 = _p50_and_p99(milliseconds)
    least_p50, least_p99 = _p50_and_p99(least)
    return Row(
        name=f"`tasks/get` on a run with {events:,} events (in turn with a request whose answer is always the same)",
        figure=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms (p50 {least_p50:.1f} ms, p99 {least_p99:.1f} ms)",
        target=f"p99 <= {ASKED_MILLISECONDS:g} ms",
        reached=p99 <= ASKED_MILLISECONDS,
    )


def _p50_and_p99(milliseconds: list[float]) -> tuple[float, float]:
    parts = quantiles(milliseconds, n=100)
    return parts[49], parts[98]


async def _asked(client: WireClient, run: Run) -> float:
    began = time.perf_counter()
    answer = await client.asked("tasks/get", {"taskId": run.run_id})
    if answer["result"]["status"] != "working":
        raise RuntimeError(f"not the answer that was meant: {answer}")
    return (time.perf_counter() - began) * 1000


async def _answered(client: WireClient, method: str) -> float:
    began = time.perf_counter()
    await client.asked(method)
    return (time.perf_counter() - began) * 1000


async def _joining(events: int, joins: int) -> Row:
    milliseconds: list[float] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        place = Place.below(Path(directory))
        async with _long_run(place, events) as run, _stages(place) as client:
            await client.open()
            for _ in range(joins + 1):
                began = time.perf_counter()
                request = await client.call("stages", {"task": "go", "wait_seconds": 0.05})
                if (await client.progress(request))["run_id"] != run.run_id:
                    raise RuntimeError("another run was started")
                milliseconds.append((time.perf_counter() - began) * 1000)
                await client.answer(request)
    first, *warm = milliseconds
    return Row(
        name=f"call that joins a run with {events:,} past events, to the first line",
        figure=f"longest of {joins} {max(warm):.1f} ms; the server's first call {first:.1f} ms",
        target=f"<= {JOINED_MILLISECONDS:g} ms",
        reached=max(warm) <= JOINED_MILLISECONDS,
    )


@asynccontextmanager
async def _long_run(place: Place, events: int) -> AsyncGenerator[Run]:
    """A run with a long past that seems to be at work, because this process lives and holds its lock."""
    log = await SqliteEventLog.start(place.home)
    with ProcessLock(place.home / "processes") as lock:
        run = _run(place, lock.token)
        await log.create(run)
        writer = await log.open(run.run_id, lock.token)
        stages = [StageInfo(name=name, title=name.title()) for name in NAMES]
        started = WorkflowStarted(workflow="stages", input=run.input, stages=stages, offline=True)
        writer.append(started, message="started", progress=0)
        for number in range(events - 2):
            said = AgentEvent(agent="worker", event_type="progress", details={"text": f"step {number}"})
            writer.append(said, message=f"worker: step {number}", progress=round(90 * number / events, 2))
            if number % 5000 == 0:
                await writer.flush()
        beat = Heartbeat(agent="", stage="", seconds=1, waiting_for="work", reason="working")
        writer.append(beat, message="working", progress=95)
        await writer.flush()
        try:
            yield run
        finally:
            await log.close()


def _run(place: Place, process: str) -> Run:
    given = {"task": "go"}
    return Run(
        run_id=new_run_id(),
        workflow="stages",
        input=given,
        workspace=str(place.workspace),
        owner="local",
        key=idempotency_key("stages", given, str(place.workspace), offline=True),
        offline=True,
        process=process,
    )
