"""A cancel ends a run also where it comes at an awkward moment, and where nobody waits for it."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from agents.command_runner import CommandResult
from agents.conversation.task_tools import ModelTools
from agents.model_agent import ModelAgent
from agents.models.deltas import CallReady, TextDelta, Used
from agents.models.request import ToolCall
from tests.agents.model_agent_play import fetch_hello, run_every_command
from tests.fakes.model import FakeModel
from tests.workflows.runs.floor import Held, answer, floor
from tests.workflows.runs.small_workflows import asking, one_stage, workflow
from tests.workflows.runs.test_gates import parked, until_run
from tests.workflows.runs.test_resuming import EDITS, OPENED, Killed, a_day_later, interrupted, until_told
from workflows.runs import attention
from workflows.runs.chronicle import Chronicle
from workflows.runs.events import ToolStart, UsageRecorded
from workflows.runs.history import History
from workflows.runs.log import EventLog
from workflows.runs.outcome import GraphTask, Outcome, Outcomes, Parked, Stop
from workflows.runs.projection import project_all
from workflows.runs.run import Run

pytestmark = pytest.mark.anyio

ASKING = workflow(asking(), "plan", "approval", "work", name="asking")
ONE_STAGE = workflow(one_stage, "work")


class Slow:
    """Stands before something that takes its time, until it is told to go on."""

    def __init__(self) -> None:
        self.begins = anyio.Event()
        self.release = anyio.Event()

    async def pass_by(self) -> None:
        self.begins.set()
        await self.release.wait()

    async def until_begun(self) -> None:
        with anyio.fail_after(5):
            await self.begins.wait()


@pytest.fixture
def slow_end(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """The end of a run that nobody works on takes its time."""
    slow, real = Slow(), History.read

    async def read(log: EventLog, run_id: str) -> History:
        await slow.pass_by()
        return await real(log, run_id)

    monkeypatch.setattr(History, "read", read)
    return slow


async def left(directory: Path, status: str) -> Run:
    """A run of a process that is gone."""
    held = Held()
    async with floor(directory, answer if status == "waiting" else held.act) as at:
        run = await at.start(ASKING if status == "waiting" else ONE_STAGE)
        if status == "waiting":
            return await parked(at, run)
        await held.until_begun()
    return run


@pytest.mark.parametrize("status", ["waiting", "interrupted"])
async def test_a_cancel_that_nobody_waits_for_any_more_still_ends_the_run(
    tmp_path: Path, slow_end: Slow, status: str
) -> None:
    run = await left(tmp_path, status)
    async with floor(tmp_path, answer) as at:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted"))
            await slow_end.until_begun()
            tasks.cancel_scope.cancel()
        slow_end.release.set()
        ended = await until_run(at, run, lambda run: run.ended)
    assert ended.status == "cancelled"


@pytest.mark.parametrize("status", ["waiting", "interrupted"])
async def test_a_run_is_not_gone_on_with_while_its_end_is_written(tmp_path: Path, slow_end: Slow, status: str) -> None:
    run = await left(tmp_path, status)
    held = Held()
    async with floor(tmp_path, held.act) as at:
        at.workflows |= {each.name: each for each in (ASKING, ONE_STAGE)}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted"))
            await slow_end.until_begun()
            seen = await at.engine.reconcile(await at.get(run))
            assert (seen.active, seen.process) == (True, at.lock.token)
            if status == "interrupted":
                assert (await at.engine.resume(run.run_id, by="tasks/get")).active
            slow_end.release.set()
        assert (await at.get(run)).status == "cancelled"
    assert held.begun == 0


async def test_a_cancel_goes_before_a_question_that_was_just_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Chronicle.beat
    async with floor(tmp_path, answer) as at:

        def beat(self: Chronicle) -> None:
            if self.parked:  # its graph has ended, and what it came to is judged next
                at.engine.cancel_soon(run.run_id, by="Ann", reason="no longer wanted")
            real(self)

        monkeypatch.setattr(Chronicle, "beat", beat)
        run = await at.start(ASKING)
        ended = await at.ended(run)
    assert (ended.status, ended.gates) == ("cancelled", ())


async def test_a_cancel_that_comes_while_a_run_parks_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parks, judged = Slow(), list[Outcome]()
    real_of, real_flush = Outcomes.of, Chronicle.flush

    def of(self: Outcomes, graph: GraphTask, stop: Stop | None) -> Outcome:
        judged.append(real_of(self, graph, stop))
        return judged[-1]

    async def flush(self: Chronicle) -> None:
        if judged:
            await parks.pass_by()
        await real_flush(self)

    monkeypatch.setattr(Outcomes, "of", of)
    monkeypatch.setattr(Chronicle, "flush", flush)
    async with floor(tmp_path, answer) as at:
        run = await at.start(ASKING)
        await parks.until_begun()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted"))
            await checkpoint()
            parks.release.set()
        assert judged == [Parked()]
        assert (await at.get(run)).status == "cancelled"


async def test_a_cancel_ends_a_run_that_parks_elsewhere_before_it_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "ATTEND_SECONDS", 3600)  # it looks once, and never again
    held = Held()
    async with floor(tmp_path, held.act) as owner, floor(tmp_path, answer) as other:
        run = await owner.start(ASKING)
        await held.until_begun()
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: other.engine.cancel(run.run_id, by="Ann", reason="no longer wanted"))
                while not await other.log.cancel_requests(owner.lock.token):
                    await checkpoint()
                held.release.set()
        assert (await other.get(run)).status == "cancelled"


@pytest.mark.parametrize("status", ["waiting", "interrupted"])
async def test_the_time_before_the_cancel_of_a_run_that_nobody_worked_on_does_not_count(
    tmp_path: Path, status: str
) -> None:
    run = await left(tmp_path, status)
    async with floor(tmp_path, answer) as at:
        left_at = (await at.get(run)).last_seq
        await at.engine.cancel(run.run_id, by="test", reason="")
        events = await at.events(run)
    nightly = [event if event.seq <= left_at else a_day_later(event) for event in events]
    ended = project_all(run, nightly)
    assert (ended.status, ended.last_seq) == ("cancelled", len(events))
    assert ended.seconds < 3600


async def test_the_cost_of_a_run_that_was_killed_and_then_cancelled_is_unknown(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Killed([OPENED, EDITS]), ONE_STAGE)
    async with floor(tmp_path, answer) as at:
        ended = await at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted")
        events = await at.events(run)
    lost = [event.body for event in events if isinstance(event.body, UsageRecorded)]
    assert [(used.agent, used.cost_usd) for used in lost] == [("worker", None)]
    assert (ended.status, ended.usage.cost_usd) == ("cancelled", None)


@pytest.mark.parametrize("killed", [False, True])
async def test_an_agent_on_a_model_api_that_is_stopped_in_its_tools_owes_nothing(
    tmp_path: Path, *, killed: bool
) -> None:
    running, ran = anyio.Event(), 0

    async def the_second_hangs(argv: Sequence[str], cwd: Path, **_: object) -> CommandResult:
        nonlocal ran
        ran += 1
        if ran == 2:
            running.set()
            await anyio.sleep_forever()
        return await run_every_command(argv, cwd)

    tests, lint = (CallReady(ToolCall(name, "Bash", f'{{"command": "make {name}"}}')) for name in ("test", "lint"))
    used = Used(model="model", input_tokens=10, output_tokens=5, cost_usd=0.01)
    model = FakeModel([(TextDelta("I run both"), tests, lint, used)])
    agent = ModelAgent(model, ModelTools(run_command=the_second_hangs, fetch=fetch_hello))
    async with floor(tmp_path, agent.run) as at:
        run = await at.start(ONE_STAGE)
        with anyio.fail_after(5):
            await running.wait()
            await until_told(at, run, lambda events: sum(isinstance(event.body, ToolStart) for event in events) == 2)
        if not killed:
            await at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted")
    async with floor(tmp_path, answer) as at:
        ended = await at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted") if killed else await at.get(run)
    assert (ended.status, ended.usage.cost_usd) == ("cancelled", pytest.approx(0.01))


async def test_the_cost_of_a_run_that_was_cancelled_while_it_waited_is_known(tmp_path: Path) -> None:
    run = await left(tmp_path, "waiting")
    async with floor(tmp_path, answer) as at:
        ended = await at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted")
    assert (ended.status, ended.usage.cost_usd) == ("cancelled", pytest.approx(0.01))
