"""Writes down one run: the only way from what happens in a graph into the log.

What agents report becomes events here; stages get their rounds and durations, the bar its value, the pulse its news,
and everything goes through `Admission` before it is appended.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import assert_never

from workflows.reports import AgentReport, ArtifactReport, Report, SupervisorReport
from workflows.runs.admission import Admission
from workflows.runs.agent_bodies import agent_body, speaker
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    Heartbeat,
    LastEvent,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolStart,
    WorkflowCompleted,
    WorkflowEvent,
)
from workflows.runs.fraction import Fraction
from workflows.runs.graph_steps import GraphStep, NodeEnded, NodeReported, NodeStarted, StateReached
from workflows.runs.log import RunWriter
from workflows.runs.message import describe
from workflows.runs.pulse import Pulse
from workflows.runs.redaction import Redactor
from workflows.workflow import Workflow


class Chronicle:
    """One run's own writer of history.

    Args:
        run_id: The run.
        workflow: What it runs.
        workspace: Directory to which paths are shown relative.
        writer: Its log.
        redactor: Masks secrets.
        clock: Seconds that only rise.
    """

    def __init__(
        self,
        run_id: str,
        workflow: Workflow,
        workspace: str,
        writer: RunWriter,
        redactor: Redactor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._writer = writer
        self._clock = clock
        self._admission = Admission(run_id, redactor, writer.save_artifact)
        self._fraction = Fraction(workflow.stages)
        self._stages = frozenset(stage.name for stage in workflow.stages)
        self._rounds: Counter[str] = Counter()
        self._running: dict[str, tuple[str, float]] = {}
        self._stage = ""
        self.pulse = Pulse(clock)
        self.state: Mapping[str, object] = {}
        self.finished: dict[str, object] = {}
        """Output of every stage that was finished, by stage."""
        self.tool_calls = 0
        self.steps = 0

    def record(self, body: EventBody) -> None:
        """Append an event.

        Raises:
            workflows.runs.errors.RunTakenOver: Another writer has the run.
            workflows.runs.errors.LogUnavailable: The log cannot be written.
        """
        body, truncated = self._admission.admit(body)
        self._count(body)
        self._writer.append(
            body,
            message=describe(body, workspace=self._workspace),
            progress=round(self._fraction.value, 2),
            truncated=truncated,
        )

    def end(self, body: LastEvent) -> None:
        """Append the run's last event."""
        if isinstance(body, WorkflowCompleted):
            self._fraction.finish()
        self.record(body)

    def waits(self, waiting_for: str, reason: str) -> None:
        """The run waits before any agent works; says so at once, and again while it is quiet."""
        self.pulse.idle(waiting_for, reason)
        self.record(Heartbeat(agent="", stage=self._stage, seconds=0, waiting_for=waiting_for, reason=reason))

    def beat(self) -> None:
        """Append a heartbeat if one is due."""
        heartbeat = self.pulse.beat(self._stage)
        if heartbeat is not None:
            self.record(heartbeat)

    async def flush(self) -> None:
        """Return when everything is durable."""
        await self._writer.flush()

    def step(self, step: GraphStep) -> None:
        """Write down a step of the graph."""
        match step:
            case NodeStarted():
                self._node_started(step)
            case NodeReported():
                self._reported(step.report)
            case NodeEnded():
                self._node_ended(step)
            case StateReached():
                self.state = step.values
            case _:
                assert_never(step)

    def _node_started(self, step: NodeStarted) -> None:
        self._rounds[step.node] += 1
        self._running[step.task_id] = (step.node, self._clock())
        if step.node in self._stages:
            self._stage = step.node
            self._fraction.stage_started(step.node)
            self.record(StageStarted(stage=step.node, round=self._rounds[step.node]))
        self.pulse.idle("start", f"{step.node} is starting")

    def _node_ended(self, step: NodeEnded) -> None:
        _, started = self._running.pop(step.task_id, (step.node, self._clock()))
        if not self._running:
            self.pulse.nobody()
        self.record(WorkflowEvent(node=step.node, state_update=step.update))
        if step.node not in self._stages:
            return
        self._fraction.stage_completed(step.node)
        self.finished[step.node] = step.update
        self.steps += 1
        self.record(
            StageCompleted(
                stage=step.node,
                round=self._rounds[step.node],
                seconds=round(self._clock() - started, 3),
                output=step.update,
            )
        )

    def _reported(self, report: Report) -> None:
        match report:
            case AgentReport(agent, said):
                self.pulse.agent_said(speaker(agent, said), said)
                self.record(agent_body(agent, said, self._stage))
            case SupervisorReport():
                self.record(
                    SupervisorEvent(
                        event_type=report.event_type,
                        reasoning=report.reasoning,
                        confidence=report.confidence,
                        next_agent=report.next_agent,
                        instructions=report.instructions,
                    )
                )
            case ArtifactReport():
                uri = self._admission.artifact(report.name, report.media_type, report.text)
                details = {"text": report.title, "artifact": report.name, "uri": uri, "media_type": report.media_type}
                self.record(AgentEvent(agent=report.agent, event_type="result", details=details))
            case _:
                assert_never(report)

    def _count(self, body: EventBody) -> None:
        if isinstance(body, Heartbeat):
            return
        self.pulse.logged()
        if isinstance(body, ToolStart):
            self.tool_calls += 1
        if not isinstance(body, TokenStream):
            self._fraction.worked()
