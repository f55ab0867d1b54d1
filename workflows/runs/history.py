"""What a run had come to, as its log says: read when the run goes on in another process, or ends without one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from workflows.runs.time_at_work import seconds_at_work

INSTRUCTION = "instruction"
"""Detail of the event that keeps an instruction a person has added to the run."""
_PAGE = 1000


@dataclass(slots=True)
class OpenStage:
    """A stage that had begun and not ended.

    Attributes:
        round: Its round.
        after: Number of the event before its beginning.
        outputs: Of those of its nodes that had ended.
    """

    round: int
    after: int
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
        seconds: How long the run was at work, without the time in which nobody worked on it.
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
    seconds: float = 0.0
    resumptions: int = 0
    gates: int = 0
    asked: dict[str, GateOpened] = field(default_factory=dict[str, GateOpened])
    replies: dict[str, GateReply] = field(default_factory=dict[str, GateReply])
    instructions: list[str] = field(default_factory=list[str])
    conversations: dict[str, str] = field(default_factory=dict[str, str])
    made: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    last_seq: int = 0
    _stands: int = 0
    _time: str = ""

    @classmethod
    async def read(cls, log: EventLog, run_id: str) -> "History":
        """Read a run's whole log, and what it has made.

        Raises:
            workflows.runs.errors.LogUnavailable: It cannot be read.
        """
        history = cls()
        while events := await log.read(run_id, history.last_seq, _PAGE):
            for event in events:
                history.take(event)
        history.made = await made_before(log, run_id)
        return history

    @property
    def stands(self) -> int:
        """Number of the last event that stands when what had not ended is done again."""
        return min((stage.after for stage in self.open.values()), default=self._stands)

    def take(self, event: RunEvent) -> None:
        """Add the next event."""
        self.seconds += seconds_at_work(self._time, event)
        self.last_seq, self.progress, self._time = event.seq, event.progress, event.time
        body = event.body
        match body:
            case WorkflowStarted():
                self._stands = event.seq
            case StageStarted():
                earlier = self.open.get(body.stage)
                outputs = earlier.outputs if earlier is not None and earlier.round == body.round else []
                self.open[body.stage] = OpenStage(body.round, event.seq - 1, outputs)
            case StageCompleted():
                self._stage_completed(event.seq, body)
            case WorkflowEvent():
                self._node_ended(event.seq, body)
            case ToolStart():
                self.tool_calls += 1
            case UsageRecorded():
                self.usage += Usage(body.input_tokens, body.output_tokens, body.cost_usd)
            case AgentEvent():
                self._agent_said(event.seq, body)
            case GateOpened():
                self.gates += body.gate_id not in self.asked
                self.asked[body.gate_id] = body
            case GateAnswered():
                self.asked.pop(body.gate_id, None)
                self.replies[body.gate_id] = GateReply(
                    gate_id=body.gate_id, outcome=body.outcome, answer=body.answer, by=body.by
                )
            case WorkflowResumed():
                self.resumptions += 1
            case (
                Heartbeat()
                | ReasoningStepTaken()
                | SupervisorEvent()
                | TokenStream()
                | ToolEnd()
                | WorkflowCompleted()
                | WorkflowError()
                | WorkflowCancelled()
            ):
                pass
            case _:
                assert_never(body)

    def _stage_completed(self, seq: int, body: StageCompleted) -> None:
        self.rounds[body.stage] = max(self.rounds[body.stage], body.round)
        self.finished[body.stage] = body.output
        self.open.pop(body.stage, None)
        self.conversations.pop(body.stage, None)
        self.steps += 1
        self.resumptions = 0
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
        if isinstance(session_id, str) and details.get("resumable"):
            self.conversations[body.agent] = session_id
