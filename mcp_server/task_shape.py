"""A run as a task of the extension `io.modelcontextprotocol/tasks` (SEP-2663, protocol 2026-07-28)."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, assert_never

from mcp_types import INTERNAL_ERROR, Result

from mcp_server.assembly import Assembly
from mcp_server.gates import questions_of
from mcp_server.newest_line import newest_line
from mcp_server.results import seconds_of
from mcp_server.run_results import run_result
from workflows.runs.events import RunEvent
from workflows.runs.run import Run

TaskStatus: TypeAlias = Literal["working", "input_required", "completed", "failed", "cancelled"]

TTL_MS = 30 * 24 * 3600 * 1000
"""For how long after its creation a task is promised to be found: 30 days. Runs are not deleted by themselves."""

_POLL_MS = {"queued": 3000, "waiting": 3000, "interrupted": 1000}
_POLL_WORKING_MS = 1000
_POLL_LATE_MS = 2000
_LATE_SECONDS = 120.0


class TaskFields(Result):
    """What a task and its creation have in common."""

    task_id: str
    status: TaskStatus
    status_message: str | None = None
    created_at: str
    last_updated_at: str
    ttl_ms: int = TTL_MS
    poll_interval_ms: int = _POLL_WORKING_MS


class TaskCreated(TaskFields):
    """The answer to a call that has become a task."""

    result_type: Literal["task"] = "task"


class Task(TaskFields):
    """A task, as `tasks/get` tells it.

    Attributes:
        result: What the call would have returned, of a completed one.
        error: The JSON-RPC error of a failed one.
        input_requests: Every question that is open, by key.
    """

    result_type: Literal["complete"] = "complete"
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    input_requests: dict[str, Any] | None = None


class TaskShapes:
    """Makes tasks of runs.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    async def created(self, run: Run) -> TaskCreated:
        """A run as the answer to the call that has started or joined it."""
        return TaskCreated(**await self._fields(run))

    async def task(self, run: Run, newest: Sequence[RunEvent] = ()) -> Task:
        """A run as it stands.

        Args:
            run: The run.
            newest: Its newest events, where they have been read already.
        """
        task = Task(**await self._fields(run, newest))
        if run.status == "waiting":
            forms = questions_of(run).items()
            task.input_requests = {
                key: form.model_dump(by_alias=True, mode="json", exclude_none=True) for key, form in forms
            }
        elif task.status == "completed":
            result = run_result(run, await self._assembly.log.artifacts(run.run_id))
            task.result = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        return task

    def failed(self, run: Run, message: str) -> Task:
        """A run that nobody will go on with, for a client that would ask for ever."""
        return Task(
            task_id=run.run_id,
            status="failed",
            status_message=message,
            created_at=run.created_at,
            last_updated_at=run.updated_at,
            error={"code": INTERNAL_ERROR, "message": message},
        )

    async def _fields(self, run: Run, newest: Sequence[RunEvent] = ()) -> dict[str, Any]:
        return {
            "task_id": run.run_id,
            "status": _status(run),
            "status_message": await newest_line(self._assembly, run, newest),
            "created_at": run.created_at,
            "last_updated_at": run.updated_at,
            "poll_interval_ms": _poll_ms(run),
        }


def _status(run: Run) -> TaskStatus:
    match run.status:
        case "queued" | "running" | "interrupted":
            return "working"
        case "waiting":
            return "input_required"
        case "completed" | "failed":  # an error result is a result: the run has said what went wrong
            return "completed"
        case "cancelled":
            return "cancelled"
        case _:
            assert_never(run.status)


def _poll_ms(run: Run) -> int:
    """How often to ask: a run that has gone on for long does so a little longer."""
    from_table = _POLL_MS.get(run.status)
    if from_table is not None:
        return from_table
    return _POLL_LATE_MS if seconds_of(run) > _LATE_SECONDS else _POLL_WORKING_MS
