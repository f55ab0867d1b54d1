"""Four stages; each writes its name into a file, and waits while there is a file named `hold-<stage>`."""

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

NAMES = ("plan", "build", "check", "tell")


class StagesInput(BaseModel):
    """What the tool takes."""

    task: str


class StagesOutput(BaseModel):
    """What the tool gives."""

    answer: str


class State(TypedDict, total=False):
    """What the nodes get and give."""

    task: str
    answer: str


def stage(name: str) -> Any:
    """A stage's node."""

    async def work(state: State, runtime: "Runtime[WorkflowContext]") -> State:
        place = runtime.context.workspace
        with (place / "done.txt").open("a") as done:
            done.write(f"{name}\n")
        runtime.stream_writer(AgentReport("worker", Progressed(message=f"{name} is under way")))
        while (place / f"hold-{name}").exists():  # noqa: ASYNC110 - the one who removes it is another process
            await anyio.sleep(0.01)
        return {"answer": f"{state.get('answer', state.get('task'))} {name}"}

    return work


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    for before, name in zip((START, *NAMES), NAMES, strict=False):
        graph.add_node(name, stage(name))
        graph.add_edge(before, name)
    graph.add_edge(NAMES[-1], END)
    return graph


WORKFLOW = Workflow(
    name="stages",
    title="Go through stages",
    description="Goes through four stages.",
    input_model=StagesInput,
    output_model=StagesOutput,
    response_field="answer",
    stages=tuple(Stage(name=name, title=name.title(), share=1) for name in NAMES),
    graph=build,
)
