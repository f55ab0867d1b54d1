"""What is known of a run at a moment, folded from its events: what the live region draws. Draws nothing itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from mcp_server.wording import Standing, StandingTracker, icon
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
from workflows.runs.message import message_of
from workflows.runs.plain_text import ELLIPSIS, one_line, plain_text

_KEPT_OF_STREAM = 40_000
"""Characters of a live text that are kept, from its end, until it is finished."""


@dataclass(slots=True)
class StagePicture:
    """A stage.

    Attributes:
        name: Its name.
        title: For people.
        running: How many of it run now; a stage can run beside itself.
        completed: How often it was completed.
        rounds: How often it was started.
    """

    name: str
    title: str
    running: int = 0
    completed: int = 0
    rounds: int = 0


@dataclass(slots=True)
class AgentPicture:
    """An agent at work.

    Attributes:
        name: Who.
        stage: The stage it works in.
        icon: Kind of what it does.
        doing: What it does, on one line.
        since: When it was heard last, by the picture's clock; where it waits, since when.
        channel: Channel of its live text, empty where none comes in.
        text: Its live text so far, as it came.
        calls: Its open tool calls: label and since when, by call.
    """

    name: str
    stage: str
    icon: str = "⏳"
    doing: str = "starting"
    since: float = 0.0
    channel: str = ""
    text: str = ""
    calls: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])


@dataclass(frozen=True, slots=True)
class FinishedText:
    """A live text that has come to its end.

    Attributes:
        agent: Whose.
        channel: `text` or `thinking`.
        text: All of it, harmless.
    """

    agent: str
    channel: str
    text: str


class RunPicture:
    """A run at a moment.

    Args:
        clock: Seconds that only rise.
        workspace: The run's directory; paths below it are shown relative to it.
    """

    def __init__(self, clock: Callable[[], float], workspace: str = "") -> None:
        self._clock = clock
        self._tracker = StandingTracker(workspace)
        self._began: datetime | None = None
        self._last_seconds = 0.0
        self.last_at = clock()
        self.standing = Standing()
        self.progress = 0.0
        self.stages: dict[str, StagePicture] = {}
        self.agents: dict[str, AgentPicture] = {}
        self.input_tokens = 0
        self.output_tokens = 0
        self.tool_calls = 0
        self.waiting = ""
        self.ended = False

    @property
    def elapsed(self) -> float:
        """Seconds since the run began: up to its newest event by the events' own times, from then on by the clock."""
        return self._last_seconds + (0.0 if self.ended else self.quiet)

    @property
    def quiet(self) -> float:
        """Seconds since the newest event came in."""
        return max(0.0, self._clock() - self.last_at)

    @property
    def streaming(self) -> AgentPicture | None:
        """The agent whose live text came in last."""
        return next((agent for agent in reversed(self.agents.values()) if agent.channel), None)

    def take(self, event: RunEvent) -> Sequence[FinishedText]:
        """Take in an event.

        Returns:
            Live texts that ended with it.
        """
        now = datetime.fromisoformat(event.time)
        self._began = self._began or now
        self._last_seconds = (now - self._began).total_seconds()
        self.last_at = self._clock()
        self.standing = self._tracker.take(event)
        self.progress = event.progress
        self.waiting = ""
        return self._fold(event.body)

    def stage_title(self, name: str) -> str:
        """A stage's title for people."""
        stage = self.stages.get(name)
        return stage.title if stage else name

    def _fold(self, body: EventBody) -> Sequence[FinishedText]:
        match body:
            case WorkflowStarted():
                self.stages = {stage.name: StagePicture(stage.name, stage.title) for stage in body.stages}
            case StageStarted():
                stage = self.stages.setdefault(body.stage, StagePicture(body.stage, body.stage))
                stage.running += 1
                stage.rounds = max(stage.rounds, body.round)
            case StageCompleted():
                return self._stage_ends(body)
            case SupervisorEvent():
                return self._ended_texts("supervisor")
            case AgentEvent() | ReasoningStepTaken() | ToolStart() | ToolEnd():
                return self._agent_did(body)
            case TokenStream():
                return self._agent_streams(body)
            case UsageRecorded():
                self.input_tokens += body.input_tokens
                self.output_tokens += body.output_tokens
            case Heartbeat():
                self._agent_waits(body)
            case WorkflowEvent():
                return self._node_ends(body)
            case GateOpened():
                self.waiting = f"waiting for an answer: {one_line(body.question, 200)}"
            case GateAnswered():
                pass
            case WorkflowResumed():
                return self._nobody_works()
            case WorkflowCompleted() | WorkflowError() | WorkflowCancelled():
                self.ended = True
                return self._nobody_works()
            case _:
                assert_never(body)
        return ()

    def _agent(self, name: str) -> AgentPicture:
        agent = self.agents.pop(name, None) or AgentPicture(name, self._stage_of(name))
        self.agents[name] = agent  # at the end: whoever was heard last
        return agent

    def _stage_of(self, agent: str) -> str:
        running = [stage.name for stage in self.stages.values() if stage.running]
        role = _role(agent)
        return role if role in running else (running[-1] if running else "")

    def _does(self, agent: AgentPicture, body: EventBody) -> None:
        agent.icon, agent.since = icon(body), self.last_at
        agent.doing = message_of(body, workspace=self.standing.workspace, call=self.standing.context).what

    def _agent_did(self, body: AgentEvent | ReasoningStepTaken | ToolStart | ToolEnd) -> Sequence[FinishedText]:
        finished = self._ended_texts(body.agent)
        if isinstance(body, AgentEvent) and "withdrawn_characters" in body.details:
            finished = ()  # the text is void
        agent = self._agent(body.agent)
        self._does(agent, body)
        if isinstance(body, ToolStart):
            self.tool_calls += 1
            agent.calls[body.call_id] = (agent.doing, self.last_at)
        if isinstance(body, ToolEnd):
            self._call_ends(agent, body)
        return finished

    def _call_ends(self, agent: AgentPicture, body: ToolEnd) -> None:
        agent.calls.pop(body.call_id, None)
        if agent.calls:
            agent.icon = "🔧"
            agent.doing, agent.since = list(agent.calls.values())[-1]
        elif body.tool in {"Agent", "Task"}:
            self._forget(lambda other: other.name.startswith(f"{body.agent} ▸ "))

    def _agent_streams(self, body: TokenStream) -> Sequence[FinishedText]:
        known = self.agents.get(body.agent)
        finished = self._ended_texts(body.agent) if known and known.channel not in ("", body.channel) else ()
        agent = self._agent(body.agent)
        agent.icon, agent.since = icon(body), self.last_at
        agent.doing = "is thinking" if body.channel == "thinking" else "is writing"
        agent.channel = body.channel
        agent.text += body.text
        if len(agent.text) > _KEPT_OF_STREAM:
            agent.text = ELLIPSIS + agent.text[-_KEPT_OF_STREAM // 2 :]
        return finished

    def _agent_waits(self, body: Heartbeat) -> None:
        reason = message_of(body).what
        if not body.agent:
            self.waiting = reason
            return
        agent = self._agent(body.agent)
        agent.since = self.last_at - body.seconds
        if body.waiting_for != "tool" or not agent.calls:  # an open call says more than "a tool is running"
            agent.icon, agent.doing = icon(body), reason

    def _nobody_works(self) -> list[FinishedText]:
        finished = [text for name in list(self.agents) for text in self._ended_texts(name)]
        for stage in self.stages.values():
            stage.running = 0
        return finished

    def _stage_ends(self, body: StageCompleted) -> Sequence[FinishedText]:
        stage = self.stages.setdefault(body.stage, StagePicture(body.stage, body.stage))
        stage.running = max(0, stage.running - 1)
        stage.completed += 1
        if stage.running:
            return ()
        return self._forget(lambda agent: agent.stage == body.stage)

    def _node_ends(self, body: WorkflowEvent) -> Sequence[FinishedText]:
        """A node that is no stage, for example a supervisor between two stages, has no other end."""
        if body.node in self.stages:
            return ()
        return self._forget(lambda agent: _role(agent.name) == body.node)

    def _forget(self, leaves: Callable[[AgentPicture], bool]) -> Sequence[FinishedText]:
        finished = [text for name, agent in self.agents.items() if leaves(agent) for text in self._ended_texts(name)]
        self.agents = {name: agent for name, agent in self.agents.items() if not leaves(agent)}
        return finished

    def _ended_texts(self, name: str) -> Sequence[FinishedText]:
        agent = self.agents.get(name)
        if agent is None or not agent.channel:
            return ()
        finished = FinishedText(name, agent.channel, plain_text(agent.text).strip())
        agent.channel, agent.text = "", ""
        return (finished,) if finished.text else ()


def _role(agent: str) -> str:
    """The role of an agent, also of one below it: `codesmith` of `codesmith ▸ explore`."""
    return agent.partition(" ▸ ")[0]
