"""A workflow whose agents name its task in everything they say, from both ends of a wait.

It goes on when somebody puts a file named `go` into its workspace.
"""

from typing import TYPE_CHECKING, Any, TypedDict

import anyio
import anyio.lowlevel
from pydantic import BaseModel

from agents.events import Decided, Found, TextStreamed, Thought, ToolEnded, ToolStarted
from workflows.context import WorkflowContext
from workflows.reports import AgentReport
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

HALF = "half of"
"""What the agent on the left has said once it waits."""
PIECES = 20


class EchoesInput(BaseModel):
    """What the tool takes."""

    task: str


class EchoesOutput(BaseModel):
    """What the tool gives."""

    answer: str


class State(TypedDict, total=False):
    """What the nodes get and give."""

    task: str
    answer: str


async def left(state: State, runtime: "Runtime[WorkflowContext]") -> None:
    """Say much, wait, and say it again."""
    say, go, task = runtime.stream_writer, runtime.context.workspace / "go", state.get("task", "")
    say(AgentReport("left", Decided(message=f"{HALF} {task}")))
    while not go.exists():  # noqa: ASYNC110 - the one who makes the file is another process
        await anyio.sleep(0.01)
    for number in range(PIECES):
        say(AgentReport("left", TextStreamed(text=f"{task} piece {number} ")))
        await anyio.lowlevel.checkpoint()  # to let others speak
    say(AgentReport("left", Thought(text=f"thought of {task}")))


async def right(state: State, runtime: "Runtime[WorkflowContext]") -> None:
    """Use a tool beside it."""
    say, task = runtime.stream_writer, state.get("task", "")
    say(AgentReport("right", ToolStarted(tool="Read", call_id="1", input={"file_path": f"{task}.py"})))
    await anyio.lowlevel.checkpoint()
    say(AgentReport("right", ToolEnded(tool="Read", call_id="1", seconds=0.1, ok=True, output=f"text of {task}")))


async def join(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Answer."""
    runtime.stream_writer(AgentReport("right", Found(message=f"found {state.get('task')}")))
    return {"answer": f"{state.get('task')} is done"}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    for node in (left, right, join):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "left")
    graph.add_edge(START, "right")
    graph.add_edge(["left", "right"], "join")
    graph.add_edge("join", END)
    return graph


WORKFLOW = Workflow(
    name="echoes",
    title="Echo",
    description="Says its task again and again.",
    input_model=EchoesInput,
    output_model=EchoesOutput,
    response_field="answer",
    stages=tuple(Stage(name=name, title=name.title(), share=1) for name in ("left", "right", "join")),
    graph=build,
)
