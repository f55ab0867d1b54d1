"""The MCP Tasks extension (SEP-2663, protocol 2026-07-28): a run that is asked after instead of waited for.

A task is a run, and its id the run's. It is answered from the run's log, so it does not matter which process made it,
or whether that process still lives. That somebody asks after a task whose run was interrupted is the sign that somebody
wants it: the run then goes on.

What the specification leaves open is decided so:

* An id that could be one of ours and is nobody's, or somebody else's, is answered with a task that has failed: clients
  go on asking through an error, and stop at that. Anything else is an error (-32602), as the specification wants it.
* An answer that does not fit its question is an error (-32602), and the question stays open.
"""

import logging
import re
from collections.abc import Sequence
from typing import Any

import anyio
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp_types import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS, ElicitResult, Result
from pydantic import TypeAdapter, ValidationError

from mcp_server.assembly import Assembly
from mcp_server.eras import RequestContext, client_name
from mcp_server.failures import rejection_text
from mcp_server.gates import reply_from
from mcp_server.introduction import TASKS
from mcp_server.newest_line import LOOKED_AT
from mcp_server.own_runs import FindOwnRun, own_run, own_run_in_the_log, own_run_with_newest
from mcp_server.owner import owner_of_call
from mcp_server.task_params import TaskParams, TaskUpdateParams
from mcp_server.task_shape import Task, TaskShapes
from workflows.runs.errors import InputRejected, RunError, RunNotFound, RunNotResumable, RunNotWaiting, WorkflowNotFound
from workflows.runs.events import RunEvent
from workflows.runs.run import Run

logger = logging.getLogger(__name__)

CANCEL_PATIENCE_SECONDS = 1.0
"""How long the answer to `tasks/cancel` waits for the run's end; the end comes in any case."""
_OURS = re.compile(r"[0-9a-f]{20}")
_elicited = TypeAdapter(ElicitResult)


class Tasks:
    """Answers `tasks/get`, `tasks/update` and `tasks/cancel`.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._shapes = TaskShapes(assembly)

    async def get(self, ctx: RequestContext, params: TaskParams) -> Task:
        """How a task stands; one whose run was interrupted goes on."""
        self._check(ctx, params)
        try:
            run, newest = await own_run_with_newest(self._assembly, params.task_id, owner_of_call(ctx), LOOKED_AT)
            return await self.standing(run, newest)
        except RunNotFound:
            return _unknown(params.task_id)
        except RunError as error:
            raise MCPError(code=INTERNAL_ERROR, message=rejection_text(error)) from error

    async def standing(self, run: Run, newest: Sequence[RunEvent] = ()) -> Task:
        """A run as a task; goes on with it where it was interrupted.

        Args:
            run: The run.
            newest: Its newest events, where they have been read already.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot be read.
        """
        if run.status == "interrupted":
            try:
                run = await self._assembly.engine.resume(run.run_id, by="tasks/get")
            except (RunNotResumable, WorkflowNotFound) as error:
                return self._shapes.failed(run, rejection_text(error))
        return await self._shapes.task(run, newest)

    async def update(self, ctx: RequestContext, params: TaskUpdateParams) -> Result:
        """Give a task what its client's user has answered; keys that are not open are passed over."""
        run = await self._existing(ctx, params)
        for gate in run.gates:
            if gate.gate_id not in params.input_responses:
                continue
            try:
                reply = reply_from(
                    gate, _elicited.validate_python(params.input_responses[gate.gate_id]), client_name(ctx)
                )
                if reply is not None:
                    await self._assembly.engine.answer(run.run_id, reply)
            except ValidationError as error:
                message = f"inputResponses.{gate.gate_id} is no answer to an elicitation"
                raise MCPError(code=INVALID_PARAMS, message=message) from error
            except InputRejected as error:
                raise MCPError(code=INVALID_PARAMS, message=rejection_text(error)) from error
            except RunNotWaiting:
                continue  # answered elsewhere meanwhile
            except RunError as error:
                raise MCPError(code=INTERNAL_ERROR, message=rejection_text(error)) from error
        return Result()

    async def cancel(self, ctx: RequestContext, params: TaskParams) -> Result:
        """End a task's run; may be repeated, and changes nothing in one that has ended."""
        run = await self._existing(ctx, params, find=own_run_in_the_log)
        if not run.ended:
            with anyio.move_on_after(CANCEL_PATIENCE_SECONDS):
                try:
                    await self._assembly.engine.cancel(run.run_id, by=client_name(ctx), reason="the task was cancelled")
                except RunError as error:
                    logger.warning("run %s: %s", run.run_id, error.message)
        return Result()

    async def _existing(self, ctx: RequestContext, params: TaskParams, *, find: FindOwnRun = own_run) -> Run:
        self._check(ctx, params)
        try:
            return await find(self._assembly, params.task_id, owner_of_call(ctx))
        except RunNotFound as error:
            raise _not_found() from error
        except RunError as error:
            raise MCPError(code=INTERNAL_ERROR, message=rejection_text(error)) from error

    def _check(self, ctx: RequestContext, params: TaskParams) -> None:
        require_client_extension(ctx, TASKS)
        headers: Any = getattr(ctx.request, "headers", None)  # None on a pipe
        if headers is not None and headers.get("mcp-name") != params.task_id:
            raise MCPError(code=HEADER_MISMATCH, message="The header Mcp-Name must be the request's taskId")


def _unknown(task_id: str) -> Task:
    if not _OURS.fullmatch(task_id):
        raise _not_found()
    message = "There is no such task here: its run was never started, or belongs to somebody else."
    return Task(
        task_id=task_id,
        status="failed",
        status_message=message,
        created_at=_LONG_AGO,
        last_updated_at=_LONG_AGO,
        error={"code": INVALID_PARAMS, "message": message},
    )


_LONG_AGO = "1970-01-01T00:00:00.000+00:00"
"""A time for what has none; the same whoever asks."""


def _not_found() -> MCPError:
    return MCPError(code=INVALID_PARAMS, message="Task not found")
