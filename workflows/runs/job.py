"""One run at work in this process: its graph in a task of its own, cancelled exactly once, awaited within a bound.

Why a task of its own: LangGraph waits for its nodes while it unwinds, and a second cancellation that lands in that
wait leaves them running, with their child processes. anyio cancels again on every turn of the loop, so nothing that
lives in an anyio scope may await the graph directly.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import assert_never

from pydantic import BaseModel

from workflows.context import WorkflowContext
from workflows.reports import AgentReport
from workflows.runs.chronicle import Chronicle
from workflows.runs.errors import LogUnavailable, RunTakenOver
from workflows.runs.events import AgentEvent, LastEvent
from workflows.runs.gate_request import GateRequest
from workflows.runs.graph_steps import GraphRunner, GraphStanding, GraphStep, NodeEnded, NodeReported
from workflows.runs.history import INSTRUCTION, History
from workflows.runs.live_gates import LiveGates
from workflows.runs.outcome import GraphTask, Left, Outcome, Outcomes, Parked, Paused, Stop
from workflows.runs.run import GateReply, Steering, Word
from workflows.runs.workplace import Workplace
from workflows.workflow import Workflow

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a cancelled graph may take. Longer than an agent needs to end its child: 3 s to SIGTERM, 3 s to SIGKILL."""
LOOK_SECONDS = 1.0
"""How often a job looks whether a heartbeat or its time limit is due."""
LAST_WORD_SECONDS = 3.0
"""How long after the time limit the graph may end by itself: its agent has the same limit, and tells what it had."""
AGAIN_SECONDS = 1.0
"""Pause between attempts to write down the run's end while the log cannot be written."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a job goes on that did not begin the run.

    Attributes:
        history: What the run had come to.
        announced: True if the log already says why it goes on: a question was answered.
    """

    history: History
    announced: bool


