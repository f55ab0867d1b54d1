"""How long a run was at work is told once: its last event says what its row says, and counts no wait."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from agents.agent import AgentReply, AgentTask, PermissionQuestion
from agents.events import Emit, Thought
from tests.workflows.runs.floor import Act, Floor, Held, answer, floor
from tests.workflows.runs.small_workflows import asking, one_stage, workflow
from workflows.runs import chronicle
from workflows.runs.events import (
    EventBody,
    GateAnswered,
    GateOpened,
    Heartbeat,
    LastEvent,
    RunEvent,
    StageCompleted,
    TokenStream,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.run import GateReply, Run, RunOptions
from workflows.runs.sqlite import writer
from workflows.runs.time_at_work import TimeAtWork, seconds_at_work
from workflows.runs.workplace import Workplace

pytestmark = pytest.mark.anyio

ASKING = workflow(asking(), "plan", "approval", "work", name="asking")
WORK = workflow(one_stage, "work", name="work")

PutAway: TypeAlias = Callable[[Workplace, LastEvent], Awaitable[LastEvent]]


class Hours:
    """Time that passes only when a test says so: by the clock that only rises, and in what events say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._began = datetime.now(UTC)
        self._passed = 0
        for module in (writer, chronicle):
            monkeypatch.setattr(module, "utc_now", self._now)

    def clock(self) -> float:
        return self._passed * 3600.0

    def pass_by(self, hours: int) -> None:
        self._passed += hours

    def _now(self) -> str:
        return (self._began + timedelta(hours=self._passed)).isoformat(timespec="milliseconds")


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    return Hours(monkeypatch)


async def waiting(at: Floor, run: Run, *, parked: bool) -> Run:
    """A run once it has asked a person."""
    with anyio.fail_after(5):
        while not run.gates or run.parked != parked:
            await checkpoint()
            run = await at.get(run)
    return run


async def hours_told(at: Floor, run: Run) -> tuple[float, float, str]:
    """How long a run was at work in hours, as its row and its last event say when it has ended, and in words."""
    ended = await at.ended(run)
    last = (await at.events(run))[-1]
    assert isinstance(last.body, WorkflowCompleted)
    return ended.seconds / 3600, last.body.seconds / 3600, last.message.split(":")[0]


async def hours_of_stages(at: Floor, run: Run) -> dict[str, float]:
    """How long each stage took, as the log says."""
    bodies = [event.body for event in await at.events(run)]
    return {body.stage: body.seconds / 3600 for body in bodies if isinstance(body, StageCompleted)}


def asks_after_an_hour(hours: Hours) -> Act:
    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        assert task.ask_permission is not None
        hours.pass_by(1)
        emit(Thought(text="the tests must run"))
        await task.ask_permission(PermissionQuestion(tool="Bash", input={"command": "make test"}))
        hours.pass_by(1)
        return AgentReply(text="done")

    return act


async def test_a_night_in_which_a_permission_was_waited_for_is_told_by_no_event(tmp_path: Path, hours: Hours) -> None:
    async with floor(tmp_path, asks_after_an_hour(hours), clock=hours.clock) as at:
        run = await waiting(at, await at.start(WORK, options=RunOptions(permissions="ask")), parked=False)
        hours.pass_by(10)
        allowed = GateReply(gate_id=run.gates[0].gate_id, outcome="accepted", answer={"allow": True}, by="Ann")
        await at.engine.answer(run.run_id, allowed)
        assert await hours_told(at, run) == (2, 2, "completed in 2 h 0 min")
        assert await hours_of_stages(at, run) == {"work": 2}


