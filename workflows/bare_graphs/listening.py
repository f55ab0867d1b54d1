"""What is asked of LangGraph for one run, besides what every run needs, and what is made of the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from langchain_core.callbacks import BaseCallbackHandler

from workflows.bare_graphs.meter import Meter
from workflows.bare_graphs.narrator import MODES, Narrator
from workflows.bare_graphs.state_fields import LangGraph
from workflows.context import WorkflowContext
from workflows.reports import AgentReport
from workflows.workflow import Workflow

StreamModes: TypeAlias = Sequence[str]


@dataclass(frozen=True, slots=True)
class Listening:
    """How one run of a graph is listened to.

    Attributes:
        context: What its nodes get as their context; of a bare graph, its own with nothing but its defaults.
        modes: What LangGraph is to stream besides.
        callbacks: Who else listens to LangChain.
    """

    context: object
    modes: StreamModes = ()
    callbacks: Sequence[BaseCallbackHandler] = ()
    _meter: Meter | None = None
    _narrator: Narrator | None = None

    @classmethod
    def to(cls, workflow: Workflow, graph: LangGraph, context: WorkflowContext) -> "Listening":
        """How a workflow's graph is listened to: one that was written for this program tells everything by itself."""
        if not workflow.bare:
            return cls(context)
        meter, narrator = Meter(context.budget, context.untold), Narrator(workflow.name)
        defaults: Mapping[str, object] | None = None if graph.context_schema is None else {}
        return cls(defaults, MODES, meter.callbacks, meter, narrator)

    def heard(self, part: Mapping[str, Any]) -> Sequence[AgentReport]:
        """What there is to tell with a part of the stream."""
        if self._meter is None or self._narrator is None:
            return ()
        return (*self._meter.reports(), *self._narrator.told(part))

    def close(self) -> None:
        """The graph is over, however it ended; what is then still to be told is in `WorkflowContext.untold`."""
        if self._meter is not None:
            self._meter.close()
