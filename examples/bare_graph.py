"""A LangGraph graph that knows nothing of this program, and is offered by it as it is.

    agent-workflows run postcard "the first snow" --workflow examples/bare_graph.py
    agent-workflows serve --workflow examples/bare_graph.py

Its model is LangChain's own fake one, which streams a fixed text, so it needs no key; put `init_chat_model(...)` or
whatever you use in its place. docs/own-workflow.md says what becomes of each part.
"""

from itertools import repeat
from typing import Any, TypedDict

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

model = GenericFakeChatModel(messages=repeat("Snow fell all night. Wish you were here!"))


class Postcard(TypedDict, total=False):
    """Writes a postcard about a topic, and sends it once somebody has read it."""

    topic: str
    text: str
    sent: bool


async def write(state: Postcard) -> Postcard:
    """Its tokens are seen as they come."""
    reply = await model.ainvoke(f"Write a postcard about {state.get('topic', 'the sea')}.")
    return {"text": str(reply.text)}


def approve(state: Postcard) -> Postcard:
    """A question to whoever has started the run; the answer resumes the graph."""
    answer = interrupt({"question": "Shall this postcard be sent? (yes or no)", "text": state.get("text")})
    return {"sent": answer == "yes"}


def stamp(state: Postcard) -> Postcard:
    """A custom event is a line of its own."""
    get_stream_writer()({"message": "the stamp is on" if state.get("sent") else "kept in the drawer"})
    return {}


builder: Any = StateGraph(Postcard)  # Any: the library's own types are only partly known
builder.add_node("write", write)
builder.add_node("approve", approve)
builder.add_node("stamp", stamp)
builder.add_edge(START, "write")
builder.add_edge("write", "approve")
builder.add_edge("approve", "stamp")
builder.add_edge("stamp", END)
graph = builder.compile(name="postcard")
