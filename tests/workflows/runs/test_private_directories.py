from pathlib import Path
from typing import Any

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.events import Emit
from tests.waiting import until
from tests.workflows.runs.floor import Held, answer, floor
from tests.workflows.runs.small_workflows import WORKER, Answer, Question, State
from workflows.context import WorkflowContext
from workflows.workflow import Stage, Workflow

pytestmark = pytest.mark.anyio


def keeping() -> Any:
    """`work` writes into the private directory before it asks the worker."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.runtime import Runtime

    async def work(_state: State, runtime: Runtime[WorkflowContext]) -> State:
        directory = runtime.context.private_directory
        directory.mkdir(parents=True)
        (directory / "baseline").write_text("kept")
        reply = await runtime.context.perform(WORKER, "go", runtime.stream_writer)
        return {"answer": reply.text}

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph


KEEPING = Workflow(
    name="keeping",
    title="Keeping",
    description="Keeps something for itself.",
    input_model=Question,
    output_model=Answer,
    response_field="answer",
    stages=(Stage(name="work", title="Work", share=1.0),),
    graph=keeping,
)


def kept(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "private").glob("*"))


async def test_what_a_run_keeps_for_itself_is_gone_when_it_is_over(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as here:
        run = await here.start(KEEPING)
        await held.until_begun()
        assert kept(tmp_path) == [run.run_id]
        held.release.set()
        assert (await here.ended(run)).status == "completed"
        await until(lambda: kept(tmp_path) == [])


async def test_a_failed_run_keeps_nothing(tmp_path: Path) -> None:
    async def fail(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        raise ZeroDivisionError

    async with floor(tmp_path, fail) as here:
        assert (await here.ended(await here.start(KEEPING))).status == "failed"
        await until(lambda: kept(tmp_path) == [])


async def test_an_interrupted_run_keeps_it_until_it_is_cancelled(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as here:
        run = await here.start(KEEPING)
        await held.until_begun()
    assert kept(tmp_path) == [run.run_id]

    async with floor(tmp_path, answer) as here:
        assert (await here.get(run)).status == "interrupted"
        other = await here.start(KEEPING, "something else")
        await here.ended(other)
        await until(lambda: kept(tmp_path) == [run.run_id])
        with anyio.fail_after(5):
            await here.engine.cancel(run.run_id, by="client", reason="not wanted")
        assert kept(tmp_path) == []


async def test_what_a_killed_process_has_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as here:
        run = await here.start(KEEPING)
        await here.ended(run)
        await until(lambda: kept(tmp_path) == [])
    (tmp_path / "private" / run.run_id).mkdir()  # as if it had been killed a moment before it could remove it
    (tmp_path / "private" / "somebody-elses").mkdir()

    async with floor(tmp_path, answer) as here:
        await here.ended(await here.start(KEEPING, "something else"))
        await until(lambda: kept(tmp_path) == ["somebody-elses"])
