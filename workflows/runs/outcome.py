"""What a job comes to: its graph has ended or was stopped, and that is an end of the run or only of this job."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never, cast

from pydantic import BaseModel, ValidationError

from agents.errors import AgentError, TimeLimitReached
from workflows.context import WorkflowContext
from workflows.runs.chronicle import Chronicle
from workflows.runs.errors import LogUnavailable, RunError, RunTakenOver, WorkflowBroken
from workflows.runs.events import LastEvent, WorkflowCancelled, WorkflowCompleted, WorkflowError
from workflows.workflow import Workflow

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a job is to stop before its graph has ended.

    Attributes:
        kind: Cancelled by somebody, out of time, the server goes, whoever wanted it has left, the log cannot take more,
            or it was taken by another writer.
        by: Who.
        reason: Why.
    """

    kind: Literal["cancelled", "time_limit", "shutdown", "left", "log", "taken"]
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Parked:
    """The graph can only go on with a person's answer."""


@dataclass(frozen=True, slots=True)
class Paused:
    """What the run does cannot be kept for the time being.

    Attributes:
        reason: Why.
        recovery: What helps.
    """

    reason: str
    recovery: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """The run is interrupted, or another writer's: this job has nothing more to say about it."""


Outcome: TypeAlias = LastEvent | Parked | Paused | Left
"""The run's last event, or why this job has none."""
GraphTask: TypeAlias = "asyncio.Task[BaseModel | Parked]"
"""What executes a graph: it comes to the workflow's output, or parks."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Tells what a job came to.

    Attributes:
        workflow: What was run.
        context: What its nodes worked with.
        chronicle: What happened.
    """

    workflow: Workflow
    context: WorkflowContext
    chronicle: Chronicle

    def of(self, graph: GraphTask, stop: Stop | None) -> Outcome:
        """What it came to.

        A graph that had reached its end counts more than what came too late to stop it; one that only waits for a
        person has not reached it, and is not left waiting by a cancel.

        Args:
            graph: Has ended, or is given up.
            stop: Why it was stopped, if it was.
        """
        done = graph.done() and not graph.cancelled() and graph.exception() is None
        waits = done and isinstance(graph.result(), Parked)
        if stop is None or (done and not (waits and stop.kind == "cancelled")):
            return self._of_graph(graph)
        match stop.kind:
            case "cancelled":
                return WorkflowCancelled(by=stop.by, reason=stop.reason, partial=self.chronicle.partial())
            case "time_limit":
                return self._failed(TimeLimitReached("The run has used its max_seconds."))
            case "log":
                return Paused(stop.reason)
            case "shutdown" | "left" | "taken":
                return Left()
            case _:
                assert_never(stop.kind)

    def output(self) -> BaseModel:
        """The workflow's output, from the state of a graph that has ended.

        Raises:
            workflows.runs.errors.WorkflowBroken: The state lacks what the workflow promises.
        """
        model = self.workflow.output_model
        state = self.chronicle.state
        try:
            return model.model_validate({name: state[name] for name in model.model_fields if name in state})
        except ValidationError as error:
            missing = ", ".join(sorted({".".join(map(str, item["loc"])) for item in error.errors()}))
            raise WorkflowBroken(
                f"Workflow {self.workflow.name!r} ended without the output it promises: {missing}."
            ) from error

    def _of_graph(self, graph: GraphTask) -> Outcome:
        if graph.cancelled():
            return self._broken("The run's graph was cancelled by itself.")
        match graph.exception():
            case None:
                result = graph.result()
                return result if isinstance(result, Parked) else self._completed(result)
            case AgentError() as error:
                return self._failed(error, error.partial)
            case LogUnavailable(passing=True) as error:
                return Paused(error.message, error.recovery)
            case RunTakenOver():
                return Left()
            case RunError() as error:
                return self._failed(error)
            case error:
                logger.error("run %s failed", self.context.run_id, exc_info=error)
                return self._broken(
                    f"The workflow raised {type(error).__name__}: {error}",
                    "Look at the server's log for the traceback, and report it with the workflow's author",
                )

    def _completed(self, output: BaseModel) -> WorkflowCompleted:
        spent = self.context.budget.spent
        return WorkflowCompleted(
            final_response=str(cast("object", getattr(output, self.workflow.response_field))),
            result=output.model_dump(mode="json"),
            usage={
                "input_tokens": spent.input_tokens,
                "output_tokens": spent.output_tokens,
                "cost_usd": spent.cost_usd,
            },
            seconds=0.0,  # the chronicle says it: what is done until this is written down is work, too
            tool_calls=self.chronicle.tool_calls,
            steps=self.chronicle.steps,
        )

    def _failed(self, error: AgentError | RunError, partial: str = "") -> WorkflowError:
        return WorkflowError(
            kind=error.kind,
            error=error.message,
            blame=error.blame,
            recovery=error.recovery,
            partial=self.chronicle.partial(partial),
        )

    def _broken(self, what: str, *recovery: str) -> WorkflowError:
        partial = self.chronicle.partial()
        return WorkflowError(kind="internal_error", error=what, blame="server", recovery=recovery, partial=partial)
