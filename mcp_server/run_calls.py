"""Stands for a run in an open call: reports it, asks the person behind the client, and answers the call.

A call ends in one of these ways, decided by what this request declares and nothing else:

* The run is over: its result.
* The client's time, or `wait_seconds`, is over: the run goes on, and the answer says how to come back.
* The client declares tasks: after a few seconds of visible progress the answer is the task.
* The run asks a person: see `mcp_server.gates`.
* The client has cancelled: the run ends, unless others wait for it or the client only gave up waiting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import anyio
from mcp.server.context import ServerRequestContext
from mcp_types import (
    CallToolResult,
    ElicitResult,
    InputRequiredResult,
    ProgressNotification,
    ProgressNotificationParams,
    TextContent,
)

from mcp_server.assembly import Assembly
from mcp_server.call_ledger import CallLedger
from mcp_server.cancellations import Cancellations
from mcp_server.client_clocks import shortest
from mcp_server.eras import can_ask, client_name, declares_tasks, is_modern
from mcp_server.failures import rejection_text, run_error_in
from mcp_server.gates import form_schema, questions_of, reply_from
from mcp_server.owner import session_of_call
from mcp_server.progress import ProgressFrame, ProgressReporter, SendProgress
from mcp_server.replay import Replay
from mcp_server.run_results import run_result
from mcp_server.task_shape import TaskCreated, TaskShapes
from workflows.runs.errors import RunError, RunNotFound, RunNotWaiting
from workflows.runs.run import Run

EVENT_META = "io.github.agent-workflows/event"
"""Key under which a progress notification carries the event it stands for."""

RequestContext = ServerRequestContext[dict[str, object], object]
CallAnswer: TypeAlias = CallToolResult | InputRequiredResult | TaskCreated


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """How a call attends a run.

    Attributes:
        after: Number of the last event the caller has heard of.
        introduction: Words before the first line, where the run was there before the call.
        wait_seconds: After how long to answer even if the run is not over; None: when it is.
        responses: What the client's user has answered to what an earlier answer of this call has asked, by gate id.
    """

    after: int = 0
    introduction: str = ""
    wait_seconds: float | None = None
    responses: Mapping[str, object] | None = None


class RunCalls:
    """Attends runs for calls.

    Args:
        assembly: The server's parts.
        cancellations: Why calls were cancelled.
    """

    def __init__(self, assembly: Assembly, cancellations: Cancellations) -> None:
        self._assembly = assembly
        self._cancellations = cancellations
        self._ledger = CallLedger()
        self._shapes = TaskShapes(assembly)

    async def attend(self, run: Run, attendance: Attendance, ctx: RequestContext) -> CallAnswer:
        """Report a run until there is an answer to the call."""
        run_id = run.run_id
        with self._ledger.attached(run_id):
            try:
                return await self._attend(run, attendance, ctx)
            except anyio.get_cancelled_exc_class():
                if await self._nobody_wants(run_id, ctx):
                    self._assembly.engine.cancel_soon(run_id, by="client", reason="the call was cancelled")
                raise
            except RunError as error:
                return self._left(run_id, error)
            except BaseExceptionGroup as group:
                error = run_error_in(group)
                if error is None:
                    raise
                return self._left(run_id, error)

    async def _attend(self, run: Run, attendance: Attendance, ctx: RequestContext) -> CallAnswer:
        patience = self._assembly.patience
        limit = shortest(attendance.wait_seconds, patience.of(client_name(ctx)))
        if declares_tasks(ctx):
            limit = shortest(limit, patience.task_grace_seconds)
        deadline = None if limit is None else anyio.current_time() + limit
        reporter = self._reporter(run, ctx)
        after, asked = attendance.after, set[str]()
        if attendance.responses is not None:
            asked = set(attendance.responses)
            run = await self._take(run, attendance.responses, ctx)
        await reporter.begin(run, after, attendance.introduction)
        while True:
            left = None if deadline is None else max(0.0, deadline - anyio.current_time())
            if run.status != "waiting":
                await reporter.follow(left)
            run = await self._existing(run.run_id)
            if run.status in {"queued", "running"} and (deadline is None or anyio.current_time() < deadline):
                continue  # what it asked is answered already, by somebody else
            if run.status != "waiting" or declares_tasks(ctx) or not can_ask(ctx):
                break
            if is_modern(ctx):
                if fresh := {gate_id: form for gate_id, form in questions_of(run).items() if gate_id not in asked}:
                    await reporter.close()
                    return InputRequiredResult(input_requests=dict(fresh), request_state=run.run_id)
                break
            if not await self._asked(run, reporter, ctx):
                break
            run = await self._existing(run.run_id)
        await reporter.close()
        if declares_tasks(ctx) and not run.ended:
            return await self._shapes.created(run)
        return await self.result(run.run_id)

    async def _take(self, run: Run, responses: Mapping[str, object], ctx: RequestContext) -> Run:
        """Give a run what its client's user has answered."""
        for gate in run.gates:
            response = responses.get(gate.gate_id)
            reply = reply_from(gate, response, client_name(ctx)) if isinstance(response, ElicitResult) else None
            if reply is not None:
                try:
                    run = await self._assembly.engine.answer(run.run_id, reply)
                except RunNotWaiting:  # somebody was quicker: then the run goes on with their answer
                    run = await self._existing(run.run_id)
        return run

    async def _asked(self, run: Run, reporter: ProgressReporter, ctx: RequestContext) -> bool:
        """Ask the user of a client of the handshake era; whether there was an answer."""
        gate = run.gates[0]
        result = ElicitResult(action="cancel")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reporter.remind)
            result = await ctx.session.elicit_form(gate.question, form_schema(gate), ctx.request_id)
            tasks.cancel_scope.cancel()
        reply = reply_from(gate, result, client_name(ctx))
        if reply is None:
            return False
        try:
            await self._assembly.engine.answer(run.run_id, reply)
        except RunNotWaiting:
            return True  # somebody was quicker
        return True

    async def _nobody_wants(self, run_id: str, ctx: RequestContext) -> bool:
        """Whether a cancelled call's run is to end.

        Not if the client only gave up waiting, if others wait for it, here or where it runs, or if this server goes
        away and leaves the run to be found again.
        """
        if await self._cancellations.client_gave_up(ctx.request_id, session_of_call(ctx)):
            return False
        engine = self._assembly.engine
        return not engine.closed and engine.runs_here(run_id) and self._ledger.is_last(run_id)

    def _reporter(self, run: Run, ctx: RequestContext) -> ProgressReporter:
        token = (ctx.meta or {}).get("progress_token")
        send: SendProgress = _silence if token is None else _sender(ctx, token)
        return ProgressReporter(self._assembly.log, self._assembly.engine, send, run.workspace)

    async def replay(self, run: Run, replay: Replay, ctx: RequestContext) -> CallToolResult:
        """Play a run that is over for a call, then answer it as it was answered."""
        reporter = self._reporter(run, ctx)
        await reporter.play(replay.events(), f"replay of run {run.run_id} · ")
        return await self.result(run.run_id)

    async def _existing(self, run_id: str) -> Run:
        run = await self._assembly.log.get(run_id)
        if run is None:
            raise RunNotFound(f"Run {run_id!r} is gone.")
        return run

    def _left(self, run_id: str, error: RunError) -> CallToolResult:
        """The answer when a run cannot be watched any more; the run itself has its own fate."""
        if self._assembly.engine.closed:
            text = (
                f"The server is shutting down. What run {run_id} has done is kept: on the next server, the same call, "
                f"or resume_run with this run_id, goes on with it."
            )
        else:
            why = rejection_text(error)
            text = f"{why}\nThe run {run_id} could not be followed further; get_run says how it stands."
        return CallToolResult(content=[TextContent(text=text)], is_error=True)

    async def result(self, run_id: str) -> CallToolResult:
        """A run as a tool's result."""
        return run_result(await self._existing(run_id), await self._assembly.log.artifacts(run_id))


async def _silence(frame: ProgressFrame) -> None:
    """Where lines go that nobody asked for."""
    del frame


def _sender(ctx: RequestContext, token: str | int) -> SendProgress:
    async def send(frame: ProgressFrame) -> None:
        params = ProgressNotificationParams(
            progress_token=token,
            progress=frame.progress,
            total=100,
            message=frame.message,
            _meta={EVENT_META: dict(frame.event)},
        )
        await ctx.session.send_notification(ProgressNotification(params=params), related_request_id=ctx.request_id)

    return send
