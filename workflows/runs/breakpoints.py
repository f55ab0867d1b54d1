"""Breakpoints of a graph (`interrupt_before`, `interrupt_after`): it stops there, and a person says whether it goes on.

LangGraph itself asks nothing at a breakpoint: the graph's stream just ends, with nodes that would be next.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

from workflows.runs.errors import ContinuationRefused
from workflows.runs.gate_request import GateRequest, reply_of
from workflows.runs.graph_steps import NodePaused

LangGraph: TypeAlias = Any
"""As in `workflows.runs.graph_runner`."""

_MARK = "breakpoint-"
_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"go_on": {"type": "boolean", "title": "Go on"}},
    "required": ["go_on"],
}


def pause_at(graph: LangGraph, snapshot: LangGraph) -> NodePaused | None:
    """The question at the breakpoint where a graph has stopped; None if it has stopped at none.

    Args:
        graph: The graph.
        snapshot: Its state after it has stopped.
    """
    if not (graph.interrupt_before_nodes or graph.interrupt_after_nodes):
        return None
    if not snapshot.next or snapshot.interrupts:
        return None
    nodes = ", ".join(dict.fromkeys(snapshot.next))
    question = GateRequest(question=f"The graph stops at a breakpoint. Shall {nodes} be done now?", schema=_SCHEMA)
    checkpoint: str = snapshot.config["configurable"]["checkpoint_id"]
    return NodePaused(snapshot.next[0], snapshot.tasks[0].id, f"{_MARK}{checkpoint}", question.to_json())


def check(answers: Mapping[str, object]) -> None:
    """See that a person lets the graph go on from its breakpoint.

    Args:
        answers: What questions were answered with, by their ids.

    Raises:
        ContinuationRefused: No person does.
    """
    for settled in _at_breakpoints(answers):
        reply = reply_of(cast("Mapping[str, object]", settled))
        if not _goes_on(reply.answer):
            raise ContinuationRefused(
                f"{reply.by or 'Somebody'} did not let the graph go on from its breakpoint.",
                recovery=("Call the workflow again to start anew",),
            )


def _goes_on(answer: object) -> bool:
    return isinstance(answer, Mapping) and cast("Mapping[str, object]", answer).get("go_on") is True


def without_breakpoints(answers: Mapping[str, object]) -> dict[str, object]:
    """The answers that the graph itself has asked for."""
    return {asked: answer for asked, answer in answers.items() if not asked.startswith(_MARK)}


def _at_breakpoints(answers: Mapping[str, object]) -> Iterable[object]:
    return (answer for asked, answer in answers.items() if asked.startswith(_MARK))
