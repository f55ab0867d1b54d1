"""Servers that are killed again and again while runs are at work, and what the log says of it afterwards.

Each server is a fork of a process that has imported everything, so that it is at work within milliseconds. It starts or
resumes all runs, and is killed with SIGKILL after some time.
"""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from tests.workflows.runs.floor import Floor, answer, floor
from tests.workflows.runs.small_workflows import State, workflow
from workflows.context import WorkflowContext
from workflows.runs import launcher
from workflows.runs.errors import RunError
from workflows.runs.events import RunEvent, StageCompleted
from workflows.runs.run import Run, RunFilter
from workflows.workflow import Workflow

STAGES = tuple(f"stage_{number}" for number in range(12))
_DONE = 7
"""Exit code of a server whose runs have all ended."""


@dataclass(slots=True)
class Survival:
    """What came of it.

    Attributes:
        kills: How many servers were killed.
        servers: How many there were.
        runs: The runs, as they ended.
        redone: Stages that the log has as finished more than once.
        missing: Stages of completed runs that the log does not have as finished.
        gaps: Runs whose events are not numbered 1, 2, 3 ...
        works: How often a stage's work was begun, over all runs.
    """

    kills: int = 0
    servers: int = 0
    runs: Sequence[Run] = ()
    redone: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])
    gaps: list[str] = field(default_factory=list[str])
    works: int = 0


def many_stages(seconds: float) -> Any:
    """Twelve stages, each of which notes in a file that it works, and takes some time."""

    def stage(name: str) -> Any:
        async def work(state: State, runtime: Runtime[WorkflowContext]) -> State:
            del state
            with (runtime.context.workspace / "works.txt").open("a") as works:
                works.write(f"{runtime.context.run_id} {name}\n")
            await asyncio.sleep(seconds)  # work that is waiting for something, as an agent's is
            return {"answer": name}

        return work

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    before = START
    for name in STAGES:
        graph.add_node(name, stage(name))
        graph.add_edge(before, name)
        before = name
    graph.add_edge(before, END)
    return graph


@dataclass(frozen=True, slots=True)
class Work:
    """What the servers do.

    Attributes:
        runs: How many runs there are.
        at_once: How many of them may be at work at once.
        stage_seconds: How long each of their stages takes.
    """

    runs: int
    at_once: int = 1000
    stage_seconds: float = 0.01


def survive(directory: Path, work: Work, *, kills: int, life: Callable[[], float]) -> Survival:
    """Have runs worked on by servers that are killed, until the kills are used up and all runs have ended.

    Args:
        directory: Of the log, the checkpoints and the workspace; empty.
        work: What is to be done.
        kills: How many servers are killed at most; fewer if the runs end before.
        life: Seconds until the next server is killed.
    """
    survival = Survival()
    while True:
        survival.servers += 1
        server = os.fork()
        if server == 0:
            _serve(directory, work)
        if survival.kills < kills:
            deadline = time.monotonic() + life()
            while time.monotonic() < deadline and _exit_code(server) is None:
                time.sleep(0.002)  # not every system can wait for a child's end and for a time at once
            if _ended.get(server) is None:
                os.kill(server, signal.SIGKILL)
                survival.kills += 1
        while (code := _exit_code(server)) is None:
            time.sleep(0.002)  # bounded by the test's own time, which a wait in the kernel would not heed
        if code == _DONE:
            break
        assert code == -signal.SIGKILL, f"a server ended by itself, with {code}"
    return anyio.run(_examined, directory, survival)


_ended: dict[int, int] = {}


def _exit_code(pid: int) -> int | None:
    if pid not in _ended:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            _ended[pid] = os.waitstatus_to_exitcode(status)
    return _ended.get(pid)


def _serve(directory: Path, work: Work) -> None:
    launcher.MOST_RESUMPTIONS = 1000  # nobody but this test kills a server time and again before a stage is over
    try:
        anyio.run(_work, directory, work)
        os._exit(_DONE)
    except BaseException as error:  # noqa: BLE001 - a fork must never return into its parent's code
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)


async def _work(directory: Path, work: Work) -> None:
    async with floor(directory, answer, max_runs=work.at_once) as at:
        many = workflow(partial(many_stages, work.stage_seconds), *STAGES, name="many", max_steps=50)
        at.workflows["many"] = many
        async with asyncio.TaskGroup() as tasks:
            for number in range(work.runs):
                tasks.create_task(_one(at, many, f"run {number}"))


async def _one(at: Floor, many: Workflow, question: str) -> None:
    known = [run for run in await at.log.find(RunFilter(limit=1000)) if run.input["question"] == question]
    run = known[0] if known else await at.start(many, question)
    while not run.ended:
        try:
            run = await at.engine.reconcile(await at.get(run))
            if run.status == "interrupted":
                await at.engine.resume(run.run_id, by="test")
        except RunError as error:
            raise RuntimeError(error.message) from error
        async for _ in at.engine.follow(run.run_id):
            pass
        run = await at.get(run)


async def _examined(directory: Path, survival: Survival) -> Survival:
    async with floor(directory, answer) as at:
        survival.runs = await at.log.find(RunFilter(limit=1000))
        for run in survival.runs:
            _examine(run, await at.events(run), survival)
    survival.works = len((directory / "works.txt").read_text().splitlines())
    return survival


def _examine(run: Run, events: Sequence[RunEvent], survival: Survival) -> None:
    done = Counter(event.body.stage for event in events if isinstance(event.body, StageCompleted))
    survival.redone += [f"{run.run_id} {stage}" for stage, times in done.items() if times > 1]
    if run.status == "completed":
        survival.missing += [f"{run.run_id} {stage}" for stage in STAGES if not done[stage]]
    if [event.seq for event in events] != list(range(1, run.last_seq + 1)):
        survival.gaps.append(run.run_id)
