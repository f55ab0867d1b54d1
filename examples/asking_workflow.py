"""A workflow that asks a person: an editor drafts an announcement, you say whether it may go out.

    agent-workflows run announce "version 2 is out" --workflow examples/asking_workflow.py --offline

The run waits, without a process, until it is answered: in a form of the client, with the tool `answer_run`, on the run
page, or from any terminal, which then shows how it goes on:

    agent-workflows answer RUN '{"send": true, "to": "everybody"}' --workflow examples/asking_workflow.py --offline
"""

from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

from pydantic import BaseModel, Field

from agents.agent import AgentTask
from agents.roles import Role
from agents.script import Script, Turn
from workflows.context import WorkflowContext
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

A_DAY = 24 * 3600.0


class AnnounceInput(BaseModel):
    """What the tool takes."""

    news: str = Field(min_length=1, description="What is to be announced.")


class AnnounceOutput(BaseModel):
    """What the tool gives."""

    text: str = Field(description="The announcement.")
    outcome: str = Field(description="To whom it goes, or why to nobody.")


class Approval(BaseModel):
    """What a person answers: clients show one field of a form for each."""

    send: bool = Field(description="Whether it may go out.")
    to: Literal["the team", "everybody"] = Field(default="the team", description="Who gets it.")


EDITOR = Role(name="editor", title="Editor", access="none", max_turns=2, instructions="You write plain announcements.")


class State(TypedDict, total=False):
    """What the nodes share."""

    news: Required[str]
    text: str
    outcome: str


async def draft(state: State, runtime: "Runtime[WorkflowContext]") -> dict[str, object]:
    """Have it written."""
    reply = await runtime.context.perform(EDITOR, f"Announce this: {state['news']}", runtime.stream_writer)
    return {"text": reply.text}


async def approval(state: State) -> dict[str, object]:
    """Ask. The node begins anew with the answer, so it does nothing else: what has effects stands in the next one."""
    from workflows.runs.gate import Answered, Declined, Expired, ask_person  # imports the graph library

    match ask_person(f"May this go out?\n\n{state.get('text')}", Approval, max_seconds=A_DAY):
        case Answered(answer, by):
            return {"outcome": f"{by} sends it to {answer.to}" if answer.send else f"{by} keeps it back"}
        case Declined(by):
            return {"outcome": f"{by} would not say"}
        case Expired():
            return {"outcome": "nobody said a word for a day"}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("draft", draft)
    graph.add_node("approval", approval)
    graph.add_edge(START, "draft")
    graph.add_edge("draft", "approval")
    graph.add_edge("approval", END)
    return graph


def script(first: AgentTask) -> Script:
    """What the editor plays with `--offline`; the first task of the run is of no interest here."""
    del first
    return {"editor": [Turn(text="Version 2 is out. It asks before it sends.")]}


WORKFLOW = Workflow(
    name="announce",
    title="Announce something",
    description="Drafts an announcement, and asks whether it may go out.",
    input_model=AnnounceInput,
    output_model=AnnounceOutput,
    response_field="outcome",
    stages=(Stage(name="draft", title="Drafting", share=0.9), Stage(name="approval", title="Approval", share=0.1)),
    graph=build,
    offline=script,
)
