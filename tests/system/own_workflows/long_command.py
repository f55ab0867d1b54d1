"""A workflow whose scripted agent runs a shell command of ten minutes, which leaves others in the background."""

from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel

from agents.agent import AgentTask
from agents.command_runner import command_runner
from agents.events import AgentSaid
from agents.script import Run, Turn
from agents.scripted_agent import ScriptedAgent
from workflows.context import WorkflowContext
from workflows.reports import AgentReport
from workflows.workflow import Stage, Workflow

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from workflows.workflow import Graph

COMMAND = ("sh", "-c", "sleep 601 & setsid sleep 602 & (sleep 603 & exit) ; sleep 604")


class LongCommandInput(BaseModel):
    """What the tool takes."""

    task: str


class LongCommandOutput(BaseModel):
    """What the tool gives."""

    answer: str


class State(TypedDict, total=False):
    """What the node gets and gives."""

    task: str
    answer: str


async def work(state: State, runtime: "Runtime[WorkflowContext]") -> State:
    """Have the agent run the command."""
    context, say = runtime.context, runtime.stream_writer

    def emit(said: AgentSaid) -> None:
        say(AgentReport("worker", said))

    async with command_runner() as commands:
        agent = ScriptedAgent({"worker": [Turn(steps=(Run(COMMAND, max_seconds=700),), text="done")]}, commands.run)
        task = AgentTask(
            role="worker",
            prompt=state.get("task", ""),
            workspace=context.workspace,
            access="write",
            run_id=context.run_id,
        )
        return {"answer": (await agent.run(task, emit)).text}


def build() -> "Graph":
    """The graph, uncompiled."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph


WORKFLOW = Workflow(
    name="long_command",
    title="Run a long command",
    description="Runs a command of ten minutes.",
    input_model=LongCommandInput,
    output_model=LongCommandOutput,
    response_field="answer",
    stages=(Stage(name="work", title="Working", share=1),),
    graph=build,
    writes=True,
)
