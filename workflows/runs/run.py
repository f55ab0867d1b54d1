"""The record of a run: what was asked, how far it is, how it ended."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from workflows.budget import Limits
from workflows.runs.events import GateOutcome, Json

RunStatus: TypeAlias = Literal["queued", "running", "waiting", "completed", "failed", "cancelled", "interrupted"]
"""`waiting` is for a person; `interrupted` means that the run's process died and that the run can be resumed."""

ACTIVE_STATUSES: frozenset[RunStatus] = frozenset({"queued", "running", "waiting"})
ENDED_STATUSES: frozenset[RunStatus] = frozenset({"completed", "failed", "cancelled"})


Isolation: TypeAlias = Literal["worktree", "in_place"]
"""Where a run works: on a branch of its own in a working tree of its own, or in the workspace itself."""
Permissions: TypeAlias = Literal["role", "ask"]
"""What agents may do: what their role allows, or beyond that also what a person allows when asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run works, apart from its input; kept for a run that is resumed.

    Attributes:
        isolation: See `Isolation`; None for the workflow's own default.
        permissions: See `Permissions`.
    """

    isolation: Isolation | None = None
    permissions: Permissions = "role"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUsage:
    """What a run has used so far.

    Attributes:
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        cost_usd: US dollars, None if a part of it is unknown.
        tool_calls: Tool calls begun.
        steps: Stages completed, rounds counted.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    tool_calls: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailure:
    """Why a run did not reach its end.

    Attributes:
        kind: Stable machine name.
        message: What happened.
        blame: Whose fault: `caller`, `setup`, `provider`, `agent`, `server`.
        recovery: What helps.
        partial: What was finished before, by stage.
    """

    kind: str
    message: str
    blame: str
    recovery: tuple[str, ...] = ()
    partial: Json = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A question a run waits for; see `workflows.runs.events.GateOpened`.

    Attributes:
        gate_id: Unique within the run.
        question: What is asked.
        schema: JSON schema of an answer.
        expires_at: When nobody needs to answer any more (ISO 8601); empty if the question stays open.
        parked: True if nothing is held while the run waits; False if an agent waits in its process.
    """

    gate_id: str
    question: str
    schema: Json
    expires_at: str = ""
    parked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as its row says it; a projection of its log.

    Attributes:
        run_id: Unguessable, made by us.
        workflow: The workflow's name.
        input: Its input, plain JSON.
        workspace: Absolute directory.
        owner: Whose run it is; others do not see it.
        key: Idempotency key: the same call has the same key.
        offline: True if scripted agents stand in for models.
        limits: What it may use.
        options: How it works.
        status: See `RunStatus`.
        progress: 0 to 100.
        stage: The stage that runs or ran last; empty before the first.
        message: The newest human line.
        last_seq: Number of the newest event.
        usage: What it has used.
        seconds: How long it was at work until its newest event, see `workflows.runs.time_at_work`.
        result: Typed output of a completed run.
        final_response: The answer in words, of a completed run.
        failure: Why it failed or was cancelled.
        branch: The branch with what it has changed; empty if it has none of its own, or nothing was changed on it.
        gates: Questions that are open, oldest first; there are some exactly while the status is `waiting`.
        process: Token of the server process that runs it.
        created_at, updated_at, ended_at: ISO 8601 in UTC; `ended_at` is empty while it has not ended.
    """

    run_id: str
    workflow: str
    input: Json
    workspace: str
    owner: str
    key: str
    offline: bool = False
    limits: Limits = field(default_factory=Limits)
    options: RunOptions = field(default_factory=RunOptions)
    status: RunStatus = "queued"
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    last_seq: int = 0
    usage: RunUsage = field(default_factory=RunUsage)
    seconds: float = 0.0
    result: Json | None = None
    final_response: str = ""
    failure: RunFailure | None = None
    branch: str = ""
    gates: tuple[Gate, ...] = ()
    process: str = ""
    created_at: str = ""
    updated_at: str = ""
    ended_at: str = ""

    @property
    def active(self) -> bool:
        """Whether it runs, waits to run, or waits for a person."""
        return self.status in ACTIVE_STATUSES

    @property
    def can_park(self) -> bool:
        """Whether it waits for a person, and would hold nothing while it does."""
        return self.status == "waiting" and all(gate.parked for gate in self.gates)

    @property
    def parked(self) -> bool:
        """Whether it waits for a person and no process holds it."""
        return self.status == "waiting" and not self.process

    @property
    def ended(self) -> bool:
        """Whether it is over for good."""
        return self.status in ENDED_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list; every field narrows, None does not.

    Attributes:
        owner: Whose.
        statuses: In which of these.
        workflow: Of this workflow.
        workspace: In this directory.
        limit: How many at most, newest first.
        before: Only runs created before this time (ISO 8601), for paging.
        since: Only runs created at this time or after it (ISO 8601).
    """

    owner: str | None = None
    statuses: frozenset[RunStatus] | None = None
    workflow: str | None = None
    workspace: str | None = None
    limit: int = 20
    before: str | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Somebody, possibly in another process, wants a run to end.

    Attributes:
        by: Who.
        reason: Why.
    """

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """An instruction that a person adds to a run.

    Attributes:
        text: What is to be done.
        by: Who says so.
    """

    text: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReply:
    """What settles a question.

    Attributes:
        gate_id: Which.
        outcome: How.
        answer: Plain JSON that fits the question's schema; None unless the outcome is `accepted`.
        by: Who answered; empty where the time was over.
    """

    gate_id: str
    outcome: GateOutcome
    answer: object = None
    by: str = ""


Word: TypeAlias = Steering | GateReply
"""What somebody, possibly in another process, has to say to a run at work."""
