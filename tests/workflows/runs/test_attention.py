"""What is said to a run from another process is heard by it, or kept until somebody can hear it."""

from pathlib import Path

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.events import Emit
from tests.waiting import until
from tests.workflows.runs.floor import Floor, Held, answer, floor
from tests.workflows.runs.small_workflows import asking, one_stage, workflow
from tests.workflows.runs.test_gates import YES, parked, reply
from workflows.runs import attention
from workflows.runs.chronicle import Chronicle
from workflows.runs.errors import LogUnavailable, RunError, RunTakenOver
from workflows.runs.events import AgentEvent, EventBody
from workflows.runs.run import Run, Steering, Word
from workflows.runs.sqlite.log import SqliteEventLog
from workflows.runs.sqlite.writer import SqliteRunWriter

pytestmark = pytest.mark.anyio

ASKING = workflow(asking(), "plan", "approval", "work", name="asking")
ONE_STAGE = workflow(one_stage, "work")


class Looks:
    """How often the log was looked into for words."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        real = SqliteEventLog.take_words

        async def take_words(log: SqliteEventLog, *arguments: object) -> object:
            words = await real(log, *arguments)  # pyright: ignore[reportArgumentType] - handed on as they are
            self.number += 1
            return words

        monkeypatch.setattr(SqliteEventLog, "take_words", take_words)
        monkeypatch.setattr(attention, "ATTEND_SECONDS", 0.01)

    async def next(self, number: int = 2) -> None:
        """Return when it was looked a few times more."""
        wanted = self.number + number
        await until(lambda: self.number >= wanted)


async def heard(at: Floor, run: Run) -> list[str]:
    """What the run's log says that people have said to it."""
    events = [event.body for event in await at.events(run)]
    return [str(body.details["text"]) for body in events if isinstance(body, AgentEvent) and body.agent == "Ann"]


async def test_what_was_said_to_a_parked_run_is_kept_while_it_gets_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, held, claimed, go_on = Looks(monkeypatch), Held(), anyio.Event(), anyio.Event()
    real = SqliteEventLog.open

    async def slow(self: SqliteEventLog, run_id: str, process: str) -> SqliteRunWriter:
        claimed.set()
        await go_on.wait()
        return await real(self, run_id, process)

    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
    async with floor(tmp_path, held.act) as at:
        at.workflows["asking"] = ASKING
        await at.start(ONE_STAGE)  # so that words are looked for
        await held.until_begun()
        await at.engine.steer(run.run_id, Steering(text="mind the tests", by="Ann"))
        monkeypatch.setattr(SqliteEventLog, "open", slow)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(at.engine.answer, run.run_id, reply(YES))
            with anyio.fail_after(5):
                await claimed.wait()
            await looks.next()
            go_on.set()
        held.release.set()
        await at.ended(run)
        assert await heard(at, run) == ["mind the tests"]


@pytest.mark.parametrize("error", [LogUnavailable("the disk is full"), RunTakenOver("it writes its end")])
async def test_a_word_that_cannot_be_heard_is_put_back_and_keeps_nothing_else_from_being_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: RunError
) -> None:
    real, failures = Chronicle.record, [error]

    def record(self: Chronicle, body: EventBody) -> None:
        if isinstance(body, AgentEvent) and body.agent == "Ann" and failures:
            raise failures.pop()
        real(self, body)

    monkeypatch.setattr(Chronicle, "record", record)
    monkeypatch.setattr(attention, "ATTEND_SECONDS", 0.01)
    held = Held()
    async with floor(tmp_path, held.act) as at, floor(tmp_path, answer) as other:
        first, second = await at.start(ONE_STAGE, "1"), await at.start(ONE_STAGE, "2")
        await held.until_begun(2)
        for run in (first, second):
            await other.engine.steer(run.run_id, Steering(text="mind the tests", by="Ann"))
        with anyio.fail_after(5):
            for run in (first, second):
                while await heard(at, run) != ["mind the tests"]:
                    await anyio.lowlevel.checkpoint()
            await other.engine.cancel(first.run_id, by="Ann", reason="")
        held.release.set()
        await at.ended(second)
    assert error.message in caplog.text


async def test_a_word_for_a_run_that_is_over_is_said_to_have_come_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = SqliteEventLog.take_words

    async def take_words(log: SqliteEventLog, process: str, run_ids: tuple[str, ...]) -> list[tuple[str, Word]]:
        words = list(await real(log, process, run_ids))
        if words:  # its job has gone by the time they are here
            held.release.set()
            await at.ended(run)
            await until(lambda: not at.engine.runs_here(run.run_id))
        return words

    monkeypatch.setattr(SqliteEventLog, "take_words", take_words)
    held = Held()
    async with floor(tmp_path, held.act) as at, floor(tmp_path, answer) as other:
        run = await at.start(ONE_STAGE)
        await held.until_begun()
        await other.engine.steer(run.run_id, Steering(text="mind the tests", by="Ann"))
        await until(lambda: "came too late" in caplog.text)
    assert "mind the tests" in caplog.text


@pytest.mark.parametrize("others_at_work", [False, True])
async def test_what_was_said_to_a_parked_run_is_the_first_thing_its_agents_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, others_at_work: bool
) -> None:
    monkeypatch.setattr(attention, "ATTEND_SECONDS", 60)
    held, prompts = Held(), list[str]()

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        prompts.append(task.prompt)
        return await held.act(task, emit) if task.prompt == "busy" else await answer(task, emit)

    async with floor(tmp_path, act) as at:
        if others_at_work:
            await at.start(ONE_STAGE, "busy")
            await held.until_begun()
        run = await parked(at, await at.start(ASKING))
        prompts.clear()
        await at.engine.steer(run.run_id, Steering(text="mind the tests", by="Ann"))
        await at.engine.answer(run.run_id, reply(YES))
        await at.ended(run)
        assert ["mind the tests" in prompt for prompt in prompts] == [True]
        assert await heard(at, run) == ["mind the tests"]
