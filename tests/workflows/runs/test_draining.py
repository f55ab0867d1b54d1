"""An engine that takes no more runs: nothing is begun, and what was begun goes on to its end."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agents.agent import AgentReply, AgentTask, PermissionQuestion
from agents.events import Emit
from tests.waiting import until
from tests.workflows.runs.floor import Held, answer, floor
from tests.workflows.runs.test_gates import ASKING, PATIENT, WORK, YES, a_day_passes, parked, reply, until_run
from workflows.runs.errors import LogUnavailable
from workflows.runs.run import RunOptions

pytestmark = pytest.mark.anyio


async def refused(action: Callable[[], Awaitable[object]]) -> None:
    """What would begin something is refused, and says what helps."""
    with pytest.raises(LogUnavailable, match="shutting down") as raised:
        await action()
    assert raised.value.recovery


async def test_nothing_is_begun(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        over = await at.ended(await at.start(WORK))
        waiting = await parked(at, await at.start(ASKING))
        at.engine.drain()

        await refused(lambda: at.start(WORK, "new"))
        await refused(lambda: at.engine.fork(over.run_id, "work", {}, owner="local"))
        await refused(lambda: at.engine.answer(waiting.run_id, reply(YES)))

        assert at.engine.draining
        assert not at.engine.closed
        assert (await at.get(waiting)).gates == waiting.gates


async def test_an_interrupted_run_is_left_to_the_next_server(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(WORK)
        await held.until_begun()
    async with floor(tmp_path, answer) as at:
        at.workflows[WORK.name] = WORK
        at.engine.drain()

        await refused(lambda: at.engine.resume(run.run_id, by="Ann"))
        await refused(lambda: at.start(WORK))

        assert (await at.get(run)).status == "interrupted"
    async with floor(tmp_path, answer) as at:
        assert (await at.ended(await at.start(WORK))).run_id == run.run_id


async def test_a_run_at_work_is_joined_and_ends(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(WORK)
        await held.until_begun()
        at.engine.drain()

        joined = await at.start(WORK)
        resumed = await at.engine.resume(run.run_id, by="Ann")
        assert at.engine.at_work
        held.release.set()
        ended = await at.ended(run)
        await until(lambda: not at.engine.at_work)

    assert joined.run_id == resumed.run_id == run.run_id
    assert ended.status == "completed"


async def test_a_run_that_waits_is_joined(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        waiting = await parked(at, await at.start(ASKING))
        at.engine.drain()

        joined = await at.start(ASKING)

    assert (joined.run_id, joined.status) == (waiting.run_id, "waiting")


async def test_an_agent_that_waits_in_its_process_gets_its_answer(tmp_path: Path) -> None:
    async def asks(task: AgentTask, emit: Emit) -> AgentReply:
        del emit
        assert task.ask_permission is not None
        given = await task.ask_permission(PermissionQuestion(tool="Bash", input={"command": "ls"}))
        return AgentReply(text="allowed" if given.allowed else "not allowed")

    async with floor(tmp_path, asks) as at:
        run = await at.start(WORK, options=RunOptions(permissions="ask"))
        run = await until_run(at, run, lambda run: run.status == "waiting")
        at.engine.drain()

        await at.engine.answer(run.run_id, reply({"allow": True}))
        ended = await at.ended(run)

    assert ended.result == {"answer": "allowed"}


async def test_a_question_whose_time_is_over_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with floor(tmp_path, answer) as at:
        waiting = await parked(at, await at.start(PATIENT))
        a_day_passes(monkeypatch)
        at.engine.drain()

        assert await at.engine.reconcile(waiting) == waiting
