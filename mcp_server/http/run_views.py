"""Runs as the API shows them: the shapes of its answers, which its OpenAPI document is made of."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from mcp_server.results import made, seconds_of
from workflows.runs.admission import artifact_uri
from workflows.runs.engine import StartedRun
from workflows.runs.events import Json
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run, RunStatus

LONGEST_ASKED = 200
"""Characters of a run's main input in a list."""


class RunLinks(BaseModel):
    """Where the rest of a run is."""

    self: str
    status: str
    events: str = Field(description="Server-Sent Events.")
    ws: str = Field(description="The same over WebSocket.")
    cancel: str
    resume: str
    answer: str
    steer: str
    fork: str


class UsageView(BaseModel):
    """What a run has used so far."""

    input_tokens: int
    output_tokens: int
    cost_usd: float | None = Field(description="US dollars; null if the price of a part of it is unknown.")
    seconds: float = Field(description="At work: waits for a person and interruptions do not count.")
    tool_calls: int
    steps: int = Field(description="Stages completed, rounds counted.")


class LimitsView(BaseModel):
    """What a run may use; null is no limit."""

    max_cost_usd: float | None
    max_seconds: float | None


class ErrorView(BaseModel):
    """Why a run did not reach its end."""

    kind: str
    message: str
    blame: str = Field(description="Whose fault it is: caller, setup, provider, agent, server or workflow.")
    recovery: list[str] = Field(description="What helps, most useful first.")
    partial: dict[str, object] = Field(description="What was finished before, by stage.")


class ArtifactView(BaseModel):
    """Something a run has made."""

    name: str
    media_type: str
    bytes: int
    uri: str = Field(description="Its name as an MCP resource; events name it so too.")
    href: str = Field(description="Where it is over HTTP.")


class RunStatusView(BaseModel):
    """How a run stands."""

    run_id: str
    workflow: str
    status: RunStatus
    offline: bool = Field(description="True if scripted agents stand in for models.")
    progress: float = Field(description="0 to 100.")
    stage: str = Field(description="The stage that runs or ran last; empty before the first.")
    message: str = Field(description="The newest line.")
    last_seq: int = Field(description="Number of the newest event.")
    usage: UsageView
    created_at: str
    updated_at: str
    ended_at: str | None


class GateView(BaseModel):
    """A question a run waits with."""

    gate_id: str
    question: str
    answer_schema: dict[str, object] = Field(description="JSON Schema of an answer.")
    expires_at: str | None = Field(description="When nobody needs to answer any more; null if it stays open.")


class RunSummaryView(RunStatusView):
    """A run in a list."""

    asked: str = Field(description="The beginning of its main input, in one line.")
    workspace: str
    links: RunLinks


class RunView(RunSummaryView):
    """All of a run but its events."""

    input: dict[str, object]
    limits: LimitsView
    gates: list[GateView] = Field(description="Questions that are open; there are some while status is waiting.")
    result: dict[str, object] | None = Field(description="The workflow's output; null unless status is completed.")
    final_response: str = Field(description="The answer in words, of a completed run.")
    error: ErrorView | None
    artifacts: list[ArtifactView]


class RunListView(BaseModel):
    """Runs, newest first."""

    runs: list[RunSummaryView]
    next_before: str | None = Field(description="Give this as `before` for older ones; null if there are none.")


class StartedView(BaseModel):
    """The answer to a request for a run."""

    run_id: str
    workflow: str
    status: RunStatus
    joined: bool = Field(description="True if the run was there already: the same request, not over yet.")
    resumed: bool = Field(description="True if it was interrupted, and goes on because of this request.")
    links: RunLinks


def links_of(run_id: str) -> RunLinks:
    """Where the parts of a run are; paths, because the server may be known under many names."""
    base = f"/api/runs/{run_id}"
    parts = ("status", "events", "ws", "cancel", "resume", "answer", "steer", "fork")
    return RunLinks(self=base, **{part: f"{base}/{part}" for part in parts})


def status_view(run: Run) -> RunStatusView:
    """How a run stands."""
    return RunStatusView(**_status(run))


def summary_view(run: Run) -> RunSummaryView:
    """A run in a list."""
    return RunSummaryView(**_summary(run))


def run_view(run: Run, artifacts: Sequence[ArtifactInfo]) -> RunView:
    """All of a run but its events."""
    failure = run.failure
    return RunView(
        **_summary(run),
        input=dict(run.input),
        limits=LimitsView(max_cost_usd=run.limits.max_cost_usd, max_seconds=run.limits.max_seconds),
        gates=[
            GateView(
                gate_id=gate.gate_id,
                question=gate.question,
                answer_schema=dict(gate.schema),
                expires_at=gate.expires_at or None,
            )
            for gate in run.gates
        ],
        result=_plain(run.result),
        final_response=run.final_response,
        error=None
        if failure is None
        else ErrorView(
            kind=failure.kind,
            message=failure.message,
            blame=failure.blame,
            recovery=list(failure.recovery),
            partial=dict(failure.partial),
        ),
        artifacts=[_artifact(run.run_id, info) for info in made(artifacts)],
    )


def started_view(started: StartedRun) -> StartedView:
    """The answer to a request for a run."""
    run = started.run
    return StartedView(
        run_id=run.run_id,
        workflow=run.workflow,
        status=run.status,
        joined=started.joined,
        resumed=started.resumed,
        links=links_of(run.run_id),
    )


def artifact_href(run_id: str, name: str) -> str:
    """Where an artifact is over HTTP."""
    return f"/api/runs/{run_id}/artifacts/{quote(name, safe='')}"


def _status(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "status": run.status,
        "offline": run.offline,
        "progress": run.progress,
        "stage": run.stage,
        "message": run.message,
        "last_seq": run.last_seq,
        "usage": UsageView(
            input_tokens=run.usage.input_tokens,
            output_tokens=run.usage.output_tokens,
            cost_usd=run.usage.cost_usd,
            seconds=round(seconds_of(run), 3),
            tool_calls=run.usage.tool_calls,
            steps=run.usage.steps,
        ),
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "ended_at": run.ended_at or None,
    }


def _summary(run: Run) -> dict[str, Any]:
    return {**_status(run), "asked": _asked(run.input), "workspace": run.workspace, "links": links_of(run.run_id)}


def _asked(input: Json) -> str:
    first = next(iter(input.values()), "")
    text = " ".join(first.split()) if isinstance(first, str) else ""
    return text if len(text) <= LONGEST_ASKED else text[:LONGEST_ASKED] + "…"


def _artifact(run_id: str, info: ArtifactInfo) -> ArtifactView:
    return ArtifactView(
        name=info.name,
        media_type=info.media_type,
        bytes=info.bytes,
        uri=artifact_uri(run_id, info.name),
        href=artifact_href(run_id, info.name),
    )


def _plain(result: Json | None) -> dict[str, object] | None:
    return None if result is None else dict(result)
