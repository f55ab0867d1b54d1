"""Executes LangGraph graphs. The only module that streams a graph; imports the graph library, so it is loaded late.

Rules it keeps, each measured on LangGraph 1.2:

* `version="v2"` and a list of modes, so that every part has one shape.
* `subgraphs=True`: a node that is a graph itself reports like any other; its own nodes and state stay its own affair.
* `durability="sync"`: a finished node is in the checkpoint before the next one starts.
* Whoever consumes `steps` does so in a task of its own and cancels it once: repeated cancellation leaks nodes.
* Tracing to a remote endpoint is off, whatever LangChain's variables in the environment say, unless it was
  asked for with this program's own switch.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast

import langsmith
from langgraph.errors import GraphRecursionError
from langgraph.types import Command

from agents.errors import AgentError
from workflows.bare_graphs.adoption import graph_input, graph_output
from workflows.bare_graphs.chat import plain
from workflows.bare_graphs.listening import Listening
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, SupervisorReport
from workflows.runs import breakpoints
from workflows.runs.checkpoints import Checkpoints
from workflows.runs.errors import LogUnavailable, RunError, StepLimitReached, WorkflowBroken
from workflows.runs.graph_forks import Fork, begin_fork, thread
from workflows.runs.graph_loading import compile_graph
from workflows.runs.graph_steps import (
    GraphStanding,
    GraphStep,
    NodeEnded,
    NodeFailed,
    NodePaused,
    NodeReported,
    NodeStarted,
    StateReached,
)
from workflows.workflow import Workflow

logger = logging.getLogger(__name__)

LangGraph: TypeAlias = Any
"""The library's graph classes carry type parameters that only partly exist; their objects stay inside this module."""


class LangGraphRunner:
    """Implements `workflows.runs.graph_steps.GraphRunner`.

    Args:
        checkpoints: Where checkpoints go.
        tracing: Whether LangChain's tracing variables in the environment may have effect.
    """

    def __init__(self, checkpoints: Checkpoints, *, tracing: bool = False) -> None:
        self._checkpoints = checkpoints
        self._tracing = tracing
        self._compiled: dict[str, LangGraph] = {}

    @classmethod
    async def open(cls, path: Path, *, tracing: bool = False) -> "LangGraphRunner":
        """Open, or create, the checkpoints' database.

        Args:
            path: Its file.
            tracing: See the class.

        Raises:
            LogUnavailable: It cannot be opened, and why.
        """
        return cls(await Checkpoints.open(path), tracing=tracing)

    async def close(self) -> None:
        """See the port."""
        try:
            await self._checkpoints.close()
        except LogUnavailable as error:
            logger.warning("%s", error.message)

    async def forget(self, run_id: str) -> None:
        """See the port."""
        await self._checkpoints.adelete_thread(run_id)

    async def remembered(self) -> Sequence[str]:
        """See the port."""
        return await self._checkpoints.threads()

    async def steps(
        self, workflow: Workflow, state: Mapping[str, object], context: WorkflowContext
    ) -> AsyncGenerator[GraphStep, None]:
        """See the port."""
        async with aclosing(self._stream(workflow, dict(state), context, frozenset())) as steps:
            async for step in steps:
                yield step

    async def steps_on(
        self, workflow: Workflow, context: WorkflowContext, standing: GraphStanding, answers: Mapping[str, object]
    ) -> AsyncGenerator[GraphStep, None]:
        """See the port."""
        # An id that is not asked would be taken for an answer to the node's next question.
        known = {asked: answer for asked, answer in answers.items() if asked in standing.asked}
        breakpoints.check(known)
        known = breakpoints.without_breakpoints(known)
        finished = frozenset(node.task_id for node in standing.finished)
        async with aclosing(
            self._stream(workflow, Command(resume=known) if known else None, context, finished)
        ) as steps:
            async for step in steps:
                yield step

    async def standing(self, workflow: Workflow, run_id: str) -> GraphStanding:
        """See the port."""
        graph = await self._graph(workflow)
        snapshot = await graph.aget_state(thread(run_id))
        return _standing(snapshot, breakpoints.pause_at(graph, snapshot))

    async def fork(
        self, workflow: Workflow, source: str, stage: str, target: str, changes: Mapping[str, object], *, over: bool
    ) -> frozenset[str]:
        """See the port."""
        graph = await self._graph(workflow)
        return await begin_fork(graph, self._checkpoints, Fork(source, stage, target), changes, over=over)

    async def _stream(
        self, workflow: Workflow, start: object, context: WorkflowContext, finished: frozenset[str]
    ) -> AsyncGenerator[GraphStep, None]:
        """The steps from a start: a state, the answer to a question, or None for where the checkpoints are.

        Args:
            workflow: Which.
            start: As above.
            context: What its nodes work with.
            finished: Tasks that had ended before and are told of again as if they began.
        """
        graph = await self._graph(workflow)
        if workflow.bare and isinstance(start, dict):
            start = graph_input(graph, cast("dict[str, Any]", start))
        listening, paused = Listening.to(workflow, graph, context), False
        with (
            cast("Any", langsmith).tracing_context(enabled=None if self._tracing else False),
            self._checkpoints.listening(context.run_id),
        ):
            parts = graph.astream(
                start,
                {
                    **thread(context.run_id),
                    "recursion_limit": workflow.max_steps,
                    "callbacks": [*listening.callbacks],
                },
                context=listening.context,
                stream_mode=["custom", "tasks", "values", *listening.modes],
                subgraphs=True,
                version="v2",
                durability="sync",
            )
            with closing(listening), _failures_in_words(workflow, context.run_id):
                async with aclosing(parts):
                    async for part in parts:
                        for report in listening.heard(part):
                            yield NodeReported(report)
                        for step in _steps(part):
                            if isinstance(step, NodeStarted) and step.task_id in finished:
                                continue
                            if isinstance(step, NodeEnded | NodePaused):
                                await self._checkpoints.written(context.run_id, step.task_id)
                            paused = paused or isinstance(step, NodePaused)
                            yield step
                if workflow.bare and not paused:
                    snapshot = await graph.aget_state(thread(context.run_id))
                    if (pause := breakpoints.pause_at(graph, snapshot)) is not None:
                        yield pause

    async def _graph(self, workflow: Workflow) -> LangGraph:
        compiled = self._compiled.get(workflow.name)
        if compiled is None:
            # In a thread: importing the module of a graph can take seconds, and the server goes on answering.
            compiled = await asyncio.to_thread(compile_graph, workflow, self._checkpoints)
            self._compiled[workflow.name] = compiled
        return compiled


