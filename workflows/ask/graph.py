"""The graph of `ask`: one agent, one node."""

from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents.errors import ReplyInvalid
from agents.events import Found
from agents.roles import ASSISTANT
from workflows.ask.contract import Step
from workflows.ask.steps import StepRecorder
from workflows.context import WorkflowContext
from workflows.plain_state import Json
from workflows.quotes import Quotes, joined
from workflows.reports import AgentReport, ArtifactReport
from workflows.wording import counted

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]

_QUOTES = Quotes(("question",))


class State(TypedDict):
    """What the node works on: plain JSON. It begins with `question`."""

    question: str
    answer: str
    steps: list[Json]


class Update(TypedDict):
    """What the node adds."""

    answer: str
    steps: list[Json]


def build() -> "Graph":
    """The graph, uncompiled."""
    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # the library's own types are only partly known
    graph.add_node("assistant", assistant)
    graph.add_edge(START, "assistant")
    graph.add_edge("assistant", END)
    return graph


async def assistant(state: State, runtime: GraphRuntime) -> Update:
    """Have the question answered, and keep the way to the answer."""
    context, say = runtime.context, runtime.stream_writer
    recorder = StepRecorder(say, str(context.workspace))
    reply = await context.perform(ASSISTANT, prompt_for(state["question"]), recorder.say)
    answer = reply.text.strip()
    if not answer:
        raise ReplyInvalid("The assistant ended without an answer.")
    say(ArtifactReport(agent="assistant", name="answer.md", media_type="text/markdown", text=answer, title="Answer"))
    steps = recorder.steps
    say(AgentReport(ASSISTANT.name, Found(message=_summary(steps), details={"steps": len(steps)})))
    return Update(answer=answer, steps=[step.model_dump() for step in steps])


def prompt_for(question: str) -> str:
    """Ask the question. What the user asks is never cut."""
    asked = _QUOTES.quoted("question", question, "The question", longest=None)
    return joined(asked, "Find the answer step by step, and deliver it.")


def _summary(steps: list[Step]) -> str:
    calls = [call for step in steps for call in step.calls]
    failed = sum(call.ok is not True for call in calls)
    told = f"answered in {counted(len(steps), 'step')} with {counted(len(calls), 'tool call')}"
    return f"{told}, {failed} of which failed" if failed else told