class Job:
    """One run at work.

    Args:
        workflow: What is run.
        state: What its graph begins with.
        context: What its nodes work with.
        chronicle: Where everything is written down.
        graphs: Opens what executes graphs; slow the first time.
        slots: How many jobs may be at work at once.
        workplace: Where its agents work.
        continuation: Where it goes on; None for a run that begins.
        asks_permission: Whether agents ask a person for what their role does not allow.
        learn: Has the bar go by what is usual; goes on beside the graph, and may be cancelled.
    """

    def __init__(
        self,
        workflow: Workflow,
        state: BaseModel,
        context: WorkflowContext,
        chronicle: Chronicle,
        graphs: Callable[[], Awaitable[GraphRunner]],
        slots: asyncio.Semaphore,
        workplace: Workplace,
        *,
        continuation: Continuation | None = None,
        asks_permission: bool = False,
        learn: Callable[[], Coroutine[None, None, None]] | None = None,
    ) -> None:
        self._continuation = continuation
        self._learn = learn
        self._gates = LiveGates(chronicle.record, chronicle.next_gate, str(context.workspace))
        if asks_permission:
            context = replace(context, ask_permission=self._gates.ask_permission)
        self._workflow = workflow
        self._state = state
        self._context = context
        self._chronicle = chronicle
        self._graphs = graphs
        self._slots = slots
        self._workplace = workplace
        self._outcomes = Outcomes(workflow, context, chronicle)
        self._stop: Stop | None = None
        self._stop_asked = asyncio.Event()
        self.done = asyncio.Event()
        """Nothing of it is at work any more, and its end is in the log, or it is known that it is not."""
        self.ended = False
        """Whether its last event is in the log, durable."""
        self.parked = False
        """Whether it has left the run to wait for a person's answer."""
        self.paused = False
        """Whether it has left the run because the log could not be written."""
        self.unwritten: LogUnavailable | None = None
        """Why its end, or what it does, is not in the log: the log cannot take it for the time being."""

    def stop(self, stop: Stop) -> None:
        """Ask the job to stop; the first reason counts."""
        if self._stop is None or (self.paused and self.cancelled is None and stop.kind == "cancelled"):
            self._stop = stop
            self._stop_asked.set()

    @property
    def state(self) -> BaseModel:
        """What its graph begins with; as it was given, while the log keeps it masked."""
        return self._state

    @property
    def cancelled(self) -> Stop | None:
        """Who has cancelled it and why, if somebody has."""
        return self._stop if self._stop is not None and self._stop.kind == "cancelled" else None

    def hear(self, word: Word) -> bool:
        """Take what somebody has to say; whether it was still of use.

        Raises:
            workflows.runs.errors.RunTakenOver: Another writer has the run.
            workflows.runs.errors.LogUnavailable: The log cannot be written.
        """
        match word:
            case GateReply():
                return self._gates.settle(word)
            case Steering():
                details = {"text": word.text, INSTRUCTION: word.text}
                self._chronicle.record(AgentEvent(agent=word.by, event_type="decision", details=details))
                self._context.instructions.add(word.text)
                return True
            case _:
                assert_never(word)

    async def run(self) -> None:
        """Execute the graph to its end, or until told to stop. Raises nothing but its own cancellation.

        While the log cannot be written, the run's end is kept and tried again; `done` is set meanwhile.
        """
        try:
            match await self._until_ended():
                case Parked():
                    self.parked = True
                    await self._chronicle.flush()
                case Paused() as pause:
                    self.paused = True
                    self._tell_pause(pause)
                case Left():
                    pass
                case ending:
                    await self._write_down(await self._workplace.put_away(ending))
        except RunTakenOver as error:
            logger.error("run %s: %s", self._context.run_id, error.message)
        except Exception:  # whatever is wrong in here must not leave callers waiting: the run is then interrupted
            logger.exception("run %s: its end could not be written down", self._context.run_id)
        finally:
            self.done.set()

    async def _write_down(self, ending: LastEvent) -> None:
        appended = False
        while not self.ended:
            try:
                if not appended:
                    self._chronicle.end(ending)
                    appended = True
                await self._chronicle.flush()
                self.ended = True
            except LogUnavailable as error:
                self._tell(error)
                await asyncio.sleep(AGAIN_SECONDS)

    def _tell(self, error: LogUnavailable) -> None:
        if self.unwritten is None:
            logger.error("run %s has ended, and its end waits: %s", self._context.run_id, error.message)
        self.unwritten = LogUnavailable(
            f"Run {self._context.run_id} has ended, but its end cannot be written to the log yet: {error.message} "
            "It is kept and will be written as soon as the log can take it, while this server lives.",
            recovery=error.recovery,
        )
        self.done.set()

    def _tell_pause(self, pause: Paused) -> None:
        logger.error("run %s pauses: %s", self._context.run_id, pause.reason)
        self.unwritten = LogUnavailable(
            f"Run {self._context.run_id} pauses, because what it does cannot be kept: {pause.reason} "
            "It goes on by itself as soon as the log can be written, while this server lives.",
            recovery=pause.recovery,
        )

    async def _until_ended(self) -> Outcome:
        graph = asyncio.create_task(self._execute(), name=f"graph {self._context.run_id}")
        stop_asked = asyncio.create_task(self._stop_asked.wait())
        learning = asyncio.create_task(self._learn()) if self._learn is not None else None
        try:
            while not graph.done() and self._stop is None:
                left = self._context.budget.seconds_left()
                patience = LOOK_SECONDS if left is None else max(0.0, min(LOOK_SECONDS, left + LAST_WORD_SECONDS))
                await asyncio.wait({graph, stop_asked}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                self._look_around()
        finally:
            stop_asked.cancel()
            if learning is not None:
                learning.cancel()
            await _end(graph, self._context.run_id)
        self._tell_usage()
        return self._outcomes.of(graph, self._stop)

    def _tell_usage(self) -> None:
        """Write down what was used and has not come out of the graph, because it was stopped or a node has failed."""
        if self._stop is not None and self._stop.kind in {"log", "taken"}:
            return
        with suppress(LogUnavailable):  # the run's end is tried again, and says why it waits
            for report in [*self._context.untold.values()]:
                self._chronicle.step(NodeReported(report))

    def _look_around(self) -> None:
        seconds_left = self._context.budget.seconds_left()
        if seconds_left is not None and seconds_left <= -LAST_WORD_SECONDS:
            self.stop(Stop("time_limit"))
        try:
            self._chronicle.beat()
        except RunTakenOver as error:
            self.stop(Stop("taken", reason=error.message))
        except LogUnavailable as error:
            self.stop(Stop("log", reason=error.message))

    async def _execute(self) -> BaseModel | Parked:
        if self._slots.locked():
            self._chronicle.waits("slot", "waiting for a free slot: as many runs as allowed are at work")
        async with self._slots:
            self._chronicle.waits("start", "loading the workflow")
            graphs = await self._graphs()
            self._context = replace(self._context, workspace=await self._workplace.open())
            async with aclosing(await self._steps(graphs)) as steps:
                async for step in steps:
                    self._chronicle.step(step)
                    if isinstance(step, NodeReported) and isinstance(step.report, AgentReport):
                        self._context.untold.pop(id(step.report.said), None)
                    if isinstance(step, NodeEnded):
                        await self._workplace.snapshot(step)  # the next node begins when the next step is asked for
                        # The log says that it has ended before anything comes after it; what it has done is durable.
                        await self._chronicle.flush()
        return Parked() if self._chronicle.parked else self._outcomes.output()

    async def _steps(self, graphs: GraphRunner) -> AsyncGenerator[GraphStep, None]:
        state = self._state.model_dump(mode="json")
        if self._continuation is None:
            return graphs.steps(self._workflow, state, self._context)
        standing = await graphs.standing(self._workflow, self._context.run_id)
        if self._continuation.announced:
            self._chronicle.go_on()
        else:
            self._chronicle.resume(standing)
        if not standing.begun:
            return graphs.steps(self._workflow, state, self._context)
        answers = _answers(standing, self._continuation.history)
        return graphs.steps_on(self._workflow, self._context, standing, answers)


def _answers(standing: GraphStanding, history: History) -> dict[str, object]:
    """What the graph's open questions were settled with, by the graph library's own ids; newest reply first."""
    answers: dict[str, object] = {}
    for asked, value in standing.asked.items():
        for gate_id, reply in history.replies.items():
            if gate_id.endswith(f"-{asked}") and gate_id not in history.asked:
                answers[asked] = GateRequest.of(value).resumption(reply)
    still_open = {gate_id.partition("-")[2] for gate_id in history.asked}
    return {asked: answer for asked, answer in answers.items() if asked not in still_open}


async def _end(graph: GraphTask, run_id: str) -> None:
    if graph.done():
        return
    graph.cancel()  # exactly once
    _, pending = await asyncio.wait({graph}, timeout=GRACE_SECONDS)
    if pending:
        logger.error("run %s: its graph was still running %.0f s after it was cancelled", run_id, GRACE_SECONDS)
