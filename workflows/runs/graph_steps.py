"""What the execution of a graph looks like from outside, whatever library executes it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class NodePaused:
    """A node asks a person and waits; it begins anew from its top when the answer is there.

    Attributes:
        node: As in `NodeStarted`.
        task_id: As in `NodeStarted`.
        interrupt_id: Names the question among those of the graph; the next question of the same node has the same.
        value: What the node has given to the graph library's `interrupt`.
    """

    node: str
    task_id: str
    interrupt_id: str
    value: object


GraphStep: TypeAlias = NodeStarted | NodeReported | NodeFailed | NodeEnded | NodePaused | StateReached


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStanding:
    """How far a run's graph has come, as its checkpoints say.

    Attributes:
        begun: Whether there is a checkpoint at all.
        next: Names of the nodes that are done next, or are done again because they had not ended.
        finished: Nodes of the current round that have ended while others of it have not; they are not done again.
        asked: Value of every question that is open, by its `NodePaused.interrupt_id`.
    """

    begun: bool
    next: tuple[str, ...] = ()
    finished: tuple[NodeEnded, ...] = ()
    asked: Mapping[str, object] = field(default_factory=dict[str, object])


class GraphRunner(Protocol):
    """Executes graphs and remembers how far each run has come."""

    def steps(
        self, workflow: Workflow, state: Mapping[str, object], context: WorkflowContext
    ) -> AsyncGenerator[GraphStep, None]:
        """Execute a workflow's graph from its beginning, until its end or until it can only go on with an answer.

        To be consumed in an asyncio task of its own, which is cancelled once at most: nodes still running are
        then cancelled and awaited. So they are when the generator is closed early. When a `NodeEnded` comes, what
        the node has done is durable; what comes after it waits until the next step is asked for.

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

    def steps_on(
        self, workflow: Workflow, context: WorkflowContext, standing: GraphStanding, answers: Mapping[str, object]
    ) -> AsyncGenerator[GraphStep, None]:
        """Like `steps`, from where the run's checkpoints are. Nodes that have ended are not done again.

        Args:
            workflow: Which.
            context: As in `steps`.
            standing: What `standing` said; its `begun` is true.
            answers: What open questions are answered with, by `NodePaused.interrupt_id`; only those in
                `standing.asked`.
        """
        ...

    async def standing(self, workflow: Workflow, run_id: str) -> GraphStanding:
        """How far a run's graph has come.

        Raises:
            workflows.runs.errors.WorkflowBroken: The graph cannot be built.
            workflows.runs.errors.LogUnavailable: The checkpoints cannot be read.
        """
        ...

    async def fork(
        self, workflow: Workflow, source: str, stage: str, target: str, changes: Mapping[str, object], *, over: bool
    ) -> frozenset[str]:
        """Give a new run the state another run had when a stage of it had ended, for the last time.

        Args:
            workflow: Of both.
            source: The other run.
            stage: Name of a node that had ended there.
            target: The new run, without checkpoints.
            changes: Fields of the state that get another value.
            over: Whether the other run has ended, so that nothing beside the stage will be finished any more.

        Returns:
            Ids of the tasks of the other run that had ended last: the stage's, and those side by side with it.

        Raises:
            workflows.runs.errors.InputRejected: The stage has not ended in that run, or its checkpoints are gone; or
                with changes something would be left out that came next there. The new run may have checkpoints then.
            workflows.runs.errors.LogUnavailable: The checkpoints cannot be read or written.
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
