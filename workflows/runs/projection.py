"""How the events of a run change its row: a pure fold over its log.

`project(project(run, e1), e2)` equals `project_all(run, (e1, e2))`; folding a whole log over a new run gives the row
that is stored, at every point of the log.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

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
from workflows.runs.run import Gate, Run, RunFailure, RunStatus, RunUsage
from workflows.runs.time_at_work import seconds_at_work

_SAYS_NOTHING_NEW = frozenset[type](
    {AgentEvent, Heartbeat, ReasoningStepTaken, SupervisorEvent, TokenStream, ToolEnd, WorkflowEvent}
)
"""Bodies that change no more than what every event changes. They are the many, so they must cost next to nothing."""


def project(run: Run, event: RunEvent) -> Run:
    """The run's row after one more event.

    Every event brings `last_seq`, `message`, `progress`, `seconds` and `updated_at`. A run begins to run with
    `workflow_started`, and runs again with the first event after it was interrupted or waited for a slot.
    """
    return project_all(run, (event,))


def project_all(run: Run, events: Sequence[RunEvent]) -> Run:
    """The run's row after some more events, in order."""
    if not events:
        return run
    seconds, since = run.seconds, run.updated_at
    for event in events:
        seconds += seconds_at_work(since, event, waits=bool(run.gates))
        since = event.time
        if type(event.body) not in _SAYS_NOTHING_NEW:
            run = _changed(run, event)
    newest = events[-1]
    return replace(
        run,
        status=_status(run, newest),
        last_seq=newest.seq,
        message=newest.message,
        progress=newest.progress,
        seconds=seconds,
        updated_at=newest.time,
    )


def _status(run: Run, newest: RunEvent) -> RunStatus:
    """A run that waits for a slot is queued; one that was queued or interrupted runs with the next thing it says."""
    if run.ended:
        return run.status
    if isinstance(newest.body, Heartbeat) and newest.body.waiting_for == "slot":
        return "queued"
    return "running" if run.status in {"interrupted", "queued"} else run.status


def _changed(run: Run, event: RunEvent) -> Run:
    body = event.body
    match body:
        case WorkflowStarted():
            return replace(run, status="running")
        case WorkflowResumed():
            return replace(run, status="running", gates=())
        case GateOpened():
            others = tuple(gate for gate in run.gates if gate.gate_id != body.gate_id)
            return replace(run, status="waiting", gates=(*others, _gate(body)))
        case GateAnswered():
            gates = tuple(gate for gate in run.gates if gate.gate_id != body.gate_id)
            return replace(run, status="waiting" if gates else "running", gates=gates)
        case StageStarted():
            return replace(run, stage=body.stage)
        case StageCompleted():
            return replace(run, usage=replace(run.usage, steps=run.usage.steps + 1))
        case ToolStart():
            return replace(run, usage=replace(run.usage, tool_calls=run.usage.tool_calls + 1))
        case UsageRecorded():
            return replace(run, usage=_added(run.usage, body))
        case WorkflowCompleted():
            result, response = body.result, body.final_response
            return replace(
                run,
                status="completed",
                gates=(),
                result=result,
                final_response=response,
                branch=body.branch,
                ended_at=event.time,
            )
        case WorkflowError():
            failure = _failure(body)
            return replace(run, status="failed", gates=(), failure=failure, branch=body.branch, ended_at=event.time)
        case WorkflowCancelled():
            failure = _cancellation(body)
            return replace(run, status="cancelled", gates=(), failure=failure, branch=body.branch, ended_at=event.time)
        case (
            AgentEvent()
            | Heartbeat()
            | ReasoningStepTaken()
            | SupervisorEvent()
            | TokenStream()
            | ToolEnd()
            | WorkflowEvent()
        ):
            return run
        case _:
            assert_never(body)


def _gate(body: GateOpened) -> Gate:
    return Gate(
        gate_id=body.gate_id,
        question=body.question,
        schema=body.schema,
        expires_at=body.expires_at,
        parked=body.parked,
    )


def _added(usage: RunUsage, used: UsageRecorded) -> RunUsage:
    known = usage.cost_usd is not None and used.cost_usd is not None
    return replace(
        usage,
        input_tokens=usage.input_tokens + used.input_tokens,
        output_tokens=usage.output_tokens + used.output_tokens,
        cost_usd=(usage.cost_usd or 0.0) + (used.cost_usd or 0.0) if known else None,
    )


def _failure(body: WorkflowError) -> RunFailure:
    return RunFailure(
        kind=body.kind, message=body.error, blame=body.blame, recovery=tuple(body.recovery), partial=body.partial
    )


def _cancellation(body: WorkflowCancelled) -> RunFailure:
    reason = f": {body.reason}" if body.reason else ""
    return RunFailure(
        kind="cancelled", message=f"Cancelled by {body.by}{reason}.", blame="caller", partial=body.partial
    )
