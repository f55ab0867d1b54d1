"""The table of runs, as Python: rows to runs and back. Every function works on a connection and blocks."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import orjson

from workflows.budget import Limits
from workflows.runs.errors import RunNotFound
from workflows.runs.plain_json import plain_json
from workflows.runs.run import ACTIVE_STATUSES, CancelRequest, Gate, Run, RunFailure, RunFilter, RunOptions, RunUsage
from workflows.runs.timestamps import just_after, utc_now

_SELECT = """
SELECT run_id, workflow, input, workspace, owner, key, offline, limits, created_at, status, process, last_seq, state
FROM run
"""
_INSERT = """
INSERT INTO run
(run_id, workflow, input, workspace, owner, key, offline, limits, created_at, status, process, last_seq, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_IS_ACTIVE = "status IN ({})".format(", ".join(f"'{status}'" for status in sorted(ACTIVE_STATUSES)))
_CAN_GO_ON = f"({_IS_ACTIVE} OR status = 'interrupted')"
_SELECT_REQUESTS = f"""
SELECT run_id, cancel_by, cancel_reason FROM run WHERE process = ? AND cancel_by IS NOT NULL AND {_IS_ACTIVE}
"""  # noqa: S608 - constants only


def create(connection: sqlite3.Connection, run: Run) -> tuple[Run, bool]:
    """Store a new run, or find the active or interrupted one with the same owner and key; an empty key finds none.

    Times that are not given are now. `created_at` is moved on by microseconds where another run has the same, because
    the pages of a list end at such a time.

    Returns:
        The run as it is stored, and whether it is new.
    """
    found = connection.execute(
        f"{_SELECT} WHERE owner = ? AND key = ? AND key <> '' AND {_CAN_GO_ON} ORDER BY number DESC LIMIT 1",
        (run.owner, run.key),
    ).fetchone()
    if found is not None:
        return _run(found), False
    created_at = run.created_at or utc_now()
    while connection.execute("SELECT 1 FROM run WHERE created_at = ?", (created_at,)).fetchone():
        created_at = just_after(created_at)
    run = replace(run, created_at=created_at, updated_at=run.updated_at or created_at)
    limits = _dump(
        {
            "max_cost_usd": run.limits.max_cost_usd,
            "max_seconds": run.limits.max_seconds,
            "isolation": run.options.isolation,
            "permissions": run.options.permissions,
        }
    )
    request = (run.run_id, run.workflow, _dump(run.input), run.workspace, run.owner, run.key, run.offline, limits)
    state = (run.created_at, run.status, run.process, run.last_seq, dump_state(run))
    connection.execute(_INSERT, (*request, *state))
    return run, True


def get(connection: sqlite3.Connection, run_id: str) -> Run | None:
    """One run."""
    row = connection.execute(f"{_SELECT} WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None else _run(row)


def find(connection: sqlite3.Connection, filter: RunFilter) -> list[Run]:
    """Runs that match, newest first."""
    wanted: list[str] = ["1"]
    values: list[object] = []
    for column, value in (("owner", filter.owner), ("workflow", filter.workflow), ("workspace", filter.workspace)):
        if value is not None:
            wanted.append(f"{column} = ?")
            values.append(value)
    if filter.statuses is not None:
        wanted.append(f"status IN ({', '.join('?' * len(filter.statuses))})")
        values.extend(filter.statuses)
    if filter.before is not None:
        wanted.append("created_at < ?")
        values.append(filter.before)
    if filter.since is not None:
        wanted.append("created_at >= ?")
        values.append(filter.since)
    query = f"{_SELECT} WHERE {' AND '.join(wanted)} ORDER BY created_at DESC, number DESC LIMIT ?"
    return [_run(row) for row in connection.execute(query, (*values, max(0, filter.limit))).fetchall()]


def take(connection: sqlite3.Connection, run_id: str, process: str) -> tuple[Run, int]:
    """Begin a new attempt at a run; the writers of the attempts before it can store nothing more.

    Returns:
        The run and the attempt's number.

    Raises:
        RunNotFound: There is no such run.
    """
    connection.execute("UPDATE run SET attempt = attempt + 1, process = ? WHERE run_id = ?", (process, run_id))
    run = get(connection, run_id)
    if run is None:
        raise not_found(run_id)
    row: tuple[int] = connection.execute("SELECT attempt FROM run WHERE run_id = ?", (run_id,)).fetchone()
    return run, row[0]


def claim(connection: sqlite3.Connection, run_id: str, process: str) -> bool:
    """Make a run that nobody works on one of that process; whether it was still there to be had.

    That is an interrupted run, or one that is parked (see `Run.parked`); the attempt before it is ended.
    """
    run = get(connection, run_id)
    if run is None or not (run.status == "interrupted" or run.parked):
        return False
    status = "queued" if run.status == "interrupted" else run.status
    connection.execute(
        "UPDATE run SET status = ?, process = ?, attempt = attempt + 1 WHERE run_id = ?", (status, process, run_id)
    )
    return True


def park(connection: sqlite3.Connection, run_id: str, process: str) -> None:
    """Let go of a run of that process that waits for a person."""
    connection.execute(
        "UPDATE run SET process = '', attempt = attempt + 1 WHERE run_id = ? AND process = ? AND status = 'waiting'",
        (run_id, process),
    )


def interrupt(connection: sqlite3.Connection, run_id: str, process: str) -> bool:
    """Mark an active run of that process as interrupted, and end its attempt; whether there was one."""
    run = get(connection, run_id)
    if run is None or not run.active or run.process != process:
        return False
    connection.execute(
        "UPDATE run SET status = 'interrupted', attempt = attempt + 1, state = ? WHERE run_id = ?",
        (dump_state(replace(run, updated_at=utc_now())), run_id),
    )
    return True


def request_cancel(connection: sqlite3.Connection, run_id: str, request: CancelRequest) -> None:
    """Leave word for the process that runs it; the first word counts.

    Raises:
        RunNotFound: There is no such run.
    """
    changed = connection.execute(
        "UPDATE run SET cancel_reason = iif(cancel_by IS NULL, ?, cancel_reason), cancel_by = coalesce(cancel_by, ?) "
        "WHERE run_id = ?",
        (request.reason, request.by, run_id),
    )
    if changed.rowcount == 0:
        raise not_found(run_id)


def cancel_requests(connection: sqlite3.Connection, process: str) -> dict[str, CancelRequest]:
    """Requests for the active runs of a process, by run."""
    rows = connection.execute(_SELECT_REQUESTS, (process,)).fetchall()
    return {run_id: CancelRequest(by=by, reason=reason) for run_id, by, reason in rows}


def not_found(run_id: str) -> RunNotFound:
    """What is raised where there is no such run."""
    return RunNotFound(f"There is no run {run_id!r}.", recovery=("list_runs shows the runs there are",))


def dump_state(run: Run) -> str:
    """What events change in a run, as the row keeps it."""
    usage, failure = run.usage, run.failure
    return _dump(
        {
            "progress": run.progress,
            "stage": run.stage,
            "message": run.message,
            "usage": {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cost_usd": usage.cost_usd,
                "tool_calls": usage.tool_calls,
                "steps": usage.steps,
            },
            "seconds": run.seconds,
            "result": run.result,
            "final_response": run.final_response,
            "failure": None if failure is None else _failure_object(failure),
            "branch": run.branch,
            "gates": [_gate_object(gate) for gate in run.gates],
            "updated_at": run.updated_at,
            "ended_at": run.ended_at,
        }
    )


def _run(row: tuple[Any, ...]) -> Run:
    (run_id, workflow, input_, workspace, owner, key, offline, limits, created_at, status, process, last_seq, _) = row
    state, limited = _load(row[-1]), _load(limits)
    return Run(
        run_id=run_id,
        workflow=workflow,
        input=_load(input_),
        workspace=workspace,
        owner=owner,
        key=key,
        offline=bool(offline),
        limits=Limits(max_cost_usd=limited["max_cost_usd"], max_seconds=limited["max_seconds"]),
        options=RunOptions(isolation=limited.get("isolation"), permissions=limited.get("permissions", "role")),
        status=status,
        progress=state["progress"],
        stage=state["stage"],
        message=state["message"],
        last_seq=last_seq,
        usage=_usage(state["usage"]),
        seconds=state["seconds"] if "seconds" in state else _elapsed(created_at, state),
        result=state["result"],
        final_response=state["final_response"],
        failure=None if state["failure"] is None else _failure(state["failure"]),
        branch=state.get("branch", ""),
        gates=tuple(Gate(**gate) for gate in state.get("gates", ())),
        process=process,
        created_at=created_at,
        updated_at=state["updated_at"],
        ended_at=state["ended_at"],
    )


def _elapsed(created_at: str, state: Mapping[str, Any]) -> float:
    """From a run's creation to its newest event: the most it can have worked, where its row does not say how long."""
    until = datetime.fromisoformat(state["ended_at"] or state["updated_at"])
    return max(0.0, (until - datetime.fromisoformat(created_at)).total_seconds())


def _usage(usage: Mapping[str, Any]) -> RunUsage:
    return RunUsage(
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cost_usd=usage["cost_usd"],
        tool_calls=usage["tool_calls"],
        steps=usage["steps"],
    )


def _failure(failure: Mapping[str, Any]) -> RunFailure:
    return RunFailure(
        kind=failure["kind"],
        message=failure["message"],
        blame=failure["blame"],
        recovery=tuple(failure["recovery"]),
        partial=failure["partial"],
    )


def _failure_object(failure: RunFailure) -> dict[str, object]:
    return {
        "kind": failure.kind,
        "message": failure.message,
        "blame": failure.blame,
        "recovery": list(failure.recovery),
        "partial": failure.partial,
    }


def _gate_object(gate: Gate) -> dict[str, object]:
    return {
        "gate_id": gate.gate_id,
        "question": gate.question,
        "schema": gate.schema,
        "expires_at": gate.expires_at,
        "parked": gate.parked,
    }


def _dump(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return orjson.dumps(plain_json(value)).decode()


def _load(text: str) -> dict[str, Any]:
    return cast("dict[str, Any]", orjson.loads(text))
