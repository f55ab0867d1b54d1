"""A workflow that writes to standard output in every way it can, from its import to the last node."""

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel

from workflows.context import WorkflowContext
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from workflows.workflow import Graph


def make_noise(where: str) -> None:
    """Print, write, and have a child do the same, without waiting for anybody's flush."""
    print(f"NOISE printed {where}")  # noqa: T201 - the point of it
    print(f"NOISE written to the first standard output {where}", file=sys.__stdout__)
    os.write(1, f"NOISE written past Python {where}\n".encode())
    subprocess.run(["sh", "-c", f"echo NOISE of a child {where}"], check=True)
    print(f"NOISE without an end {where}", end="")  # noqa: T201 - stays in Python's buffer


make_noise("at import")


class NoiseInput(BaseModel):
    """What the tool takes."""

    task: str


class NoiseOutput(BaseModel):
    """What the tool gives."""

    answer: str
    stdin: str


class State(TypedDict, total=False):
    """What the node gets and gives."""

    task: str
    answer: str
    stdin: str


def noise(_: State) -> State:
    """Make noise, and try to read what the client sends."""
    make_noise("in a node")
    return {"answer": "NOISE made", "stdin": sys.stdin.read()}


def build() -> "Graph":
    """The graph, uncompiled."""
    make_noise("in build")
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("noise", noise)
    graph.add_edge(START, "noise")
    graph.add_edge("noise", END)
    return graph


WORKFLOW = Workflow(
    name="noise",
    title="Make noise",
    description="Writes to standard output.",
    input_model=NoiseInput,
    output_model=NoiseOutput,
    response_field="answer",
    stages=(Stage(name="noise", title="Noise", share=1),),
    graph=build,
)