async def test_a_night_in_which_a_place_was_waited_for_is_told_by_no_event(tmp_path: Path, hours: Hours) -> None:
    held = Held()

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        if task.prompt == "hold":
            return await held.act(task, emit)
        hours.pass_by(1)
        return await answer(task, emit)

    async with floor(tmp_path, act, max_runs=1, clock=hours.clock) as at:
        await at.start(WORK, "hold")
        await held.until_begun()
        run = await at.start(WORK, "second")
        with anyio.fail_after(5):
            while not any(isinstance(event.body, Heartbeat) for event in await at.events(run)):
                await checkpoint()
        hours.pass_by(10)
        held.release.set()
        assert await hours_told(at, run) == (1, 1, "completed in 1 h 0 min")


async def test_work_before_a_question_and_after_it_is_told_together(tmp_path: Path, hours: Hours) -> None:
    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        hours.pass_by(1)
        return await answer(task, emit)

    async with floor(tmp_path, act, clock=hours.clock) as at:
        run = await waiting(at, await at.start(ASKING), parked=True)
        hours.pass_by(10)
        yes = GateReply(gate_id="", outcome="accepted", answer={"approved": True}, by="Ann")
        await at.engine.answer(run.run_id, yes)
        assert await hours_told(at, run) == (2, 2, "completed in 2 h 0 min")
        assert await hours_of_stages(at, run) == {"plan": 1, "approval": 0, "work": 1}


async def test_to_put_its_files_away_is_work_too(tmp_path: Path, hours: Hours, monkeypatch: pytest.MonkeyPatch) -> None:
    put_away: PutAway = Workplace.put_away

    async def slow(workplace: Workplace, ending: LastEvent) -> LastEvent:
        hours.pass_by(1)
        return await put_away(workplace, ending)

    monkeypatch.setattr(Workplace, "put_away", slow)
    async with floor(tmp_path, answer, clock=hours.clock) as at:
        assert await hours_told(at, await at.start(WORK)) == (1, 1, "completed in 1 h 0 min")


BODIES: list[EventBody] = [
    WorkflowStarted(workflow="w", input={}, stages=[], offline=False),
    TokenStream(agent="a", channel="text", text="x"),
    Heartbeat(agent="", stage="", seconds=0, waiting_for="slot", reason="r"),
    Heartbeat(agent="", stage="", seconds=0, waiting_for="start", reason="r"),
    Heartbeat(agent="a", stage="", seconds=9, waiting_for="model", reason="r"),
    GateOpened(gate_id="1", question="q", schema={}),
    GateOpened(gate_id="2", question="q", schema={}),
    GateAnswered(gate_id="1", answer=None, by="", outcome="accepted"),
    GateAnswered(gate_id="2", answer=None, by="", outcome="expired"),
    WorkflowResumed(after=1, next=()),
    WorkflowCancelled(by="", reason="", partial={}),
]
BEGAN = datetime(2026, 11, 22, tzinfo=UTC)
LATER = st.integers(-5_000, 10_000) | st.just(0)
"""Milliseconds to the next event: a clock may be put back."""


@given(st.lists(st.tuples(st.sampled_from(BODIES), LATER), max_size=30))
def test_the_sum_is_that_of_the_times_between_the_events(told: list[tuple[EventBody, int]]) -> None:
    folded, summed, moment, since = TimeAtWork(), 0.0, BEGAN, ""
    asked: frozenset[str] = frozenset()
    for number, (body, milliseconds) in enumerate(told, 1):
        moment += timedelta(milliseconds=milliseconds)
        time = moment.isoformat(timespec="milliseconds")
        event = RunEvent(run_id="r", seq=number, time=time, message="", progress=0, body=body)
        summed += seconds_at_work(since, event, waits=bool(asked))
        folded.take(event)
        since, asked = time, asked_after(body, asked)
        assert folded.seconds == pytest.approx(summed)


def asked_after(body: EventBody, asked: frozenset[str]) -> frozenset[str]:
    match body:
        case GateOpened():
            return asked | {body.gate_id}
        case GateAnswered():
            return asked - {body.gate_id}
        case WorkflowResumed() | WorkflowCancelled():
            return frozenset()
        case _:
            return asked
