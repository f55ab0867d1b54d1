"""A workflow whose agent makes a large report, and which gives all of it as its result as well."""

from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel

from workflows.context import WorkflowContext
from workflows.reports import ArtifactReport
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

REPORT = "report.md"


class LargeInput(BaseModel):
    """What the tool takes.

    Attributes:
        paragraphs: How many there are in the report; each has 100 characters.
    """

    paragraphs: int


class LargeOutput(BaseModel):
    """What the tool gives."""

    report: str


class State(TypedDict, total=False):
    """What the node gets and gives."""

    paragraphs: int
    report: str


def write(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Write the report, and keep it as an artifact."""
    text = "".join(f"{number:06d} {'and so on ' * 9}\n\n\n" for number in range(state.get("paragraphs", 0)))
    report = ArtifactReport(agent="writer", name=REPORT, media_type="text/markdown", text=text, title="The report")
    runtime.stream_writer(report)
    return {"report": text}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("write", write)
    graph.add_edge(START, "write")
    graph.add_edge("write", END)
    return graph


WORKFLOW = Workflow(
    name="large",
    title="Write much",
    description="Writes a report of any size.",
    input_model=LargeInput,
    output_model=LargeOutput,
    response_field="report",
    stages=(Stage(name="write", title="Writing", share=1),),
    graph=build,
)
