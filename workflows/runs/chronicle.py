"""Writes down one run: the only way from what happens in a graph into the log.

What agents report becomes events here; stages get their rounds and durations, the bar its value, the pulse its news,
and everything goes through `LiveText` and `Admission` before it is appended.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from workflows.reports import AgentReport, ArtifactReport, Report, SupervisorReport
from workflows.runs.admission import Admission
from workflows.runs.agent_bodies import agent_body, speaker
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    GateOpened,
    Heartbeat,
    LastEvent,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolStart,
    WorkflowCompleted,
    WorkflowEvent,
    WorkflowResumed,
)
from workflows.runs.fraction import Fraction
from workflows.runs.gate_request import GateRequest
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
from workflows.runs.history import History
from workflows.runs.live_text import LiveText
from workflows.runs.log import RunWriter
from workflows.runs.message import describe
from workflows.runs.pulse import Pulse
from workflows.runs.redaction import Redactor
from workflows.runs.timestamps import utc_now
from workflows.runs.usual_course import Usual
from workflows.workflow import Workflow


@dataclass(slots=True)
class _Round:
    """A round of a node: one execution of it, or several side by side.

    Attributes:
        number: 1, 2, 3 ...
        started: For how many seconds the run had been at work when the first of them began.
        running: Ids of those that have not ended.
        outputs: Of those that have.
    """

    number: int
    started: float
    running: set[str] = field(default_factory=set[str])
    outputs: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])

    @property
    def output(self) -> Mapping[str, object]:
        return self.outputs[0] if len(self.outputs) == 1 else {"branches": self.outputs}


HELD_BACK_SECONDS = 0.5
"""How long the last word of live text waits for its end, so that a secret in pieces is recognised; then it is told."""


class Chronicle:
    """One run's own writer of history.

    Args:
        run_id: The run.
        workflow: What it runs.
        workspace: Directory to which paths are shown relative.
        writer: Its log.
        redactor: Masks secrets.
        clock: Seconds that only rise.
        history: What the run had come to, where it goes on.
    """

    def __init__(
        self,
        run_id: str,
        workflow: Workflow,
        workspace: str,
        writer: RunWriter,
        redactor: Redactor,
        clock: Callable[[], float] = time.monotonic,
        history: History | None = None,
    ) -> None:
        self._workspace = workspace
        self._writer = writer
        self._clock = clock
        self._fraction = Fraction(workflow.stages, clock=clock)
        self._stages = frozenset(stage.name for stage in workflow.stages)
        self._live = LiveText(redactor)
        self._history = history = history or History()
        self._time = replace(history.time)
        self._admission = Admission(run_id, redactor, writer.save_artifact, history.made)
        self._rounds = Counter(history.rounds)
        self._running: dict[str, _Round] = {}
        self._finished = dict(history.finished)
        self._fraction.go_on(history.progress, history.finished)
        self._failed = ""
        self._stage = ""
        self._streamed = clock()
        self.pulse = Pulse(clock)
        self._gates = history.gates
        self.state: Mapping[str, object] = {}
        self.tool_calls = history.tool_calls
        self.steps = history.steps
        self.parked = False
        """Whether a node has asked a person, so that the graph can only go on with an answer."""

    def record(self, body: EventBody) -> None:
        """Append an event.

        Raises:
            workflows.runs.errors.RunTakenOver: Another writer has the run.
            workflows.runs.errors.LogUnavailable: The log cannot be written.
        """
        if isinstance(body, TokenStream):
            self._streamed = self._clock()
        self._append(self._live.said(body))

    def _append(self, bodies: Iterable[EventBody]) -> None:
        for said in bodies:
            body, truncated = self._admission.admit(said)
            self._count(body)
            event = self._writer.append(
                body,
                message=describe(body, workspace=self._workspace),
                progress=round(self._fraction.value, 2),
                truncated=truncated,
            )
            self._time.take(event)

    def learn(self, usual: Usual) -> None:
        """Take from finished runs what is usual; the bar goes by it from the next stage on."""
        self._fraction.learn(usual)

    def next_gate(self) -> int:
        """The number of the next question: 1, 2, 3 ..."""
        self._gates += 1
        return self._gates

    def resume(self, standing: GraphStanding) -> None:
        """Write down that the run goes on where its process was lost.

        What had ended and is not in the log, because the process died in between, is written down first.
        """
        for stage in [*self._history.open]:
            if stage not in standing.next:
                self._complete_late(stage, standing)
        self.record(WorkflowResumed(after=self._history.stands, next=standing.next))

    def go_on(self) -> None:
        """Take the stages that were open when the run was parked as still open."""
        for stage, opened in self._history.open.items():
            self._running[stage] = _Round(opened.round, opened.started, outputs=list(opened.outputs))
            self._rounds[stage] = opened.round

    def _complete_late(self, stage: str, standing: GraphStanding) -> None:
        opened = self._history.open.pop(stage)
        done = _Round(opened.round, opened.started, outputs=list(opened.outputs))
        ended = [node for node in standing.finished if node.node == stage]
        for node in ended[len(done.outputs) :]:
            done.outputs.append(node.update)
            self.record(WorkflowEvent(node=stage, state_update=node.update))
        self._stage_completed(stage, done)

    def end(self, body: LastEvent) -> None:
        """Append the run's last event, with how long the run was at work until then, as its row will say it."""
        if isinstance(body, WorkflowCompleted):
            self._fraction.finish()
            body = replace(body, seconds=round(self._at_work(), 3))
        self.record(body)

    def partial(self, unfinished: str = "") -> dict[str, object]:
        """Output of every stage that was finished, by stage.

        Args:
            unfinished: What the agent of a failed stage had said; kept as `unfinished` under the stage's name.
        """
        partial: dict[str, object] = dict(self._finished)
        if unfinished:
            stage = self._failed or self._stage
            partial[stage] = {**self._finished.get(stage, {}), "unfinished": unfinished}
        return partial

    def waits(self, waiting_for: str, reason: str) -> None:
        """The run waits before any agent works; says so at once, and again while it is quiet."""
        self.pulse.idle(waiting_for, reason)
        self.record(Heartbeat(agent="", stage=self._stage, seconds=0, waiting_for=waiting_for, reason=reason))

    def beat(self) -> None:
        """Append what has been held back of live text for a while, and a heartbeat if one is due."""
        if self._clock() - self._streamed >= HELD_BACK_SECONDS:
            self._append(self._live.flushed())
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
            case NodeFailed():
                self._failed = step.node
            case NodeEnded():
                self._node_ended(step)
            case NodePaused():
                self._node_paused(step)
            case StateReached():
                self.state = step.values
            case _:
                assert_never(step)

    def _at_work(self) -> float:
        """For how many seconds the run has been at work by now."""
        return self._time.until(utc_now())

    def _node_started(self, step: NodeStarted) -> None:
        current = self._running.get(step.node)
        if current is not None:  # one more of those that run side by side
            current.running.add(step.task_id)
            return
        self._rounds[step.node] += 1
        number = self._rounds[step.node]
        opened = self._history.open.pop(step.node, None)  # a round that is done again keeps what of it had ended
        outputs = list(opened.outputs) if opened is not None else []
        self._running[step.node] = _Round(number, self._at_work(), {step.task_id}, outputs)
        if step.node in self._stages:
            self._stage = step.node
            self._fraction.stage_started(step.node)
            self.record(StageStarted(stage=step.node, round=number))
        self.pulse.idle("work", f"{step.node} is at work")

    def _node_ended(self, step: NodeEnded) -> None:
        current = self._running.setdefault(step.node, _Round(1, self._at_work()))
        current.running.discard(step.task_id)
        current.outputs.append(step.update)
        if not current.running:
            del self._running[step.node]
        if not self._running:
            self.pulse.nobody()
            self._append(self._live.flushed())
        self.record(WorkflowEvent(node=step.node, state_update=step.update))
        if step.node in self._stages and not current.running:
            self._stage_completed(step.node, current)

    def _node_paused(self, step: NodePaused) -> None:
        self.parked = True
        asked = [gate_id for gate_id in self._history.asked if gate_id.endswith(f"-{step.interrupt_id}")]
        request = GateRequest.of(step.value)
        expires = ""
        if request.max_seconds is not None:
            expires = (datetime.now(UTC) + timedelta(seconds=request.max_seconds)).isoformat(timespec="milliseconds")
        self.record(
            GateOpened(
                gate_id=asked[-1] if asked else f"{self.next_gate()}-{step.interrupt_id}",
                question=request.question,
                schema=request.schema,
                expires_at=self._history.asked[asked[-1]].expires_at if asked else expires,
            )
        )

    def _stage_completed(self, stage: str, done: _Round) -> None:
        self._fraction.stage_completed(stage)
        self._finished[stage] = done.output
        self.steps += 1
        seconds = round(max(0.0, self._at_work() - done.started), 3)
        self.record(StageCompleted(stage=stage, round=done.number, seconds=seconds, output=done.output))

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
                name, uri = self._admission.artifact(report.name, report.media_type, report.text)
                details = {"text": report.title, "artifact": name, "uri": uri, "media_type": report.media_type}
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
