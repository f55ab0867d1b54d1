"""The one line a client shows while a run works, for example `codesmith 🔧 Edit src/parser.py · 3/5 · $0.12`.

Each line stands alone, because clients show only the newest: who first, then what, then how far the run is and what it
has cost. What an event does not say itself (the stage, the cost, the call that a result belongs to, the text before a
token) is folded from the events before it by `StandingTracker`.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from workflows.runs.events import (
    AgentEvent,
    EventBody,
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
from workflows.runs.message import cost, message_of
from workflows.runs.plain_text import ending, one_line, shorten
from workflows.runs.run import Run
from workflows.runs.tool_label import tool_label

LONGEST_LINE = 160
"""Characters of a line; clients cut at about 200."""
_LIVE_CHARACTERS = 80
"""How much of a live text a line shows: its end."""
_KEPT_OF_LIVE_TEXT = 400
_KEPT_STREAMS = 64
_KEPT_CALLS = 256
"""Bounds on what is remembered: a call that was cut off never ends, and sub-agents come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands at one of its events.

    Attributes:
        run_id: The run.
        workflow: Its workflow's name.
        stage_number: Place of the current stage among the workflow's stages, from 1; 0 where none is current.
        stage_count: How many stages the workflow has.
        round: How often the current stage has been started.
        cost_usd: US dollars so far; None where a part of it is unknown.
        offline: Whether scripted agents stand in for models.
        workspace: Directory to which paths are shown relative; empty for none.
        context: What the event belongs to: for the end of a tool call the call's label, for a piece of live text the
            end of the text so far; otherwise empty.
    """

    run_id: str = ""
    workflow: str = ""
    stage_number: int = 0
    stage_count: int = 0
    round: int = 1
    cost_usd: float | None = 0.0
    offline: bool = False
    workspace: str = ""
    context: str = ""

    @property
    def tail(self) -> str:
        """The end of every line, which is never cut: ` · 3/5 round 2 · $0.12`; empty where nothing is known yet."""
        parts: list[str] = []
        if self.stage_number:
            again = f" round {self.round}" if self.round > 1 else ""
            parts.append(f"{self.stage_number}/{self.stage_count}{again}")
        if self.offline:
            parts.append("offline")
        elif self.cost_usd:
            parts.append(cost(self.cost_usd))
        return "".join(f" · {part}" for part in parts)


def progress_line(event: RunEvent, standing: Standing) -> str:
    """The line for an event: at most 160 characters, no line break, nothing a terminal would obey.

    Args:
        event: What happened.
        standing: What `StandingTracker.take` returned for this event.
    """
    body = event.body
    message = message_of(body, workspace=standing.workspace, call=standing.context)
    who = message.who or one_line(standing.workflow, 40) or "workflow"
    what, closing = message.what, message.closing
    if isinstance(body, TokenStream) and standing.context:
        what = standing.context
    if isinstance(body, WorkflowStarted):
        what = f"run {one_line(event.run_id, 40)} {what}"
    if isinstance(body, StageStarted | StageCompleted) and standing.stage_number and standing.round == body.round:
        closing = ""  # the tail says the round
    head, closing = f"{who} {icon(body)} ", closing + standing.tail
    return f"{head}{shorten(what, LONGEST_LINE - len(head) - len(closing))}{closing}"


def icon(body: EventBody) -> str:
    """The icon that says which kind of event this is."""
    match body:
        case WorkflowStarted() | WorkflowResumed() | StageStarted() | WorkflowEvent() | UsageRecorded():
            return "⚙️"
        case GateOpened():
            return "⏸"
        case GateAnswered():
            return "✅" if body.outcome == "accepted" else "❌"
        case StageCompleted() | WorkflowCompleted():
            return "✅"
        case SupervisorEvent():
            return "🧠" if body.event_type == "analysis" else "🎯"
        case AgentEvent():
            return {"think": "🧠", "progress": "⚙️", "decision": "🎯", "result": "✅"}[body.event_type]
        case ReasoningStepTaken():
            return "🧠"
        case TokenStream():
            return "🧠" if body.channel == "thinking" else "💬"
        case ToolStart():
            return "🔧"
        case ToolEnd():
            return "✅" if body.ok else "❌"
        case Heartbeat():
            return "⏸" if body.waiting_for == "person" else "⏳"
        case WorkflowError() | WorkflowCancelled():
            return "❌"
        case _:
            assert_never(body)


class StandingTracker:
    """Folds a run's events, from the first one on, into where it stands.

    Args:
        workspace: The run's directory; paths below it are shown relative to it.
    """

    def __init__(self, workspace: str = "") -> None:
        self._standing = Standing(workspace=workspace)
        self._stages: list[str] = []
        self._paid_until = 0
        """Up to this event the cost is known already."""
        self._calls = OrderedDict[tuple[str, str], str]()
        self._streams = OrderedDict[tuple[str, str], str]()

    @classmethod
    def at(cls, run: Run, stages: Sequence[str], workspace: str = "") -> "StandingTracker":
        """One that begins in the middle of a run's events, for a run whose row is later than they are.

        What the events after that add to the cost is in the row already; so they must not be added once more.

        Args:
            run: The run.
            stages: Names of its workflow's stages.
            workspace: As in the class.
        """
        tracker = cls(workspace or run.workspace)
        tracker._stages = list(stages)
        tracker._paid_until = run.last_seq
        tracker._standing = replace(
            tracker._standing,
            workflow=run.workflow,
            stage_count=len(stages),
            stage_number=stages.index(run.stage) + 1 if run.stage in stages else 0,
            cost_usd=run.usage.cost_usd,
            offline=run.offline,
        )
        return tracker

    def take(self, event: RunEvent) -> Standing:
        """Where the run stands at this event; to be called once for every event, in order."""
        paid = event.seq <= self._paid_until and isinstance(event.body, UsageRecorded)
        context = "" if paid else self._fold(event.body)
        if self._standing.run_id != event.run_id:
            self._standing = replace(self._standing, run_id=event.run_id)
        return replace(self._standing, context=context) if context else self._standing

    def _fold(self, body: EventBody) -> str:
        match body:
            case WorkflowStarted():
                self._stages = [stage.name for stage in body.stages]
                self._standing = replace(
                    self._standing, workflow=body.workflow, stage_count=len(self._stages), offline=body.offline
                )
            case StageStarted() | StageCompleted():
                self._at_stage(body)
            case TokenStream():
                return self._stream_on(body)
            case ToolStart():
                self._streams_end(body.agent)
                self._call_begins(body)
            case ToolEnd():
                self._streams_end(body.agent)
                return self._calls.pop((body.agent, body.call_id), "")
            case AgentEvent() | ReasoningStepTaken():
                self._streams_end(body.agent)
            case UsageRecorded():
                self._charge(body.cost_usd)
            case WorkflowCompleted():
                self._standing = replace(self._standing, stage_number=0, round=1)
            case WorkflowResumed():
                self._calls.clear()
                self._streams.clear()
            case (
                SupervisorEvent()
                | WorkflowEvent()
                | Heartbeat()
                | GateOpened()
                | GateAnswered()
                | WorkflowError()
                | WorkflowCancelled()
            ):
                pass
            case _:
                assert_never(body)
        return ""

    def _at_stage(self, body: StageStarted | StageCompleted) -> None:
        if body.stage in self._stages:
            number = self._stages.index(body.stage) + 1
            self._standing = replace(self._standing, stage_number=number, round=body.round)

    def _charge(self, cost_usd: float | None) -> None:
        spent = self._standing.cost_usd
        known = spent is not None and cost_usd is not None
        self._standing = replace(self._standing, cost_usd=(spent or 0.0) + (cost_usd or 0.0) if known else None)

    def _call_begins(self, body: ToolStart) -> None:
        label = tool_label(body.tool, body.input, self._standing.workspace)
        self._calls[body.agent, body.call_id] = label
        while len(self._calls) > _KEPT_CALLS:
            self._calls.popitem(last=False)

    def _stream_on(self, body: TokenStream) -> str:
        other = "text" if body.channel == "thinking" else "thinking"
        self._streams.pop((body.agent, other), None)
        text = (self._streams.pop((body.agent, body.channel), "") + body.text)[-_KEPT_OF_LIVE_TEXT:]
        self._streams[body.agent, body.channel] = text
        while len(self._streams) > _KEPT_STREAMS:
            self._streams.popitem(last=False)
        return ending(text, _LIVE_CHARACTERS)

    def _streams_end(self, agent: str) -> None:
        self._streams.pop((agent, "text"), None)
        self._streams.pop((agent, "thinking"), None)
