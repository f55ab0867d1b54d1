"""A workflow whose agent says many things at once, telling ones among much that is not, and then waits.

It ends when somebody puts a file named `go` into its workspace.
"""

from typing import TYPE_CHECKING, Any, TypedDict

import anyio
from pydantic import BaseModel

from agents.events import Decided, Found, TextStreamed, Thought, ToolEnded, ToolStarted
from workflows.context import WorkflowContext
from workflows.reports import AgentReport
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

ROUNDS = 2
PIECES = 40


class TalkInput(BaseModel):
    """What the tool takes."""

    task: str


class TalkOutput(BaseModel):
    """What the tool gives."""

    answer: str


class State(TypedDict, total=False):
    """What the node gets and gives."""

    task: str
    answer: str


async def talk(_: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Say it all without a pause, and wait."""
    say, go = runtime.stream_writer, runtime.context.workspace / "go"
    for number in range(ROUNDS):
        for piece in range(PIECES):
            say(AgentReport("talker", TextStreamed(text=f"piece {piece}\nof {PIECES} ")))
        say(AgentReport("talker", Thought(text=f"thought {number}\nwith a second line, " + "long " * 100)))
        say(AgentReport("talker", Decided(message=f"decision {number}")))
        say(AgentReport("talker", ToolStarted(tool="Read", call_id=f"call {number}", input={"file_path": "a.py"})))
        say(
            AgentReport(
                "talker", ToolEnded(tool="Read", call_id=f"call {number}", seconds=0.1, ok=True, output="text " * 2000)
            )
        )
        say(AgentReport("talker", Found(message=f"result {number}")))
    while not go.exists():  # noqa: ASYNC110 - the one who makes the file is another process
        await anyio.sleep(0.01)
    return {"answer": "all is said"}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    graph.add_edge("talk", END)
    return graph


WORKFLOW = Workflow(
    name="talk",
    title="Talk",
    description="Says many things at once.",
    input_model=TalkInput,
    output_model=TalkOutput,
    response_field="answer",
    stages=(Stage(name="talk", title="Talking", share=1),),
    graph=build,
)
