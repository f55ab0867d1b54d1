"""Small workflows whose graphs show one thing each."""

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from pydantic import BaseModel

from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.reports import ArtifactReport
from workflows.runs.gate import Answered, Declined, Expired, ask_person
from workflows.workflow import Stage, Workflow

WORKER = Role(name="worker", title="Worker", access="write", instructions="Work.", max_turns=5)


class Question(BaseModel):
    """Input."""

    question: str


class Answer(BaseModel):
    """Output."""

    answer: str


class State(TypedDict, total=False):
    """State of all graphs here."""

    question: str
    answer: str
    parts: Annotated[list[str], operator.add]


def _graph() -> Any:
    return StateGraph(State, context_schema=WorkflowContext)


def one_stage() -> Any:
    """`work` asks the worker and keeps its answer."""

    async def work(state: State, runtime: Runtime[WorkflowContext]) -> State:
        reply = await runtime.context.perform(WORKER, state.get("question", ""), runtime.stream_writer)
        runtime.stream_writer(
            ArtifactReport(agent="worker", name="answer.md", media_type="text/markdown", text=reply.text, title="Done")
        )
        return {"answer": reply.text}

    graph = _graph()
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph


def two_side_by_side() -> Any:
    """`left` and `right` ask the worker at the same time; `join` puts both answers together."""

    def side(name: str) -> Any:
        async def work(state: State, runtime: Runtime[WorkflowContext]) -> State:
            del state
            reply = await runtime.context.perform(WORKER, name, runtime.stream_writer)
            return {"parts": [reply.text]}

        return work

    async def join(state: State) -> State:
        return {"answer": " ".join(sorted(state.get("parts", [])))}

    graph = _graph()
    graph.add_node("left", side("left"))
    graph.add_node("right", side("right"))
    graph.add_node("join", join)
    graph.add_edge(START, "left")
    graph.add_edge(START, "right")
    graph.add_edge(["left", "right"], "join")
    graph.add_edge("join", END)
    return graph


def endless() -> Any:
    """`work` again and again."""

    async def work(state: State) -> State:
        del state
        return {"answer": "never enough"}

    graph = _graph()
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", "work")
    return graph


def forgetful() -> Any:
    """Ends without the output it promises."""

    async def work(state: State) -> State:
        del state
        return {"parts": ["something else"]}

    graph = _graph()
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph


def branches() -> Any:
    """`plan` sends three of `dig` side by side; `sub` is a graph of its own, whose node asks the worker."""

    async def plan(state: State) -> Any:
        del state
        command: Command[str] = Command(goto=[Send("dig", {"question": str(number)}) for number in range(3)])
        return command

    async def dig(state: State, runtime: Runtime[WorkflowContext]) -> State:
        reply = await runtime.context.perform(WORKER, state.get("question", ""), runtime.stream_writer)
        return {"parts": [reply.text]}

    async def inner(state: State, runtime: Runtime[WorkflowContext]) -> State:
        del state
        reply = await runtime.context.perform(WORKER, "inside", runtime.stream_writer)
        return {"answer": reply.text}

    inside = _graph()
    inside.add_node("inner", inner)
    inside.add_edge(START, "inner")
    graph = _graph()
    graph.add_node("plan", plan, destinations=("dig",))
    graph.add_node("dig", dig)
    graph.add_node("sub", inside.compile())
    graph.add_edge(START, "plan")
    graph.add_edge("dig", "sub")
    graph.add_edge("sub", END)
    return graph


def four_stages() -> Any:
    """`first`, `second`, `third` and `fourth` ask the worker, one after the other."""

    def stage(name: str) -> Any:
        async def work(state: State, runtime: Runtime[WorkflowContext]) -> State:
            del state
            reply = await runtime.context.perform(WORKER, name, runtime.stream_writer)
            return {"parts": [reply.text], "answer": reply.text}

        return work

    graph = _graph()
    before = START
    for name in FOUR:
        graph.add_node(name, stage(name))
        graph.add_edge(before, name)
        before = name
    graph.add_edge(before, END)
    return graph


FOUR = ("first", "second", "third", "fourth")


