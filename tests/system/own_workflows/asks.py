"""Asks a person whether to go on, and does what was said."""

from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel, Field

from workflows.context import WorkflowContext
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from workflows.workflow import Graph


class AsksInput(BaseModel):
    """What the tool takes."""

    task: str


class AsksOutput(BaseModel):
    """What the tool gives."""

    answer: str


class Approval(BaseModel):
    """What a person answers."""

    approved: bool = Field(description="Whether to go on.")
    note: str = Field(default="", description="What to mind.")


class State(TypedDict, total=False):
    """What the nodes get and give."""

    task: str
    answer: str


async def plan(state: State) -> State:
    """Think of something."""
    return {"answer": f"plan for {state.get('task')}"}


async def approval(state: State) -> State:
    """Ask."""
    from workflows.runs.gate import Answered, Declined, Expired, ask_person

    match ask_person(f"Shall I carry out the {state.get('answer')}?", Approval):
        case Answered(said, _):
            return {"answer": f"{'approved' if said.approved else 'rejected'}: {said.note}"}
        case Declined():
            return {"answer": "declined"}
        case Expired():
            return {"answer": "expired"}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("plan", plan)
    graph.add_node("approval", approval)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "approval")
    graph.add_edge("approval", END)
    return graph


WORKFLOW = Workflow(
    name="asks",
    title="Ask a person",
    description="Asks whether to go on.",
    input_model=AsksInput,
    output_model=AsksOutput,
    response_field="answer",
    stages=(Stage(name="plan", title="Plan", share=1), Stage(name="approval", title="Approval", share=1)),
    graph=build,
)
