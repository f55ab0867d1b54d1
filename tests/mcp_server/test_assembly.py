import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_server.assembly import Assembly, assemble
from mcp_server.settings import Settings
from tests.descendants import processes_with_marker
from tests.waiting import until
from tests.workflows.runs.small_workflows import Answer, Question, State
from workflows.budget import Limits
from workflows.catalog import Catalog
from workflows.context import WorkflowContext
from workflows.runs.engine import RunRequest
from workflows.workflow import Stage, Workflow

pytestmark = pytest.mark.anyio


def commanding() -> Any:
    """`work` runs a command that takes a minute."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.runtime import Runtime

    async def work(_state: State, runtime: Runtime[WorkflowContext]) -> State:
        context = runtime.context
        argv = (sys.executable, "-c", "import pathlib, time; pathlib.Path('started').touch(); time.sleep(60)")
        result = await context.commands(argv, context.workspace, run_id=context.run_id)
        return {"answer": f"exit code {result.exit_code}"}

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph


COMMANDING = Workflow(
    name="commanding",
    title="Commanding",
    description="Runs a command.",
    input_model=Question,
    output_model=Answer,
    response_field="answer",
    stages=(Stage(name="work", title="Work", share=1.0),),
    graph=commanding,
)


@pytest.fixture
async def assembly(tmp_path: Path) -> AsyncGenerator[Assembly]:
    settings = Settings(home=tmp_path / "home", roots=(tmp_path,), offline=True)
    async with assemble(settings, Catalog.with_own([]), environ={}) as assembly:
        yield assembly


async def test_a_graphs_own_commands_are_among_the_servers_children(assembly: Assembly, tmp_path: Path) -> None:
    request = RunRequest(
        workflow=COMMANDING, input=Question(question="why"), workspace=str(tmp_path), owner="local", limits=Limits()
    )
    run = (await assembly.engine.start(request)).run
    await until((tmp_path / "started").exists)

    assembly.children.signal_all()

    told: list[str] = []
    with anyio.fail_after(5):
        async for events in assembly.engine.follow(run.run_id):
            told += [event.message for event in events]
    assert "exit code -15" in told[-1]
    assert processes_with_marker(run.run_id) == []