class Approval(BaseModel):
    """An answer of a person."""

    approved: bool
    note: str = ""


def asking(max_seconds: float | None = None) -> Any:
    """`plan` asks the worker, `approval` asks a person, `work` does what was said."""

    def build() -> Any:
        async def plan(state: State, runtime: Runtime[WorkflowContext]) -> State:
            reply = await runtime.context.perform(WORKER, state.get("question", ""), runtime.stream_writer)
            return {"parts": [reply.text]}

        async def approval(state: State) -> State:
            del state
            answer = ask_person("Shall it be done?", Approval, max_seconds=max_seconds)
            match answer:
                case Answered(said, by):
                    return {"answer": f"{by}: {'yes' if said.approved else 'no'} {said.note}".strip()}
                case Declined(by):
                    return {"answer": f"{by} declined"}
                case Expired():
                    return {"answer": "nobody answered"}

        async def work(state: State, runtime: Runtime[WorkflowContext]) -> State:
            reply = await runtime.context.perform(WORKER, "work", runtime.stream_writer)
            return {"parts": [reply.text], "answer": state.get("answer", "")}

        graph = _graph()
        for name, node in (("plan", plan), ("approval", approval), ("work", work)):
            graph.add_node(name, node)
        graph.add_edge(START, "plan")
        graph.add_edge("plan", "approval")
        graph.add_edge("approval", "work")
        graph.add_edge("work", END)
        return graph

    return build


def asking_twice() -> Any:
    """`left` and `right` ask a person each, side by side; `join` puts both answers together."""

    def side(name: str) -> Any:
        async def ask(state: State) -> State:
            del state
            answer = ask_person(f"What is {name}?", Approval)
            return {"parts": [f"{name} {answer.answer.note}" if isinstance(answer, Answered) else name]}

        return ask

    async def join(state: State) -> State:
        return {"answer": ", ".join(sorted(state.get("parts", [])))}

    graph = _graph()
    for name in ("left", "right"):
        graph.add_node(name, side(name))
        graph.add_edge(START, name)
    graph.add_node("join", join)
    graph.add_edge(["left", "right"], "join")
    graph.add_edge("join", END)
    return graph


def two_versions() -> Any:
    """`work` makes the same artifact twice."""

    async def work(state: State, runtime: Runtime[WorkflowContext]) -> State:
        del state
        for text in ("one", "two"):
            runtime.stream_writer(
                ArtifactReport(agent="worker", name="notes.md", media_type="text/markdown", text=text, title=text)
            )
        return {"answer": "done"}

    graph = _graph()
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph


def drafting_again() -> Any:
    """`draft` makes an artifact, `approval` asks a person, `redraft` another one of its name, and it once more."""

    def drafts(*texts: str) -> Any:
        async def draft(state: State, runtime: Runtime[WorkflowContext]) -> State:
            del state
            for text in texts:
                runtime.stream_writer(
                    ArtifactReport(agent="worker", name="plan.md", media_type="text/markdown", text=text, title="Plan")
                )
            return {"answer": texts[-1]}

        return draft

    async def approval(state: State) -> State:
        del state
        ask_person("Shall it be done?", Approval)
        return {}

    graph = _graph()
    for name, node in (("draft", drafts("one")), ("approval", approval), ("redraft", drafts("two", "one"))):
        graph.add_node(name, node)
    graph.add_edge(START, "draft")
    graph.add_edge("draft", "approval")
    graph.add_edge("approval", "redraft")
    graph.add_edge("redraft", END)
    return graph


def senseless() -> Any:
    """A graph that cannot be compiled."""
    graph = _graph()
    graph.add_edge(START, "nowhere")
    return graph


def impossible() -> Any:
    """Cannot be built."""
    raise ValueError("no such node")


def workflow(graph: Any, *stages: str, name: str = "small", max_steps: int = 20) -> Workflow:
    """A workflow around one of these graphs."""
    return Workflow(
        name=name,
        title=name.title(),
        description="A small workflow.",
        input_model=Question,
        output_model=Answer,
        response_field="answer",
        stages=tuple(Stage(name=stage, title=stage.title(), share=1) for stage in stages),
        graph=graph,
        max_steps=max_steps,
    )
