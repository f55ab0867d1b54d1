"""Stands for a run in an open call: reports it, asks the person behind the client, and answers the call.

A call ends in one of these ways, decided by what this request declares and nothing else:

* The run is over: its result.
* The client's time, or `wait_seconds`, is over: the run goes on, and the answer says how to come back.
* The client declares tasks: after a few seconds of visible progress the answer is the task.
* The run asks a person: see `mcp_server.gates`.
* The client has cancelled: the run ends, unless others wait for it or the client only gave up waiting.
* The client is gone without a word: the run is interrupted, unless others wait for it or the call had only joined it.
"""

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

import anyio
from mcp_types import (
    CallToolResult,
    ElicitResult,
    InputRequiredResult,
    ProgressNotification,
    ProgressNotificationParams,
    TextContent,
)
from pydantic import BaseModel, Field

from mcp_server.assembly import Assembly
from mcp_server.cancellations import Cancellations
from mcp_server.elicitation import Refusals, elicited
from mcp_server.eras import RequestContext, can_ask, client_name, declares_tasks, is_modern
from mcp_server.failures import rejection_text, run_error_in, validated
from mcp_server.gates import questions_of, reply_from
from mcp_server.own_runs import own_run
from mcp_server.owner import owner_of_call
from mcp_server.progress import ProgressFrame, ProgressReporter, SendProgress
from mcp_server.replay import Replay
from mcp_server.run_results import run_result
from mcp_server.task_shape import TaskCreated, TaskShapes
from workflows.runs.errors import InputRejected, RunError, RunNotFound, RunNotWaiting
from workflows.runs.events import GateAnswered
from workflows.runs.run import Gate, Run

logger = logging.getLogger(__name__)

EVENT_META = "io.github.agent-workflows/event"
"""Key under which a progress notification carries the event it stands for."""

CallAnswer: TypeAlias = CallToolResult | InputRequiredResult | TaskCreated


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """How a call attends a run.

    Attributes:
        after: Number of the last event the caller has heard of.
        introduction: Words before the first line, where the run was there before the call.
        wait_seconds: After how long to answer even if the run is not over; None: when it is.
        joined: Whether the run was at work without the call.
        responses: What the client's user has answered to what an earlier answer of this call has asked, by gate id.
    """

    after: int = 0
    introduction: str = ""
    wait_seconds: float | None = None
    joined: bool = False
    responses: Mapping[str, object] | None = None


class _RepeatedCall(BaseModel):
    """What a call that comes again is still asked with; the rest of its arguments was used when it came first."""

    wait_seconds: float | None = Field(default=None, ge=0, le=86_400)


