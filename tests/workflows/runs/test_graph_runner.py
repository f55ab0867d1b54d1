"""Executing graphs, and the checkpoints' database with all that can be wrong with it."""

import asyncio
import sqlite3
import stat
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.command_runner import CommandRunner
from agents.events import Emit, Thought
from agents.processes.registry import ProcessRegistry
from tests.fakes.agent import FakeAgent
from tests.waiting import until
from tests.workflows.runs.floor import Act, Held, answer, floor
from tests.workflows.runs.small_workflows import branches, impossible, one_stage, senseless, two_side_by_side, workflow
from workflows.budget import Budget, Limits
from workflows.context import WorkflowContext
from workflows.runs import shared_graphs
from workflows.runs.errors import LogUnavailable, RunNotFound, WorkflowBroken
from workflows.runs.graph_runner import LangGraphRunner
from workflows.runs.graph_steps import GraphRunner, GraphStep, NodeEnded, NodeFailed, NodeReported, NodeStarted
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.sqlite.log import SqliteEventLog
from workflows.team import Team
from workflows.workflow import Workflow

pytestmark = pytest.mark.anyio

FILE = "checkpoints.sqlite3"
ONE_STAGE = workflow(one_stage, "work")


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncGenerator[LangGraphRunner, None]:
    opened = await LangGraphRunner.open(tmp_path / FILE)
    yield opened
    await opened.close()


def context(directory: Path, act: Act, run_id: str = "run-1") -> WorkflowContext:
    return WorkflowContext(
        run_id=run_id,
        workspace=directory,
        team=Team(default=FakeAgent(act)),
        budget=Budget(Limits()),
        commands=CommandRunner(ProcessRegistry(), {}).run,
        private_directory=directory / "private",
    )


async def consumed(runner: LangGraphRunner, chosen: Workflow, act: Act, directory: Path) -> list[GraphStep]:
    async with aclosing(runner.steps(chosen, {"question": "why"}, context(directory, act))) as steps:
        return [step async for step in steps]


async def test_nodes_do_not_outlive_a_consumer_that_fails(runner: LangGraphRunner, tmp_path: Path) -> None:
    async def speak_and_hold(task: AgentTask, emit: Emit) -> AgentReply:
        emit(Thought(text="let me see"))
        return await held.act(task, emit)

    async def consume() -> None:
        chosen = workflow(two_side_by_side, "left")
        async with aclosing(runner.steps(chosen, {}, context(tmp_path, speak_and_hold))) as steps:
            async for step in steps:
                if isinstance(step, NodeReported) and held.begun == 2:
                    raise ZeroDivisionError

    held = Held()
    with anyio.fail_after(5), pytest.raises(ZeroDivisionError):
        await consume()
    assert (held.begun, held.cleaned_up) == (2, 2)


async def test_a_graph_that_is_slow_to_load_leaves_the_loop_free(runner: LangGraphRunner, tmp_path: Path) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def slow() -> Any:
        loading.set()
        assert go_on.wait(5)
        return one_stage()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consumed, runner, workflow(slow, "work"), answer, tmp_path)
            while not loading.is_set():
                await anyio.lowlevel.checkpoint()
            go_on.set()


@pytest.mark.parametrize(
    "graph", [impossible, senseless, "tests.workflows.runs.small_workflows:impossible", "no.such:graph", "os:nothing"]
)
async def test_a_graph_that_cannot_be_made_is_its_author_s_to_mend(
    runner: LangGraphRunner, tmp_path: Path, graph: str | Callable[[], Any]
) -> None:
    steps = runner.steps(workflow(graph, "work"), {}, context(tmp_path, answer))
    async with aclosing(steps):
        with pytest.raises(WorkflowBroken) as raised:
            await anext(steps)
    assert raised.value.blame == "workflow"
    assert raised.value.recovery
    assert "'small'" in raised.value.message


async def test_reports_from_inside_a_subgraph_arrive_and_its_own_nodes_do_not(
    runner: LangGraphRunner, tmp_path: Path
) -> None:
    seen = await consumed(runner, workflow(branches, "plan"), answer, tmp_path)
    assert {step.node for step in seen if isinstance(step, NodeStarted)} == {"plan", "dig", "sub"}
    inside = next(number for number, step in enumerate(seen) if isinstance(step, NodeStarted) and step.node == "sub")
    assert any(isinstance(step, NodeReported) for step in seen[inside:])


async def test_a_node_that_fails_is_named(runner: LangGraphRunner, tmp_path: Path) -> None:
    async def fail(*_: object) -> AgentReply:
        raise ZeroDivisionError

    async def consume() -> None:
        async with aclosing(runner.steps(ONE_STAGE, {}, context(tmp_path, fail))) as steps:
            async for step in steps:
                seen.append(step)  # noqa: PERF401 - what came before the error is wanted

    seen: list[GraphStep] = []
    with pytest.raises(ZeroDivisionError):
        await consume()
    assert [step.node for step in seen if isinstance(step, NodeFailed)] == ["work"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has rights of another kind")
async def test_nobody_else_can_read_the_checkpoints(runner: LangGraphRunner, tmp_path: Path) -> None:
    del runner
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob(f"{FILE}*")} == {0o600}  # noqa: ASYNC240 - a test


