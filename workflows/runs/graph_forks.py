"""Where in a graph a fork begins: in the state after a stage of another run, with what came next there."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from workflows.runs.checkpoints import Checkpoints
from workflows.runs.errors import InputRejected

LangGraph: TypeAlias = Any
"""As in `workflows.runs.graph_runner`."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Which run begins where.

    Attributes:
        source: The run that was before.
        stage: It had finished this one.
        target: The new run.
    """

    source: str
    stage: str
    target: str


async def begin_fork(
    graph: LangGraph, checkpoints: Checkpoints, fork: Fork, changes: Mapping[str, object], *, over: bool
) -> frozenset[str]:
    """As `workflows.runs.graph_steps.GraphRunner.fork`.

    Args:
        graph: The graph.
        checkpoints: Where its states are.
        fork: Which run begins where.
        changes: Fields of the state that get another value.
        over: Whether the other run has ended.
    """
    source, stage = fork.source, fork.stage
    after: Any = None
    async for snapshot in graph.aget_state_history(thread(source)):  # newest first
        if any(task.name == stage and task.result is not None for task in snapshot.tasks):
            break
        after = snapshot
    else:
        raise InputRejected(
            "stage",
            f"Run {source} has no finished stage {stage!r} that can be gone on from.",
            recovery=("get_run shows which stages were finished; states of old runs are not kept",),
        )
    if after is None:  # what it did is not in the state before what is done beside it is
        raise _ended_there(source, stage, snapshot) if over else _still_there(source, stage)
    await checkpoints.copy(after.config, fork.target)
    if changes:
        await _change(graph, fork, changes)
    return frozenset(task.id for task in snapshot.tasks)


def _still_there(source: str, stage: str) -> InputRejected:
    return InputRejected(
        "stage",
        f"Run {source} is still at work on stages beside {stage!r}, or has only just finished it.",
        recovery=("Fork the run once it is at the stage after these, or from a stage before",),
    )


def _ended_there(source: str, stage: str, snapshot: LangGraph) -> InputRejected:
    beside = ", ".join(dict.fromkeys(str(task.name) for task in snapshot.tasks if task.result is None))
    why = f": {beside} had not finished" if beside else ""
    return InputRejected(
        "stage",
        f"Run {source} ended before what comes after {stage!r} could begin{why}.",
        recovery=("Fork the run from an earlier stage, or start the workflow anew",),
    )


async def _change(graph: LangGraph, fork: Fork, changes: Mapping[str, object]) -> None:
    """Change the state a fork begins with, as if its stage had done so: what comes next is then decided anew.

    Only the stage's own edges decide it: not those of nodes side by side with it, and not what a node had chosen
    itself.

    Raises:
        InputRejected: The stage's own edges do not lead to all that came next in the other run.
    """
    stage, begins = fork.stage, thread(fork.target)
    came_next = await _next(graph, begins)
    await graph.aupdate_state(begins, {}, as_node=stage)  # as it was they must lead there; changed they need not
    if left_out := came_next - await _next(graph, begins):
        raise InputRejected(
            "changes",
            f"After {stage!r}, run {fork.source} went on with {', '.join(left_out)}, where no edge of {stage!r} leads: "
            "with changed input that would be left out.",
            recovery=("Fork the run there without changes, or from another stage", "Start the workflow anew"),
        )
    await graph.aupdate_state(begins, dict(changes), as_node=stage)


async def _next(graph: LangGraph, begins: dict[str, Any]) -> Counter[str]:
    return Counter[str]((await graph.aget_state(begins)).next)


def thread(run_id: str) -> dict[str, Any]:
    """What names a run's checkpoints to a graph."""
    return {"configurable": {"thread_id": run_id}}
