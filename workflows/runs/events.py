"""What happens in a run, as it stands in the log.

The bodies below are the closed union `EventBody`; `RunEvent` is the envelope that makes one of them an entry of a log.
The same JSON object (see `workflows.runs.event_json`) goes into the log, over the wire and into files.

Times are ISO 8601 in UTC, durations seconds, costs US dollars (None where unknown, never zero for "unknown").
Values typed `object` must be plain JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

Json: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInfo:
    """A stage as it is announced.

    Attributes:
        name: Machine name, for example `architect`.
        title: For people.
    """

    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStarted:
    """First event of every run.

    Attributes:
        workflow: The workflow's name.
        input: Its input as given.
        stages: The stages it may go through, in their usual order.
        offline: True if scripted agents stand in for models.
    """

    type: Literal["workflow_started"] = "workflow_started"
    workflow: str
    input: Json
    stages: Sequence[StageInfo]
    offline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A stage begins.

    Nodes of one name that run side by side are one round of their stage: it has one start, with the first of them,
    and one end, with the last.

    Attributes:
        stage: Its name.
        round: 1 for the first time, 2 when it is repeated, ...
    """

    type: Literal["stage_started"] = "stage_started"
    stage: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCompleted:
    """A stage is done and will not be done again unless a new round starts.

    Attributes:
        stage: Its name.
        round: As in `StageStarted`.
        seconds: How long the run was at work in it: waits for a person do not count.
        output: What it added to the run's state; where several nodes ran side by side, `branches` has that of each.
    """

    type: Literal["stage_completed"] = "stage_completed"
    stage: str
    round: int
    seconds: float
    output: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowEvent:
    """A node of the graph has changed the run's state.

    Attributes:
        node: The node's name.
        state_update: What it returned.
    """

    type: Literal["workflow_event"] = "workflow_event"
    node: str
    state_update: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorEvent:
    """The supervisor looked at the state, decided, or sent somebody off.

    Attributes:
        event_type: `analysis` (what it sees), `decision` (what it chose and why), `routing` (who goes now).
        reasoning: Why.
        confidence: 0 to 1, as the supervisor itself states it; None where it states none.
        next_agent: Who is next; empty in an analysis.
        instructions: What that agent is told.
    """

    type: Literal["supervisor_event"] = "supervisor_event"
    event_type: Literal["analysis", "decision", "routing"]
    reasoning: str
    confidence: float | None = None
    next_agent: str = ""
    instructions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent:
    """An agent thinks, gets on, decides, or has found something.

    Attributes:
        agent: Who; sub-agents as `codesmith ▸ explore`.
        event_type: Which of the four.
        details: Further facts; `text` where there is a text.
    """

    type: Literal["agent_event"] = "agent_event"
    agent: str
    event_type: Literal["think", "progress", "decision", "result"]
    details: Json = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningStepTaken:
    """One numbered step of an agent that reasons step by step.

    Attributes:
        agent: Who.
        step: 1, 2, 3 ...
        thought: The step.
    """

    type: Literal["reasoning_step"] = "reasoning_step"
    agent: str
    step: int
    thought: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStream:
    """A piece of live text.

    Attributes:
        agent: Who.
        channel: `text` (the answer) or `thinking`.
        text: The piece.
    """

    type: Literal["token_stream"] = "token_stream"
    agent: str
    channel: Literal["text", "thinking"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStart:
    """A tool call begins.

    Attributes:
        agent: Who calls.
        tool: The tool's name.
        call_id: Its `ToolEnd` has the same.
        input: The arguments.
    """

    type: Literal["tool_start"] = "tool_start"
    agent: str
    tool: str
    call_id: str
    input: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnd:
    """A tool call is over.

    Attributes:
        agent: Who called.
        tool: The tool's name.
        call_id: As in `ToolStart`.
        seconds: How long it took.
        ok: False where it failed or was denied.
        output: What it gave back.
    """

    type: Literal["tool_end"] = "tool_end"
    agent: str
    tool: str
    call_id: str
    seconds: float
    ok: bool
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecorded:
    """What was used since the agent's last such event.

    Attributes:
        agent: Who.
        model: The model's name as its provider gives it.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        cost_usd: US dollars, None if unknown.
    """

    type: Literal["usage"] = "usage"
    agent: str
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Nothing else was said for a while, and why.

    Attributes:
        agent: Who is waited for; empty where no agent works.
        stage: The stage that runs; empty before the first.
        seconds: How long it has been quiet.
        waiting_for: `model`, `tool`, `rate_limit`, `retry`, `person`, `start`, `slot` (too many runs at once),
            `work` (for nobody else: a stage or an agent is at work without a model or a tool).
        reason: The same in words, for example `rate limited, next try in 8 s`.
    """

    type: Literal["heartbeat"] = "heartbeat"
    agent: str
    stage: str
    seconds: float
    waiting_for: str
    reason: str


GateOutcome: TypeAlias = Literal["accepted", "declined", "expired"]
"""How a question ended: with an answer, with a refusal to answer, or because nobody answered in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOpened:
    """A person is asked something, and the run waits for the answer.

    Attributes:
        gate_id: Unique within the run; its `GateAnswered` has the same.
        question: What is asked, in words.
        schema: JSON schema of an answer.
        expires_at: When nobody needs to answer any more (ISO 8601); empty if the question stays open.
        parked: True if the run holds nothing while it waits; False if an agent waits in its process.
    """

    type: Literal["gate_opened"] = "gate_opened"
    gate_id: str
    question: str
    schema: Json
    expires_at: str = ""
    parked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswered:
    """A question is settled.

    Attributes:
        gate_id: As in `GateOpened`.
        answer: What was answered; None unless the outcome is `accepted`.
        by: Who; empty where the time was over.
        outcome: See `GateOutcome`.
    """

    type: Literal["gate_answered"] = "gate_answered"
    gate_id: str
    answer: object
    by: str
    outcome: GateOutcome = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowResumed:
    """A run goes on after its process was lost, or begins in the middle of what another run had done.

    Attributes:
        after: Number of the last event that stands. What the stages in `next` have said since then is superseded:
            they are done again.
        next: The graph's nodes that are done next.
    """

    type: Literal["workflow_resumed"] = "workflow_resumed"
    after: int
    next: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCompleted:
    """Last event of a run that reached its end.

    Attributes:
        final_response: The answer in words.
        result: The typed output.
        usage: `input_tokens`, `output_tokens`, `cost_usd`.
        seconds: How long the run was at work: waits for a person or a place, and interruptions, do not count.
        tool_calls: How many tool calls there were.
        steps: How many stages were completed, rounds counted.
        branch: The branch with what it has changed; empty if it has none of its own, or nothing was changed on it.
    """

    type: Literal["workflow_completed"] = "workflow_completed"
    final_response: str
    result: Json
    usage: Json
    seconds: float
    tool_calls: int
    steps: int
    branch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowError:
    """Last event of a run that failed.

    Attributes:
        kind: Stable machine name, for example `rate_limited`.
        error: What happened.
        blame: Whose fault: `caller`, `setup`, `provider`, `agent`, `server`.
        recovery: What helps, most useful first.
        partial: Output of every stage that was finished, by stage; what the agent of a failed stage had said until
            then, as `unfinished` under the stage's name.
        branch: As in `WorkflowCompleted`.
    """

    type: Literal["workflow_error"] = "workflow_error"
    kind: str
    error: str
    blame: str
    recovery: Sequence[str]
    partial: Json
    branch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCancelled:
    """Last event of a run that somebody ended.

    Attributes:
        by: Who.
        reason: Why, as far as it was said.
        partial: As in `WorkflowError`.
        branch: As in `WorkflowCompleted`.
    """

    type: Literal["workflow_cancelled"] = "workflow_cancelled"
    by: str
    reason: str
    partial: Json
    branch: str = ""


EventBody: TypeAlias = (
    WorkflowStarted
    | StageStarted
    | StageCompleted
    | WorkflowEvent
    | SupervisorEvent
    | AgentEvent
    | ReasoningStepTaken
    | TokenStream
    | ToolStart
    | ToolEnd
    | UsageRecorded
    | Heartbeat
    | GateOpened
    | GateAnswered
    | WorkflowResumed
    | WorkflowCompleted
    | WorkflowError
    | WorkflowCancelled
)
"""Everything that can happen in a run."""

LAST_TYPES = frozenset({"workflow_completed", "workflow_error", "workflow_cancelled"})
"""The types of the events that a run can end with."""
LastEvent: TypeAlias = WorkflowCompleted | WorkflowError | WorkflowCancelled
"""What a log ends with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation:
    """A value of the event was cut; the whole of it is an artifact.

    Attributes:
        field: Path of the value in the event, for example `output` or `input.content`.
        uri: Where the whole value is.
        bytes: Its size, as UTF-8.
    """

    field: str
    uri: str
    bytes: int


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a run's log.

    Attributes:
        run_id: The run.
        seq: 1, 2, 3 ... without a gap.
        time: When it was appended.
        message: One human line.
        progress: 0 to 100, never lower than in the entry before.
        body: What happened.
        truncated: Which values were cut.
    """

    run_id: str
    seq: int
    time: str
    message: str
    progress: float
    body: EventBody
    truncated: Sequence[Truncation] = ()

    @property
    def type(self) -> str:
        """The body's type, for example `tool_start`."""
        return self.body.type
