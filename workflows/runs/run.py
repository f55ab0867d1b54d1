"""The record of a run: what was asked, how far it is, how it ended."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from workflows.budget import Limits
from workflows.runs.events import Json

RunStatus: TypeAlias = Literal["queued", "running", "waiting", "completed", "failed", "cancelled", "interrupted"]
"""`waiting` is for a person; `interrupted` means that the run's process died and that the run can be resumed."""

ACTIVE_STATUSES: frozenset[RunStatus] = frozenset({"queued", "running", "waiting"})
ENDED_STATUSES: frozenset[RunStatus] = frozenset({"completed", "failed", "cancelled"})


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
        status: See `RunStatus`.
        progress: 0 to 100.
        stage: The stage that runs or ran last; empty before the first.
        message: The newest human line.
        last_seq: Number of the newest event.
        usage: What it has used.
        result: Typed output of a completed run.
        final_response: The answer in words, of a completed run.
        failure: Why it failed or was cancelled.
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
    status: RunStatus = "queued"
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    last_seq: int = 0
    usage: RunUsage = field(default_factory=RunUsage)
    result: Json | None = None
    final_response: str = ""
    failure: RunFailure | None = None
    process: str = ""
    created_at: str = ""
    updated_at: str = ""
    ended_at: str = ""

    @property
    def active(self) -> bool:
        """Whether it runs, waits to run, or waits for a person."""
        return self.status in ACTIVE_STATUSES

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
    """

    owner: str | None = None
    statuses: frozenset[RunStatus] | None = None
    workflow: str | None = None
    workspace: str | None = None
    limit: int = 20
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Somebody, possibly in another process, wants a run to end.

    Attributes:
        by: Who.
        reason: Why.
    """

    by: str
    reason: str