async def test_a_run_that_is_forgotten_leaves_no_checkpoint(runner: LangGraphRunner, tmp_path: Path) -> None:
    for run_id in ("run-1", "run-2"):
        async with aclosing(runner.steps(ONE_STAGE, {}, context(tmp_path, answer, run_id))) as steps:
            assert [step async for step in steps]
    await runner.forget("run-1")
    assert await runner.remembered() == ["run-2"]


async def test_a_file_that_is_no_database_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is no database " * 100)
    with pytest.raises(LogUnavailable, match=FILE) as raised:
        await LangGraphRunner.open(tmp_path / FILE)
    assert raised.value.blame == "setup"
    assert raised.value.recovery
    await until(lambda: not [thread for thread in threading.enumerate() if "connection_worker" in thread.name])


async def test_a_directory_that_is_not_there_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="nowhere") as raised:
        await LangGraphRunner.open(tmp_path / "nowhere" / FILE)
    assert raised.value.recovery


async def test_checkpoints_that_stay_locked_fail_the_run_as_the_set_up_s_fault(
    runner: LangGraphRunner, tmp_path: Path
) -> None:
    await runner._checkpoints.conn.execute("PRAGMA busy_timeout = 50")  # pyright: ignore[reportPrivateUsage] - not the 5 s it waits for others
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailable, match="locked") as raised:
            await consumed(runner, ONE_STAGE, answer, tmp_path)
        other.execute("ROLLBACK")
    assert (raised.value.blame, bool(raised.value.recovery)) == ("setup", True)


async def test_a_node_s_own_database_error_is_not_blamed_on_the_checkpoints(
    runner: LangGraphRunner, tmp_path: Path
) -> None:
    async def fail(*_: object) -> AgentReply:
        raise sqlite3.OperationalError("no such table: mine")

    with pytest.raises(sqlite3.OperationalError):
        await consumed(runner, ONE_STAGE, fail, tmp_path)


async def test_processes_that_open_the_checkpoints_at_once_all_get_them(tmp_path: Path) -> None:
    with anyio.fail_after(10):
        opened = await asyncio.gather(*(LangGraphRunner.open(tmp_path / FILE) for _ in range(6)))
        for runner in opened:
            await runner.close()


async def test_a_lock_on_new_checkpoints_is_waited_for_no_longer_than_on_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.runs.checkpoints.BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("CREATE TABLE x (y)")
        other.execute("BEGIN EXCLUSIVE")
        with anyio.fail_after(15), pytest.raises(LogUnavailable, match="locked"):
            await LangGraphRunner.open(tmp_path / FILE)


async def test_a_failure_to_open_the_checkpoints_is_not_kept(tmp_path: Path) -> None:
    attempts: list[str] = []

    async def open_graphs() -> GraphRunner:
        attempts.append("")
        return await LangGraphRunner.open(tmp_path / FILE)

    (tmp_path / FILE).write_text("this is no database " * 100)
    log = await SqliteEventLog.start(tmp_path)
    graphs = SharedGraphs(open_graphs, log)
    for _ in range(2):
        with pytest.raises(LogUnavailable):
            await graphs.opened()
    (tmp_path / FILE).unlink()
    assert await graphs.opened() is await graphs.opened()
    assert len(attempts) == 3
    await graphs.close()
    await log.close()


def kept(directory: Path) -> list[str]:
    with closing(sqlite3.connect(directory / FILE)) as connection:
        rows = connection.execute("SELECT DISTINCT thread_id FROM checkpoints").fetchall()
        return sorted(row[0] for row in rows)


async def test_checkpoints_of_the_newest_runs_stay_and_those_of_interrupted_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_graphs, "KEPT_RUNS", 2)

    async def hold_one(task: AgentTask, emit: Emit) -> AgentReply:
        return await (held.act if task.prompt == "held" else answer)(task, emit)

    held = Held()
    async with floor(tmp_path, hold_one) as at:
        stays = await at.start(ONE_STAGE, "held")
        await held.until_begun()
        over = [await at.ended(await at.start(ONE_STAGE, question)) for question in ("1", "2", "3", "4")]
        await until(lambda: kept(tmp_path) == sorted([stays.run_id, over[2].run_id, over[3].run_id]), 5)
    assert kept(tmp_path) == sorted([stays.run_id, over[2].run_id, over[3].run_id])


async def test_checkpoints_of_a_run_that_was_cancelled_after_its_process_died_go_as_those_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_graphs, "KEPT_RUNS", 1)
    held = Held()
    async with floor(tmp_path, held.act) as at:
        dead = await at.start(ONE_STAGE)
        await held.until_begun()
    async with floor(tmp_path, answer) as at:
        await at.engine.cancel(dead.run_id, by="me", reason="")
        assert kept(tmp_path) == [dead.run_id]
        newest = await at.ended(await at.start(ONE_STAGE, "something else"))
        await until(lambda: kept(tmp_path) == [newest.run_id], 5)


async def test_a_log_without_the_run_is_no_reason_to_forget_it(tmp_path: Path, runner: LangGraphRunner) -> None:
    seen = await consumed(runner, ONE_STAGE, answer, tmp_path)
    assert any(isinstance(step, NodeEnded) for step in seen)
    async with floor(tmp_path, answer) as at:
        await at.ended(await at.start(ONE_STAGE))
        with pytest.raises(RunNotFound):
            await at.engine.cancel("run-1", by="me", reason="")
    assert "run-1" in kept(tmp_path)
