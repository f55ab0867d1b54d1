"""Graphs that know nothing of this project, as somebody would have written them for LangGraph alone."""

import asyncio
import operator
import sqlite3
import warnings
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict, cast

from langchain_core.language_models import BaseChatModel, BaseLLM
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, create_react_agent, tools_condition  # pyright: ignore[reportUnknownVariableType, reportDeprecated] - as below
from langgraph.runtime import Runtime
from langgraph.types import Send, interrupt
from pydantic import BaseModel, Field

from tests.fakes.chat_model import FakeStreamingChatModel, calls, says

LOOK_UP = calls("look_up", '{"name": "Ann"}', "call-1")


@tool
def look_up(name: str) -> str:
    """Look a name up."""
    return f"{name} is 42"


@tool
def broken_look_up(name: str) -> str:
    """Look a name up, and fail."""
    raise ValueError(f"no {name} here")


def tool_loop(model: FakeStreamingChatModel, look: Any = look_up, *, name: str | None = None, **compiled: Any) -> Any:
    """What `create_react_agent` makes: a model that calls tools until it has its answer."""

    async def agent(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.bind_tools([look]).ainvoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("agent", agent)
    graph.add_node("tools", ToolNode([look], handle_tool_errors=True))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", tools_condition)
    graph.add_edge("tools", "agent")
    return graph.compile(name=name, **compiled)


def prebuilt(model: FakeStreamingChatModel) -> Any:
    """The library's own loop of a model and its tools."""
    make: Any = create_react_agent  # pyright: ignore[reportUnknownVariableType, reportDeprecated] - only partly known; still in wide use
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return make(model, [look_up])


def asked_and_answered() -> FakeStreamingChatModel:
    """A model that calls `look_up` and then answers."""
    return FakeStreamingChatModel(replies=[LOOK_UP, says("Ann ", "is ", "42.")])


class Notes(TypedDict, total=False):
    """Collects notes about a topic."""

    topic: Annotated[str, "What it is about."]
    notes: Annotated[list[str], operator.add]
    report: str


class Corner(TypedDict):
    """What one of the parallel branches gets."""

    corner: str


def fan_out() -> Any:
    """`plan` sends two of `dig` side by side; `write` puts together what they found. Nodes that are no coroutines."""

    def plan(state: Notes) -> dict[str, Any]:
        del state
        return {}

    def corners(state: Notes) -> list[Send]:
        return [Send("dig", {"corner": f"{state.get('topic')} {side}"}) for side in ("left", "right")]

    def dig(state: Corner) -> dict[str, Any]:
        return {"notes": [state["corner"]]}

    def write(state: Notes) -> dict[str, Any]:
        return {"report": ", ".join(sorted(state.get("notes", [])))}

    graph: Any = StateGraph(Notes)
    graph.add_node("plan", plan)
    graph.add_node("dig", dig)
    graph.add_node("write", write)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", corners, ["dig"])
    graph.add_edge("dig", "write")
    graph.add_edge("write", END)
    return graph.compile()


def with_subgraph(model: BaseChatModel) -> Any:
    """`team` is a graph of its own, with `ask` and `note` in it; `note` says something in its own way."""

    async def ask(state: Notes) -> dict[str, Any]:
        reply = await model.ainvoke(state.get("topic", ""))
        return {"notes": [str(reply.text)]}

    def note(state: Notes) -> dict[str, Any]:
        get_stream_writer()({"status": "noting", "count": len(state.get("notes", []))})
        return {}

    inside: Any = StateGraph(Notes)
    inside.add_node("ask", ask)
    inside.add_node("note", note)
    inside.add_edge(START, "ask")
    inside.add_edge("ask", "note")
    graph: Any = StateGraph(Notes)
    graph.add_node("team", inside.compile())
    graph.add_edge(START, "team")
    return graph.compile()


class Trip(BaseModel):
    """Plans a trip, once somebody has agreed to it."""

    where: str = Field(description="Where to.")
    days: int = 3
    plan: str = ""


def asking(*, deep: bool = False) -> Any:
    """`approve` asks whether the trip may be booked, in a graph of its own if `deep`; `book` books it."""

    def approve(state: Trip) -> dict[str, Any]:
        answer = interrupt({"question": f"Shall the trip to {state.where} be booked?", "days": state.days})
        return {"plan": f"{answer}: {state.where}"}

    def book(state: Trip) -> dict[str, Any]:
        return {"plan": f"booked, {state.plan}"}

    approval: Any = StateGraph(Trip)
    approval.add_node("approve", approve)
    approval.add_edge(START, "approve")
    graph: Any = StateGraph(Trip)
    graph.add_node("approve", approval.compile() if deep else approve)
    graph.add_node("book", book)
    graph.add_edge(START, "approve")
    graph.add_edge("approve", "book")
    return graph.compile()


def raising(error: Exception) -> Any:
    """`first` does its work, and `second` raises."""

    def first(state: Notes) -> dict[str, Any]:
        return {"notes": [state.get("topic", "")]}

    def second(_: Notes) -> dict[str, Any]:
        raise error

    graph: Any = StateGraph(Notes)
    graph.add_node("first", first)
    graph.add_node("second", second)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    return graph.compile()


def plain_tools() -> Any:
    """A loop written by hand: its tool is a function that LangChain knows nothing of; its model does not stream."""

    def agent(state: MessagesState) -> dict[str, Any]:
        if isinstance(state["messages"][-1], ToolMessage):
            return {"messages": [AIMessage(content="Seven.")]}
        call = {"name": "count", "args": {"of": "days"}, "id": "call-7"}
        return {"messages": [AIMessage(content="", tool_calls=[call])]}  # pyright: ignore[reportArgumentType] - a TypedDict

    def tools(state: MessagesState) -> dict[str, Any]:
        del state
        return {"messages": [ToolMessage(content="7", name="count", tool_call_id="call-7")]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("agent", agent)
    graph.add_node("tools", tools)
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", tools_condition)
    graph.add_edge("tools", "agent")
    return graph.compile()


def blocking(model: FakeStreamingChatModel) -> Any:
    """One node that is no coroutine and asks its model without `await`."""

    def agent(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("agent", agent)
    graph.add_edge(START, "agent")
    return graph.compile()


def completing(model: BaseLLM) -> Any:
    """One node, whose model completes a text and knows nothing of messages."""

    async def write(state: Notes) -> dict[str, Any]:
        return {"report": await model.ainvoke(state.get("topic", ""))}

    graph: Any = StateGraph(Notes)
    graph.add_node("write", write)
    graph.add_edge(START, "write")
    return graph.compile()


def endless(begun: asyncio.Event, ended: asyncio.Event) -> Any:
    """One node that never comes to its end by itself."""

    async def wait(state: Notes) -> dict[str, Any]:
        del state
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    graph: Any = StateGraph(Notes)
    graph.add_node("wait", wait)
    graph.add_edge(START, "wait")
    return graph.compile()


def held(begun: asyncio.Event, go_on: asyncio.Event, did: list[str]) -> Any:
    """`first` and then `second`, which waits; both say in `did` that they were at work."""

    def first(state: Notes) -> dict[str, Any]:
        did.append("first")
        return {"notes": [state.get("topic", "")]}

    async def second(state: Notes) -> dict[str, Any]:
        did.append("second")
        begun.set()
        await go_on.wait()
        return {"report": ", ".join(state.get("notes", []))}

    graph: Any = StateGraph(Notes)
    graph.add_node("first", first)
    graph.add_node("second", second)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    return graph.compile()


def thinker() -> Any:
    """Its model thinks aloud before it answers."""
    thoughts = [
        AIMessageChunk(content=[{"type": "reasoning", "reasoning": piece, "index": 0}]) for piece in ("Hm, ", "six?")
    ]
    model = FakeStreamingChatModel(replies=[[*thoughts, *says("Seven.")]])

    async def agent(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("agent", agent)
    graph.add_edge(START, "agent")
    return graph.compile()


@dataclass
class Tuning:
    """A graph's own context."""

    times: int = 2


@dataclass
class Number:
    """A state as a dataclass, with a field that no client can give."""

    number: int
    doubled: int = 0
    connection: sqlite3.Connection | None = None
    messages: Annotated[list[AnyMessage], add_messages] = field(default_factory=list[AnyMessage])


def with_context() -> Any:
    """Its context has defaults; its state is a dataclass."""

    async def double(state: Number, runtime: Runtime[Tuning]) -> dict[str, Any]:
        return {"doubled": state.number * runtime.context.times}

    graph: Any = StateGraph(Number, context_schema=Tuning)
    graph.add_node("double", double)
    graph.add_edge(START, "double")
    return graph.compile()


def functional() -> Any:
    """Made of functions: `entrypoint` and `task`."""

    @task
    async def square(number: int) -> int:
        return number * number

    @entrypoint()
    async def sum_of_squares(numbers: list[int]) -> int:
        return sum([await square(number) for number in numbers])

    made: Any = sum_of_squares  # pyright: ignore[reportUnknownVariableType] - the library's own type is only partly known
    return made


def shapeless() -> Any:
    """Nothing says what it takes."""

    def work(_: Any) -> dict[str, Any]:
        return {}

    graph: Any = cast("Any", StateGraph)(dict)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    return graph.compile()
