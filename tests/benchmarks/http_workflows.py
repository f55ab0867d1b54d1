"""The workflow that is watched over HTTP while it is measured: its agent says at regular times what time it is."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel

from agents.agent import AgentReply, AgentTask
from agents.events import Emit, Progressed
from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.team import Team
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

ROLE = Role(name="clock", title="Clock", access="none", instructions="Say what time it is.", max_turns=1)
AT_ONCE = 100
"""Things an agent with much to say says before it lets others have a turn."""


class Input(BaseModel):
    """What is to be said.

    Attributes:
        name: Tells runs apart; the same input would join its run.
        burst: How many things are said at once, at the beginning.
        per_second: How often the time is told after that.
        seconds: For how long.
    """

    name: str
    burst: int = 0
    per_second: float = 20
    seconds: float = 0


class Output(BaseModel):
    """What came of it."""

    answer: str


class State(TypedDict, total=False):
    """What the node gets and gives."""

    burst: int
    per_second: float
    seconds: float
    answer: str


@dataclass(slots=True)
class Clock:
    """An agent that tells the time.

    Attributes:
        asked: How often, and for how long.
    """

    asked: State
    name: str = "clock"
    offline: bool = True

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """As in the port. The times are of a clock that all processes of the machine share."""
        del task
        for number in range(self.asked.get("burst", 0)):
            emit(Progressed(message=f"one of many things to say, number {number}"))
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        pause = 1 / self.asked.get("per_second", 20)
        due = time.monotonic()
        end = due + self.asked.get("seconds", 0)
        while due < end:
            due += pause
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            emit(Progressed(message=f"at={time.monotonic():.6f}"))
        return AgentReply(text="done")


async def clock(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Have the clock tell the time."""
    context = replace(runtime.context, team=Team(Clock(state)))
    reply = await context.perform(ROLE, "", runtime.stream_writer)
    return {"answer": reply.text}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph  # only now: it takes about a second

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("clock", clock)
    graph.add_edge(START, "clock")
    graph.add_edge("clock", END)
    return graph


CLOCK = Workflow(
    name="clock",
    title="Clock",
    description="Measured: tells the time.",
    input_model=Input,
    output_model=Output,
    response_field="answer",
    stages=(Stage(name="clock", title="Clock", share=1),),
    graph=build,
)
