"""What a run had come to, as its log says: read when the run goes on in another process, or ends without one."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from agents.agent import Usage
from workflows.runs.admission import made_before
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
from workflows.runs.log import EventLog
from workflows.runs.run import GateReply
from workflows.runs.time_at_work import TimeAtWork

INSTRUCTION = "instruction"
"""Detail of the event that keeps an instruction a person has added to the run."""
_PAGE = 1000
_FORK_SAYS_SO = 2
"""Number of the event that says what a run was forked from."""


@dataclass(slots=True)
class OpenStage:
    """A stage that had begun and not ended.

    Attributes:
        round: Its round.
        after: Number of the event before its beginning.
        started: For how many seconds the run had been at work when it began.
        outputs: Of those of its nodes that had ended.
    """

    round: int
    after: int
    started: float
    outputs: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])


@dataclass(slots=True)
class History:
    """A fold over a run's log.

    Attributes:
        rounds: How often each stage was completed.
        finished: Output of every stage that was completed, of its newest round.
        open: Stages that had begun and not ended.
        progress: The bar's value.
        tool_calls: Tool calls begun.
        steps: Stages completed, rounds counted.
        usage: What was used.
        at_work: Agents that have asked their models for something since it was last told what they used.
        time: How long the run was at work.
        resumptions: How often it was resumed since a stage was last completed.
        gates: How many questions were asked.
        asked: Questions that are open, by id.
        replies: What questions were settled with, by id.
        instructions: What people have added, oldest first.
        conversations: Session ids of agents' conversations that could be gone on with, by agent.
        made: Digests of the artifacts that its agents have made, by name.
        last_seq: Number of the newest event.
    """

    rounds: Counter[str] = field(default_factory=Counter[str])
    finished: dict[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])
    open: dict[str, OpenStage] = field(default_factory=dict[str, OpenStage])
    progress: float = 0.0
    tool_calls: int = 0
    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    at_work: set[str] = field(default_factory=set[str])
    time: TimeAtWork = field(default_factory=TimeAtWork)
    resumptions: int = 0
    gates: int = 0
    asked: dict[str, GateOpened] = field(default_factory=dict[str, GateOpened])
    replies: dict[str, GateReply] = field(default_factory=dict[str, GateReply])
    instructions: list[str] = field(default_factory=list[str])
    conversations: dict[str, str] = field(default_factory=dict[str, str])
    made: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    last_seq: int = 0
    _opened: set[str] = field(default_factory=set[str])
    """Agents with a conversation of their own: what they used is told at the end of a turn, of which tools are part."""
    _settled: set[str] = field(default_factory=set[str])
    """Other agents that have told what they used, and have not been heard to ask their model again."""
    _offline: bool = False
    _stands: int = 0

    @classmethod
    async def read(cls, log: EventLog, run_id: str) -> "History":
        """Read a run's whole log, and what it has made; a fork has what it was forked from as if it had done it.

        Raises:
            workflows.runs.errors.LogUnavailable: It cannot be read.
        """
        history = cls()
        async for _, so_far in cls._growing(log, run_id):
            history = so_far
        history.made = await made_before(log, run_id)
        return history

    @classmethod
    async def forked(cls, log: EventLog, run_id: str, stage: str, by: datetime | None = None) -> "History":
        """What a run begins with that goes on from where another one had finished a stage, and those beside it.

        Args:
            log: Where both are kept.
            run_id: The other one; where its log is gone, nothing is known.
            stage: Of which the last end counts.
            by: When the run was forked; None for now.

        Raises:
            workflows.runs.errors.LogUnavailable: It cannot be read.
        """
        begins, awaited = cls(), set[str]()
        async with aclosing(cls._growing(log, run_id)) as growing:
            async for event, so_far in growing:
                if by is not None and datetime.fromisoformat(event.time) > by:
                    break
                ended = event.body.stage if isinstance(event.body, StageCompleted) else ""
                if ended == stage:
                    awaited = {stage, *so_far.open}  # a graph begins with the next ones when all of these have ended
                if ended in awaited:
                    awaited.remove(ended)
                    begins = cls()
                    begins._inherit(so_far)
        return begins

    @classmethod
    async def _growing(cls, log: EventLog, run_id: str) -> AsyncGenerator[tuple[RunEvent, "History"], None]:
        history = cls()
        while events := await log.read(run_id, history.last_seq, _PAGE):
            for event in events:
                history.take(event)
                if (source := _source_of(event)) is not None:
                    history._inherit(await cls.forked(log, *source, by=datetime.fromisoformat(event.time)))
                yield event, history

    def _inherit(self, source: "History") -> None:
        self.rounds, self.finished = Counter(source.rounds), dict(source.finished)
        self.instructions = list(source.instructions)

    @property
    def seconds(self) -> float:
        """How long the run was at work, see `workflows.runs.time_at_work`."""
        return self.time.seconds

    @property
    def stands(self) -> int:
        """Number of the last event that stands when what had not ended is done again."""
        return min((stage.after for stage in self.open.values()), default=self._stands)

    def take(self, event: RunEvent) -> None:
        """Add the next event."""
        self.time.take(event)
        self.last_seq, self.progress = event.seq, event.progress
        body = event.body
        match body:
            case WorkflowStarted():
                self._offline, self._stands = body.offline, event.seq
            case StageStarted():
                earlier = self.open.get(body.stage)
                outputs = earlier.outputs if earlier is not None and earlier.round == body.round else []
                self.open[body.stage] = OpenStage(body.round, event.seq - 1, self.time.seconds, outputs)
            case StageCompleted():
                self._stage_completed(event.seq, body)
            case WorkflowEvent():
                self._node_ended(event.seq, body)
            case ToolStart():
                self.tool_calls += 1
                self._tool_began(body.agent)
            case TokenStream():
                self._settled.discard(body.agent)
                self._works(body.agent)
            case ToolEnd():
                self._works(body.agent)  # the model is asked again at once, unless its answer had another call in it
            case UsageRecorded():
                self._charge(body)
            case AgentEvent():
                self._agent_said(event.seq, body)
            case GateOpened():
                self.gates += body.gate_id not in self.asked
                self.asked[body.gate_id] = body
                if body.parked and len(self.open) <= 1:  # a graph's node asks when its own agents are done
                    self.at_work.clear()
            case GateAnswered():
                self.asked.pop(body.gate_id, None)
                self.replies[body.gate_id] = GateReply(
                    gate_id=body.gate_id, outcome=body.outcome, answer=body.answer, by=body.by
                )
            case WorkflowResumed():
                self.resumptions += 1
            case Heartbeat():
                if body.waiting_for == "model":
                    self._settled.discard(body.agent)
            case ReasoningStepTaken() | SupervisorEvent() | WorkflowCancelled() | WorkflowCompleted() | WorkflowError():
                pass
            case _:
                assert_never(body)

    def lose_usage(self) -> tuple[UsageRecorded, ...]:
        """Count what nobody can tell any more, as the process that knew it was lost: what agents were using then.

        Returns:
            The same as events, which the log lacks.
        """
        lost = tuple(
            UsageRecorded(agent=agent, model="", input_tokens=0, output_tokens=0, cost_usd=None)
            for agent in sorted(self.at_work)
            if not any(_is_below(agent, other) for other in self.at_work)  # whoever sent it off tells for both
        )
        for body in lost:
            self._charge(body)
        return lost

    def _works(self, agent: str) -> None:
        if not self._offline:  # a script costs nothing, and tells nothing
            self.at_work.add(agent)

    def _tool_began(self, agent: str) -> None:
        if agent in self._settled:  # it makes the calls of an answer that is paid for, one after the other
            self.at_work.discard(agent)
        else:
            self._works(agent)

    def _charge(self, body: UsageRecorded) -> None:
        self.usage += Usage(body.input_tokens, body.output_tokens, body.cost_usd)
        told = body.agent
        if told not in self._opened:
            self._settled.add(told)
        self.at_work = {agent for agent in self.at_work if agent != told and not _is_below(agent, told)}

    def _stage_completed(self, seq: int, body: StageCompleted) -> None:
        self.rounds[body.stage] = max(self.rounds[body.stage], body.round)
        self.finished[body.stage] = body.output
        self.open.pop(body.stage, None)
        self.conversations.pop(body.stage, None)
        self.steps += 1
        self.resumptions = 0
        if not self.open:  # all that its agents had to tell came before its end
            self.at_work.clear()
        self._stands = seq

    def _node_ended(self, seq: int, body: WorkflowEvent) -> None:
        if body.node in self.open:
            self.open[body.node].outputs.append(body.state_update)
        self.conversations.pop(body.node, None)
        self._stands = seq

    def _agent_said(self, seq: int, body: AgentEvent) -> None:
        details = body.details
        if isinstance(instruction := details.get(INSTRUCTION), str):
            self.instructions.append(instruction)
            self._stands = seq if self._stands == seq - 1 else self._stands
        session_id = details.get("session_id")
        if isinstance(session_id, str):
            self._opened.add(body.agent)
            self._settled.discard(body.agent)
            self._works(body.agent)
            if details.get("resumable"):
                self.conversations[body.agent] = session_id


def _source_of(event: RunEvent) -> tuple[str, str] | None:
    """From which run a fork goes on, and from which of its stages; the event after its first one says so."""
    body = event.body
    if event.seq != _FORK_SAYS_SO or not isinstance(body, AgentEvent):
        return None
    run_id, stage = body.details.get("forked_from"), body.details.get("stage")
    return (run_id, stage) if isinstance(run_id, str) and isinstance(stage, str) else None


def _is_below(agent: str, other: str) -> bool:
    """Whether an agent is a sub-agent of another one, see `workflows.runs.agent_bodies.speaker`."""
    return agent.startswith(f"{other} ▸ ")
