"""Workflows without agents: one that answers at once, one that is at work until it is ended, and one that asks."""

from typing import Any, TypedDict

import anyio
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from agents.events import Progressed
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport
from workflows.runs.gate import Answered, ask_person
from workflows.workflow import Stage, Workflow


class Input(BaseModel, extra="forbid"):
    """What they take."""

    text: str = Field(max_length=1000, description="What to say.")
    times: int = 1


class Output(BaseModel):
    """What they give."""

    answer: str


class Approval(BaseModel):
    """What the one that asks wants to know."""

    approved: bool


class State(TypedDict, total=False):
    """What the nodes get and give."""

    text: str
    answer: str


async def say(state: State, runtime: Runtime[WorkflowContext]) -> State:
    text = state.get("text", "")
    runtime.stream_writer(AgentReport("echo", Progressed(message=text)))
    report = ArtifactReport(agent="echo", name="echo.md", media_type="text/markdown", text=text, title="Echo")
    runtime.stream_writer(report)
    return {"answer": text}


async def hold(_state: State, runtime: Runtime[WorkflowContext]) -> State:
    runtime.stream_writer(AgentReport("holder", Progressed(message="held")))
    await anyio.sleep_forever()
    raise AssertionError("nobody lets it go")


async def ask(_state: State) -> State:
    answer = ask_person("Shall it be done?", Approval)
    return {"answer": "yes" if isinstance(answer, Answered) and answer.answer.approved else "no"}


def _workflow(name: str, node: Any) -> Workflow:
    def graph() -> Any:
        built: Any = StateGraph(State, context_schema=WorkflowContext)
        built.add_node("work", node)
        built.add_edge(START, "work")
        built.add_edge("work", END)
        return built

    return Workflow(
        name=name,
        title=name.title(),
        description=f"The workflow {name}.",
        input_model=Input,
        output_model=Output,
        response_field="answer",
        stages=(Stage(name="work", title="Work", share=1),),
        graph=graph,
    )


ECHO = _workflow("echo", say)
HOLD = _workflow("hold", hold)
ASK = _workflow("ask_me", ask)
