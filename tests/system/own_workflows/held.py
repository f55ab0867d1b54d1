"""A workflow that works until somebody puts a file named `go` into its workspace."""

from typing import TYPE_CHECKING, Any, TypedDict

import anyio
from pydantic import BaseModel

from agents.events import Progressed
from workflows.context import WorkflowContext
from workflows.reports import AgentReport
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph


class HeldInput(BaseModel):
    """What the tool takes."""

    task: str


class HeldOutput(BaseModel):
    """What the tool gives."""

    answer: str


class State(TypedDict, total=False):
    """What the node gets and gives."""

    task: str
    answer: str


async def hold(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Say that it waits, wait, and say that it has been let go."""
    say, go = runtime.stream_writer, runtime.context.workspace / "go"
    say(AgentReport("holder", Progressed(message="waiting for go")))
    while not go.exists():  # noqa: ASYNC110 - the one who makes the file is another process
        await anyio.sleep(0.01)
    say(AgentReport("holder", Progressed(message="let go")))
    return {"answer": f"{state.get('task')} is done"}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("hold", hold)
    graph.add_edge(START, "hold")
    graph.add_edge("hold", END)
    return graph


WORKFLOW = Workflow(
    name="held",
    title="Be held",
    description="Waits for a file.",
    input_model=HeldInput,
    output_model=HeldOutput,
    response_field="answer",
    stages=(Stage(name="hold", title="Holding", share=1),),
    graph=build,
)
