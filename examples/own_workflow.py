"""A workflow of your own, whole in one file: a poet writes a haiku, a critic sends it back until it is good.

Run it in a terminal, or offer it beside the built-in ones as a tool named `haiku`:

    agent-workflows run haiku "the first snow" --workflow examples/own_workflow.py
    agent-workflows serve --workflow examples/own_workflow.py

It has live progress, cancelling and everything else that the built-in workflows have. docs/own-workflow.md goes
through it piece by piece; test_own_workflow.py, beside this file, tests it without a model.
"""

from typing import TYPE_CHECKING, Any, Required, TypedDict

from pydantic import BaseModel, Field

from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.reports import ArtifactReport
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:  # for the type checker only: the graph library takes about a second to import, see `build`
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

MOST_VERSIONS = 3


class HaikuInput(BaseModel):
    """What the tool takes: the names, types and descriptions a client sees."""

    subject: str = Field(min_length=1, description="What the haiku is about.")


class HaikuOutput(BaseModel):
    """What the tool gives, as `result`."""

    haiku: str = Field(description="Three lines.")
    approved: bool = Field(description="Whether the critic was content with it in the end.")
    versions: int = Field(description="How many were written.")


class Verdict(BaseModel):
    """What the critic replies: the model is held to this shape."""

    approved: bool = Field(description="Whether it is good as it is.")
    advice: str = Field(description="What to change; empty if nothing.")


POET = Role(
    name="poet",
    title="Poet",
    access="none",  # or "read": may look at files in the workspace; or "write": may change them and run commands
    max_turns=2,
    instructions="You write haiku: three lines of five, seven and five syllables. Reply with nothing else.",
)
CRITIC = Role(
    name="critic",
    title="Critic",
    access="none",
    max_turns=4,  # one to reply; the others for repeating a reply that did not have the shape
    instructions="You judge haiku. Count the syllables of every line. Approve only what you would print.",
)


class State(TypedDict, total=False):
    """What the nodes share: it begins with the input's fields, and ends with the output's. Plain JSON only."""

    subject: Required[str]  # the rest is missing until a node has returned it
    haiku: str
    advice: str
    approved: bool
    versions: int


async def poet(state: State, runtime: "Runtime[WorkflowContext]") -> dict[str, object]:
    """Have a haiku written, or rewritten."""
    prompt = f"Write a haiku about this subject:\n<subject>\n{state['subject']}\n</subject>"
    if state.get("haiku"):
        prompt += f"\n\nThe last version was:\n{state.get('haiku')}\n\nThe critic says: {state.get('advice')}"
    # What the agent says while it works goes out through the stream writer, and is seen at once.
    reply = await runtime.context.perform(POET, prompt, runtime.stream_writer)
    runtime.stream_writer(
        ArtifactReport(agent="poet", name="haiku.txt", media_type="text/plain", text=reply.text, title="The haiku")
    )
    return {"haiku": reply.text, "versions": state.get("versions", 0) + 1}


async def critic(state: State, runtime: "Runtime[WorkflowContext]") -> dict[str, object]:
    """Have it judged: `ask` is `perform` with a typed reply."""
    prompt = f"Judge this haiku:\n<haiku>\n{state.get('haiku')}\n</haiku>"
    verdict = await runtime.context.ask(CRITIC, prompt, runtime.stream_writer, reply_model=Verdict)
    return {"approved": verdict.approved, "advice": verdict.advice}


def after_critic(state: State) -> str:
    """Once more, or done. The bound is what keeps two agents from disagreeing for ever."""
    return "done" if state.get("approved") or state.get("versions", 0) >= MOST_VERSIONS else "again"


def build() -> "Graph":
    """The graph, uncompiled. Its final state holds the fields of the output model."""
    from langgraph.graph import END, START, StateGraph  # only now: a server that just answers need not wait for it

    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # Any: the library's own types are only partly known
    graph.add_node("poet", poet)
    graph.add_node("critic", critic)
    graph.add_edge(START, "poet")
    graph.add_edge("poet", "critic")
    graph.add_conditional_edges("critic", after_critic, {"again": "poet", "done": END})
    return graph


WORKFLOW = Workflow(
    name="haiku",
    title="Write a haiku",
    description="Writes a haiku about a subject; a critic sends it back up to two times.",
    input_model=HaikuInput,
    output_model=HaikuOutput,
    response_field="haiku",
    # What people watch: nodes by their names, each with its usual share of the time.
    stages=(Stage(name="poet", title="Writing", share=0.6), Stage(name="critic", title="Judging", share=0.4)),
    graph=build,
)
