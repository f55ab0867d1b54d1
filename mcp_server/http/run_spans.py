"""Runs as OpenTelemetry spans: run, stage, agent, model call, tool.

They are made of the runs' events and hold names, times and counts, never what was asked, said or done. Names follow
OpenTelemetry's semantic conventions for generative AI as far as these go.

All spans of a run are in one trace, whose id follows from the run's: a run that goes on in another process, or that was
parked until somebody answered, has one span `invoke_workflow` for each stretch of work.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from mcp_server.http.agent_span import OWN, AgentSpan
from workflows.runs.events import (
    AgentEvent,
    GateAnswered,
    GateOpened,
    Heartbeat,
    ReasoningStepTaken,
    RunEvent,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowError,
    WorkflowEvent,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.history import INSTRUCTION
from workflows.runs.run import Run

NOBODY = "workflow"
"""Under this name a workflow speaks for itself; it is no agent."""
_BELOW = " ▸ "
"""Stands between an agent and its sub-agent."""


class RunIds(RandomIdGenerator):
    """Gives a run's trace the id that follows from the run's."""

    run_id = ""
    """Whose trace is begun next."""

    def generate_trace_id(self) -> int:
        """As in the base class."""
        return trace_id_of(self.run_id)


def trace_id_of(run_id: str) -> int:
    """The id of a run's trace."""
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:16])


@dataclass(slots=True, eq=False)
class _Stretch:
    """A run while one process works on it.

    Attributes:
        span: Its own.
        stages: Those that are open, in the order of their starts.
        agents: Those at work, by stage and name; the stage is empty where none is open.
        worked: Whether anything of it was done.
    """

    span: Span
    stages: dict[str, Span] = field(default_factory=dict[str, Span])
    agents: dict[tuple[str, str], AgentSpan] = field(default_factory=dict[tuple[str, str], AgentSpan])
    worked: bool = False


class RunSpans:
    """Makes the spans of this process's runs.

    Args:
        tracer: Makes spans, with `ids`.
        ids: Is told whose trace begins.
        clock: Nanoseconds since 1970.
    """

    def __init__(self, tracer: Tracer, ids: RunIds, clock: Callable[[], int] = time.time_ns) -> None:
        self._tracer = tracer
        self._ids = ids
        self._clock = clock
        self._stretches: dict[str, _Stretch] = {}

    def observe(self, run: Run, event: RunEvent) -> None:
        """Take an event of a run at the moment it is appended."""
        now = self._clock()
        stretch = self._stretches.get(run.run_id)
        if stretch is not None and stretch.worked and isinstance(event.body, WorkflowResumed):
            self._end(run.run_id, "paused")
            stretch = None
        if stretch is None:
            stretch = self._stretches[run.run_id] = self._begun(run, now)
        self._take(run.run_id, stretch, event, now)

    def close(self) -> None:
        """End everything: this process works on nothing any more."""
        for run_id in tuple(self._stretches):
            self._end(run_id, "interrupted")

    def _take(self, run_id: str, stretch: _Stretch, event: RunEvent, now: int) -> None:
        match event.body:
            case StageStarted(stage=stage, round=number):
                _end_agents(stretch, "")
                attributes = {f"{OWN}stage": stage, f"{OWN}round": number}
                context = set_span_in_context(stretch.span)
                span = self._tracer.start_span(f"stage {stage}", context, attributes=attributes, start_time=now)
                stretch.stages[stage] = span
                stretch.worked = True
            case StageCompleted(stage=stage):
                _end_agents(stretch, stage)
                if (span := stretch.stages.pop(stage, None)) is not None:
                    span.end(now)
            case GateOpened(parked=parked):
                stretch.span.add_event("gate_opened", timestamp=now)
                if parked:  # this process may let go of the run any moment, and nobody says when
                    self._end(run_id, "waiting", now)
            case GateAnswered(outcome=outcome):
                stretch.span.add_event("gate_answered", {f"{OWN}outcome": outcome}, now)
            case WorkflowCompleted():
                stretch.span.set_status(StatusCode.OK)
                self._end(run_id, "completed", now)
            case WorkflowError(kind=kind):
                stretch.span.set_attribute("error.type", kind)
                stretch.span.set_status(StatusCode.ERROR)
                self._end(run_id, "failed", now)
            case WorkflowCancelled():
                self._end(run_id, "cancelled", now)
            case WorkflowStarted() | WorkflowResumed() | WorkflowEvent() | SupervisorEvent():
                pass
            case AgentEvent() | ReasoningStepTaken() | TokenStream() | Heartbeat() | ToolStart() | ToolEnd():
                self._agent_said(stretch, event.body, now)
            case UsageRecorded():
                self._agent_said(stretch, event.body, now)
            case _:
                assert_never(event.body)

    def _agent_said(
        self,
        stretch: _Stretch,
        body: AgentEvent | ReasoningStepTaken | TokenStream | Heartbeat | ToolStart | ToolEnd | UsageRecorded,
        now: int,
    ) -> None:
        if body.agent in {"", NOBODY} or (isinstance(body, AgentEvent) and INSTRUCTION in body.details):
            return
        agent = self._agent(stretch, body.agent, now)
        match body:
            case ToolStart():
                agent.tool_started(now, body)
            case ToolEnd():
                agent.tool_ended(now, body)
            case UsageRecorded():
                agent.charged(now, body)
            case Heartbeat(waiting_for="model", seconds=seconds):
                agent.waits_for_model(now, seconds)
            case TokenStream() | ReasoningStepTaken() | AgentEvent(event_type="think"):
                agent.model_said(now)
            case AgentEvent() | Heartbeat():
                agent.said(now)
            case _:
                assert_never(body)

    def _agent(self, stretch: _Stretch, name: str, now: int) -> AgentSpan:
        """The span of an agent in the stage it works in: the one that began last, as in the log."""
        stage = next(reversed(stretch.stages), "")
        for (known_stage, known_name), known in stretch.agents.items():
            if known_name == name and (known_stage == stage or known_stage in stretch.stages):
                return known
        above, separator, _ = name.rpartition(_BELOW)
        parent = self._agent(stretch, above, now).span if separator else stretch.stages.get(stage, stretch.span)
        span = self._tracer.start_span(
            f"invoke_agent {name}",
            set_span_in_context(parent),
            attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name},
            start_time=now,
        )
        stretch.worked = True
        made = stretch.agents[stage, name] = AgentSpan(self._tracer, span, now)
        return made

    def _begun(self, run: Run, now: int) -> _Stretch:
        self._ids.run_id = run.run_id
        return _Stretch(
            self._tracer.start_span(
                f"invoke_workflow {run.workflow}",
                kind=SpanKind.INTERNAL,
                attributes={
                    "gen_ai.operation.name": "invoke_workflow",
                    f"{OWN}run_id": run.run_id,
                    f"{OWN}workflow": run.workflow,
                    f"{OWN}offline": run.offline,
                },
                start_time=now,
            )
        )

    def _end(self, run_id: str, how: str, now: int | None = None) -> None:
        stretch = self._stretches.pop(run_id)
        end = now or max([self._clock(), *(agent.last for agent in stretch.agents.values())])
        for stage in ("", *stretch.stages):
            _end_agents(stretch, stage)
        for span in stretch.stages.values():
            span.end(end)
        stretch.span.set_attribute(f"{OWN}status", how)
        stretch.span.end(end)


def _end_agents(stretch: _Stretch, stage: str) -> None:
    for key in [key for key in reversed(stretch.agents) if key[0] == stage]:
        stretch.agents.pop(key).end()
