"""What the execution of a graph looks like from outside, whatever library executes it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from workflows.context import WorkflowContext
from workflows.reports import Report
from workflows.workflow import Workflow


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node begins.

    Attributes:
        node: Its name; nodes of the same name can run side by side.
        task_id: Unique for this execution of it.
    """

    node: str
    task_id: str


@dataclass(frozen=True, slots=True)
class NodeReported:
    """A node reports something.

    Attributes:
        report: What.
    """

    report: Report


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """A node has raised; the graph raises the same right after.

    Attributes:
        node: As in `NodeStarted`.
        task_id: As in `NodeStarted`.
    """

    node: str
    task_id: str


@dataclass(frozen=True, slots=True)
class NodeEnded:
    """A node is done; a node that fails or is cancelled has no such step.

    Attributes:
        node: As in `NodeStarted`.
        task_id: As in `NodeStarted`.
        update: What it changes in the state, plain JSON.
    """

    node: str
    task_id: str
    update: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StateReached:
    """The state after a round of nodes; the last one is the graph's result.

    Attributes:
        values: The state, plain JSON.
    """

    values: Mapping[str, object]


GraphStep: TypeAlias = NodeStarted | NodeReported | NodeFailed | NodeEnded | StateReached


class GraphRunner(Protocol):
    """Executes graphs and remembers how far each run has come."""

    def steps(
        self, workflow: Workflow, state: Mapping[str, object], context: WorkflowContext
    ) -> AsyncGenerator[GraphStep, None]:
        """Execute a workflow's graph from its beginning.

        To be consumed in an asyncio task of its own, which is cancelled once at most: nodes still running are
        then cancelled and awaited. So they are when the generator is closed early.

        Args:
            workflow: Which.
            state: What the graph begins with.
            context: What its nodes work with; `context.run_id` names the run.

        Raises:
            workflows.runs.errors.WorkflowBroken: The graph cannot be built.
            workflows.runs.errors.LogUnavailable: The checkpoints cannot be read or written.
            Exception: Whatever a node raises.
        """
        ...

    async def forget(self, run_id: str) -> None:
        """Delete the checkpoints of a run that is over for good.

        Raises:
            workflows.runs.errors.LogUnavailable: They cannot be deleted.
        """
        ...

    async def remembered(self) -> Sequence[str]:
        """The ids of all runs that have checkpoints.

        Raises:
            workflows.runs.errors.LogUnavailable: The checkpoints cannot be read.
        """
        ...

    async def close(self) -> None:
        """Let go of the checkpoints' database; never raises."""
        ...
