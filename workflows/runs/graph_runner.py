"""Executes LangGraph graphs. The only module that streams a graph; imports the graph library, so it is loaded late.

Rules it keeps, each measured on LangGraph 1.2:

* `version="v2"` and a list of modes, so that every part has one shape.
* `durability="sync"`: a finished node is in the checkpoint before the next one starts.
* Whoever consumes `steps` does so in a task of its own and cancels it once: repeated cancellation leaks nodes.
* Tracing to a remote endpoint is off, whatever LangChain's variables in the environment say, unless it was
  asked for with this program's own switch.
"""

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

import aiosqlite
import langsmith
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.errors import GraphRecursionError

from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, SupervisorReport
from workflows.runs.errors import StepLimitReached
from workflows.runs.graph_loading import build_graph
from workflows.runs.graph_steps import GraphStep, NodeEnded, NodeReported, NodeStarted, StateReached
from workflows.workflow import Workflow

LangGraph: TypeAlias = Any
"""The library's graph classes carry type parameters that only partly exist; their objects stay inside this module."""


class LangGraphRunner:
    """Implements `workflows.runs.graph_steps.GraphRunner`.

    Args:
        saver: Where checkpoints go.
        tracing: Whether LangChain's tracing variables in the environment may have effect.
    """

    def __init__(self, saver: AsyncSqliteSaver, *, tracing: bool = False) -> None:
        self._saver = saver
        self._tracing = tracing
        self._compiled: dict[str, LangGraph] = {}

    @classmethod
    async def open(cls, path: Path, *, tracing: bool = False) -> "LangGraphRunner":
        """Open, or create, the checkpoints' database.

        Args:
            path: Its file.
            tracing: See the class.
        """
        connection = await aiosqlite.connect(path)
        await connection.execute("PRAGMA synchronous=NORMAL")  # with WAL: safe against a killed process
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        return cls(saver, tracing=tracing)

    async def close(self) -> None:
        """Close the database."""
        await self._saver.conn.close()

    async def steps(
        self, workflow: Workflow, state: Mapping[str, object], context: WorkflowContext
    ) -> AsyncGenerator[GraphStep, None]:
        """See the port."""
        graph = self._compile(workflow)
        with cast("Any", langsmith).tracing_context(enabled=None if self._tracing else False):
            parts = graph.astream(
                dict(state),
                {"configurable": {"thread_id": context.run_id}, "recursion_limit": workflow.max_steps},
                context=context,
                stream_mode=["custom", "tasks", "values"],
                version="v2",
                durability="sync",
            )
            try:
                async for part in parts:
                    step = _step(part)
                    if step is not None:
                        yield step
            except GraphRecursionError as error:
                raise StepLimitReached(
                    f"Workflow {workflow.name!r} was still going round after {workflow.max_steps} steps.",
                    recovery=("Say more exactly what is wanted, so that its agents agree sooner",),
                ) from error

    def _compile(self, workflow: Workflow) -> LangGraph:
        compiled = self._compiled.get(workflow.name)
        if compiled is None:
            compiled = build_graph(workflow).compile(checkpointer=self._saver)
            self._compiled[workflow.name] = compiled
        return compiled


def _step(part: Mapping[str, Any]) -> GraphStep | None:
    data = part["data"]
    match part["type"]:
        case "custom" if isinstance(data, AgentReport | SupervisorReport | ArtifactReport):
            return NodeReported(data)
        case "tasks" if "triggers" in data:
            return NodeStarted(data["name"], data["id"])
        case "tasks" if data["error"] is None and not data["interrupts"]:
            return NodeEnded(data["name"], data["id"], data["result"] or {})
        case "values":
            return StateReached(data)
        case _:  # a node's own custom event of another kind, or the end of a failed node, which raises by itself
            return None
