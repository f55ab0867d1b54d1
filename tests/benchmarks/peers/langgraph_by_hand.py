"""What one writes without this project: a graph behind a tool, in one file, imports at the top."""

from typing import TypedDict

import anthropic
from langgraph.graph import END, START, StateGraph
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("by-hand")


class State(TypedDict):
    """The graph's state."""

    task: str
    answer: str


async def answer(state: State) -> dict[str, str]:
    """The graph's only node."""
    return {"answer": f"{state['task']} ({anthropic.__name__})"}


builder = StateGraph(State)
builder.add_node("answer", answer)  # pyright: ignore[reportUnknownMemberType] - the library's types are partial
builder.add_edge(START, "answer")
builder.add_edge("answer", END)
graph = builder.compile()  # pyright: ignore[reportUnknownMemberType] - as above


@server.tool()
async def build(task: str, ctx: Context) -> str:
    """Run the graph."""
    await ctx.report_progress(0, 1, "started")
    result = await graph.ainvoke({"task": task, "answer": ""})  # pyright: ignore[reportUnknownMemberType] - as above
    return str(result["answer"])


if __name__ == "__main__":
    server.run()