@contextmanager
def _failures_in_words(workflow: Workflow, run_id: str) -> Generator[None]:
    """Turn what a graph raises into an error for people; a mistake of our own graphs stays what it is."""
    try:
        yield
    except (AgentError, RunError):
        raise
    except GraphRecursionError as error:
        raise StepLimitReached(
            f"Workflow {workflow.name!r} was still going round after {workflow.max_steps} steps.",
            recovery=("Say more exactly what is wanted, so that its agents agree sooner",),
        ) from error
    except Exception as error:
        if not workflow.bare:
            raise
        logger.exception("run %s: its graph has raised", run_id)
        raise _raised(workflow, error) from error


def _raised(workflow: Workflow, error: Exception) -> WorkflowBroken:
    return WorkflowBroken(
        f"The graph of workflow {workflow.name!r} raised {type(error).__name__}: {error}",
        recovery=("The server's log has the traceback: mend the graph, or ask its author to",),
    )


def _standing(snapshot: LangGraph, pause: NodePaused | None) -> GraphStanding:
    at_breakpoint = {} if pause is None else {pause.interrupt_id: pause.value}
    return GraphStanding(
        begun=snapshot.created_at is not None,
        next=tuple(dict.fromkeys(snapshot.next)),
        finished=tuple(
            NodeEnded(task.name, task.id, cast("Mapping[str, object]", plain(task.result or {})))
            for task in snapshot.tasks
            if task.result is not None or task.name not in snapshot.next
        ),
        asked={interrupt.id: interrupt.value for interrupt in snapshot.interrupts} | at_breakpoint,
    )


def _steps(part: Mapping[str, Any]) -> tuple[GraphStep, ...]:
    data = part["data"]
    match part["type"]:
        case "custom" if isinstance(data, AgentReport | SupervisorReport | ArtifactReport):
            return (NodeReported(data),)
        case _ if part["ns"]:  # a subgraph's own nodes and state
            return ()
        case "tasks" if "triggers" in data:
            return (NodeStarted(data["name"], data["id"]),)
        case "tasks" if data["error"] is not None:
            return (NodeFailed(data["name"], data["id"]),)
        case "tasks" if data["interrupts"]:
            return tuple(
                NodePaused(data["name"], data["id"], interrupt["id"], interrupt["value"])
                for interrupt in data["interrupts"]
            )
        case "tasks":
            return (NodeEnded(data["name"], data["id"], cast("Mapping[str, object]", plain(data["result"] or {}))),)
        case "values":
            return (StateReached(graph_output(data)),)
        case _:  # a node's own custom event of another kind
            return ()