class RunCalls:
    """Attends runs for calls.

    Args:
        assembly: The server's parts.
        cancellations: Why calls were cancelled.
    """

    def __init__(self, assembly: Assembly, cancellations: Cancellations) -> None:
        self._assembly = assembly
        self._cancellations = cancellations
        self._shapes = TaskShapes(assembly)

    async def attend_again(
        self, run_id: str, arguments: Mapping[str, object], responses: Mapping[str, object], ctx: RequestContext
    ) -> CallAnswer:
        """Attend the run of a call that comes again with answers; what the call asks for was done when it came first.

        Args:
            run_id: The run, from the state that the client brings back.
            arguments: The call's arguments.
            responses: What the client's user has answered, by gate id.
            ctx: The request.

        Raises:
            workflows.runs.errors.RunError: There is no such run, or it was interrupted and cannot go on.
        """
        wait_seconds = validated(_RepeatedCall, arguments).wait_seconds
        run = await own_run(self._assembly, run_id, owner_of_call(ctx))
        after, word = run.last_seq, "joined"
        if run.status == "interrupted":
            run, word = await self._assembly.engine.resume(run_id, by=client_name(ctx)), "resumed"
        introduction = f"{word} run {run_id} · "
        attendance = Attendance(after=after, introduction=introduction, wait_seconds=wait_seconds, responses=responses)
        return await self.attend(run, attendance, ctx)

    async def attend(self, run: Run, attendance: Attendance, ctx: RequestContext) -> CallAnswer:
        """Report a run until there is an answer to the call."""
        run_id, waiters = run.run_id, self._assembly.waiters
        waiters.called_again(run_id)
        with waiters.attached(run_id):
            try:
                return await self._attend(run, attendance, ctx)
            except anyio.get_cancelled_exc_class():
                await self._let_go(run_id, ctx, joined=attendance.joined)
                raise
            except RunError as error:
                return self._left(run_id, error)
            except BaseExceptionGroup as group:
                error = run_error_in(group)
                if error is None:
                    raise
                return self._left(run_id, error)

    async def _attend(self, run: Run, attendance: Attendance, ctx: RequestContext) -> CallAnswer:
        deadline = self._assembly.patience.answer_by(client_name(ctx), attendance.wait_seconds)
        if declares_tasks(ctx):  # these seconds are for the progress to be seen, and begin with it
            deadline = min(deadline, anyio.current_time() + self._assembly.patience.task_grace_seconds)
        reporter = self._reporter(run, ctx)
        after, asked = attendance.after, set[str]()
        refusals = Refusals()
        if attendance.responses is not None:
            run = await self._take(run, attendance.responses, refusals, ctx)
            asked = set(attendance.responses) - set(refusals.reasons)
        await reporter.begin(run, after, attendance.introduction)
        while True:
            if run.status != "waiting":
                await reporter.follow(until=deadline)
            run = await self._existing(run.run_id)
            if run.status in {"queued", "running"} and anyio.current_time() < deadline:
                continue  # what it asked is answered already, by somebody else
            if run.status != "waiting" or declares_tasks(ctx) or not can_ask(ctx):
                break
            if is_modern(ctx):
                questions = questions_of(run, refusals.reasons).items()
                if fresh := {gate_id: form for gate_id, form in questions if gate_id not in asked}:
                    await reporter.close()
                    return InputRequiredResult(input_requests=dict(fresh), request_state=run.run_id)
                break
            if not await self._asked(run, reporter, deadline, refusals, ctx):
                break
            run = await self._existing(run.run_id)
        await reporter.close()
        if declares_tasks(ctx) and not run.ended:
            return await self._shapes.created(run)
        return await self.result(run.run_id)

    async def _take(self, run: Run, responses: Mapping[str, object], refusals: Refusals, ctx: RequestContext) -> Run:
        """Give a run what its client's user has answered."""
        for gate in run.gates:
            response = responses.get(gate.gate_id)
            reply = reply_from(gate, response, client_name(ctx)) if isinstance(response, ElicitResult) else None
            if reply is not None:
                try:
                    run = await self._assembly.engine.answer(run.run_id, reply)
                except RunNotWaiting:  # somebody was quicker: then the run goes on with their answer
                    run = await self._existing(run.run_id)
                except InputRejected as error:
                    refusals.add(gate, error)
        return run

    async def _asked(
        self,
        run: Run,
        reporter: ProgressReporter,
        deadline: float,
        refusals: Refusals,
        ctx: RequestContext,
    ) -> bool:
        """Ask the user of a client of the handshake era; whether there is something new, an answer or a refused one.

        The client is told to take it back when it is settled elsewhere, or when the call's time is over.
        """
        gate, result, settled = run.gates[0], ElicitResult(action="cancel"), False
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                nonlocal settled
                await self._until_settled(run, gate)
                settled = True
                tasks.cancel_scope.cancel()

            tasks.cancel_scope.deadline = deadline
            tasks.start_soon(reporter.remind)
            tasks.start_soon(watch)
            result = await elicited(gate, refusals.reasons.get(gate.gate_id, ""), ctx)
            tasks.cancel_scope.cancel()
        reply = reply_from(gate, result, client_name(ctx))
        if settled or reply is None:
            return settled
        try:
            await self._assembly.engine.answer(run.run_id, reply)
        except RunNotWaiting:
            return True  # somebody was quicker
        except InputRejected as error:
            return refusals.add(gate, error)
        return True

    async def _until_settled(self, run: Run, gate: Gate) -> None:
        """Return when a question is not open any more: it was answered, its time is over, or its run is."""
        async with aclosing(self._assembly.engine.follow(run.run_id, run.last_seq)) as batches:
            async for events in batches:
                if any(isinstance(event.body, GateAnswered) and event.body.gate_id == gate.gate_id for event in events):
                    return

    async def _let_go(self, run_id: str, ctx: RequestContext, *, joined: bool) -> None:
        """Say what a call's cancellation means for its run, before the call is gone.

        The run goes on if the client only gave up waiting, if others wait for it, here or where it runs, or if this
        server goes away and leaves the run to be found again; and also if nobody knows what the client wants, and the
        run was at work without it.
        """
        meaning, waiters = await self._cancellations.meaning(ctx), self._assembly.waiters
        match meaning:
            case "gave_up":
                waiters.goes_on(run_id)
            case "end" if not joined or waiters.is_last(run_id):
                waiters.stop_when_left(run_id, "cancel")
            case "unknown" if not joined:
                waiters.stop_when_left(run_id, "leave")
            case "end" | "unknown":
                pass

    def _reporter(self, run: Run, ctx: RequestContext) -> ProgressReporter:
        token = (ctx.meta or {}).get("progress_token")
        send = None if token is None else _sender(ctx, token)
        return ProgressReporter(self._assembly.log, self._assembly.engine, send, run.workspace)

    async def replay(self, run: Run, replay: Replay, ctx: RequestContext) -> CallToolResult:
        """Play a run that is over for a call, as long as its client waits, then answer it as it was answered."""
        if (ctx.meta or {}).get("progress_token") is not None:  # else nobody would see it played
            reporter = self._reporter(run, ctx)
            with anyio.CancelScope(deadline=self._assembly.patience.answer_by(client_name(ctx))):
                await reporter.play(replay.events(), f"replay of run {run.run_id} · ")
            await reporter.close()
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
