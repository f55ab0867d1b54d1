"""The workflows that are measured: one node each, and an agent that does one thing. Given to the server by file name.

Their agents are their own, because what is measured is everything around an agent; only `prompted` asks the server's.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel

from agents.agent import AgentReply, AgentTask
from agents.events import Emit, Progressed, TextStreamed
from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.team import Team
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

ROLE = Role(name="worker", title="Worker", access="write", instructions="Do what you are asked.", max_turns=5)
DONE = "done"
"""File that `talk` leaves in the workspace when its agent has said everything."""
TICK_SECONDS = 0.002
BETWEEN_READS = 10
"""After how many things an agent lets others have a turn, as one does that reads from its child."""


class Input(BaseModel):
    """What the tools take."""

    text: str


class Output(BaseModel):
    """What the tools give."""

    answer: str


class TalkOutput(Output):
    """What talking cost the agent.

    Attributes:
        p50_us: Microseconds that half of the calls of `emit` took at most.
        p99_us: As above, for 99 of 100.
        longest_us: Microseconds of the longest call.
        longest_gap_ms: Milliseconds by which a task that wakes every 2 ms was late at most.
    """

    p50_us: float = 0.0
    p99_us: float = 0.0
    longest_us: float = 0.0
    longest_gap_ms: float = 0.0


class State(TypedDict, total=False):
    """What the node gets and gives."""

    text: str
    answer: str
    p50_us: float
    p99_us: float
    longest_us: float
    longest_gap_ms: float


@dataclass(slots=True)
class Ticker:
    """Notices when the event loop is held up: it wants to wake every 2 ms.

    Attributes:
        longest_gap: Seconds by which it was late at most.
    """

    longest_gap: float = 0.0

    async def tick(self) -> None:
        """Until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self.longest_gap = max(self.longest_gap, time.perf_counter() - began - TICK_SECONDS)


@dataclass(slots=True)
class Talker:
    """An agent that says as many things as its prompt says, and looks at its watch at each."""

    name: str = "talker"
    offline: bool = True

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """As in the port; the reply is how long each call of `emit` took, in ns."""
        costs: list[int] = []
        for number in range(int(task.prompt)):
            said = TextStreamed(text=f"piece {number} of a sentence ")
            began = time.perf_counter_ns()
            emit(said)
            costs.append(time.perf_counter_ns() - began)
            if number % BETWEEN_READS == BETWEEN_READS - 1:
                await asyncio.sleep(0)
        return AgentReply(text=" ".join(map(str, costs)))


@dataclass(slots=True)
class Waiter:
    """An agent that says that it waits, and waits for ever."""

    name: str = "waiter"
    offline: bool = True

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """As in the port."""
        del task
        emit(Progressed(message="waiting"))
        await asyncio.Event().wait()
        return AgentReply(text="")


async def echo(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Give back what came."""
    del runtime
    return {"answer": state.get("text", "")}


async def talk(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Have the talker talk, through the `emit` that every agent gets."""
    context = replace(runtime.context, team=Team(Talker()))
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.tick())
    reply = await context.perform(ROLE, state.get("text", ""), runtime.stream_writer)
    ticking.cancel()
    with suppress(asyncio.CancelledError):
        await ticking
    costs = [int(cost) / 1000 for cost in reply.text.split()]
    (context.workspace / DONE).touch()
    return {
        "answer": f"{len(costs)} things were said",
        "p50_us": statistics.median(costs),
        "p99_us": sorted(costs)[int(len(costs) * 0.99)],
        "longest_us": max(costs),
        "longest_gap_ms": ticker.longest_gap * 1000,
    }


async def wait(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Have the waiter wait."""
    context = replace(runtime.context, team=Team(Waiter()))
    reply = await context.perform(ROLE, state.get("text", ""), runtime.stream_writer)
    return {"answer": reply.text}


async def prompted(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Have the server's own agent do what the input says."""
    reply = await runtime.context.perform(ROLE, state.get("text", ""), runtime.stream_writer)
    return {"answer": reply.text}


def _one_node(name: str, node: Any, output: type[Output] = Output) -> Workflow:
    return Workflow(
        name=name,
        title=name.title(),
        description=f"Measured: {node.__doc__}",
        input_model=Input,
        output_model=output,
        response_field="answer",
        stages=(Stage(name=name, title=name.title(), share=1),),
        graph=_graph_of(name, node),
    )


def _graph_of(name: str, node: Any) -> "Callable[[], Graph]":
    def build() -> "Graph":
        from langgraph.graph import END, START, StateGraph  # only now: it takes about a second

        graph: Any = StateGraph(State, context_schema=WorkflowContext)
        graph.add_node(name, node)
        graph.add_edge(START, name)
        graph.add_edge(name, END)
        return graph

    return build


ECHO = _one_node("echo", echo)
TALK = _one_node("talk", talk, TalkOutput)
WAIT = _one_node("wait", wait)
PROMPTED = _one_node("prompted", prompted)
