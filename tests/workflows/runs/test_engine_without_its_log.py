"""The engine while the log cannot be read or written: nobody waits for ever, and nothing is lost that can be kept."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.events import Emit, Thought
from tests.waiting import until
from tests.workflows.runs.floor import Floor, Held, answer, floor
from tests.workflows.runs.small_workflows import one_stage, workflow
from tests.workflows.runs.test_sqlite_log import by_hand, locked, make_room
from workflows.runs import attention, cancellation, jobs_at_work
from workflows.runs.chronicle import Chronicle
from workflows.runs.errors import LogUnavailable, NotEndedYet
from workflows.runs.graph_runner import LangGraphRunner
from workflows.runs.run import CancelRequest, Run, RunFilter
from workflows.runs.sqlite import commit as sqlite_commit
from workflows.runs.sqlite.log import SqliteEventLog
from workflows.runs.sqlite.writer import SqliteRunWriter

pytestmark = pytest.mark.anyio

ONE_STAGE = workflow(one_stage, "work")


async def talkative(task: AgentTask, emit: Emit) -> AgentReply:
    del task
    for number in range(500):
        emit(Thought(text=f"thought {number} " + "x" * 100))
    return AgentReply(text="42")


@asynccontextmanager
async def full_disk(at: Floor, directory: Path) -> AsyncGenerator[None, None]:
    ((pages,),) = by_hand(directory, "PRAGMA page_count")
    await at.log._commits.execute(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))  # pyright: ignore[reportPrivateUsage] - the disk's part
    yield
    await make_room(at.log)


async def drained(at: Floor, run: Run) -> None:
    async for _ in at.engine.follow(run.run_id):
        pass


async def test_closing_takes_no_longer_than_its_bound_while_another_program_holds_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        await at.start(ONE_STAGE)
        await held.until_begun()
        with locked(tmp_path):
            await at.engine.close()
            assert "did not answer in time" in caplog.text, "its bound was not what ended it"
            assert "stays marked as running" not in caplog.text, "the log had given up before"
        assert held.cleaned_up == 1


async def test_closing_does_not_raise_when_the_log_cannot_take_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> bool:
        raise LogUnavailable("the disk is full")

    held = Held()
    async with floor(tmp_path, held.act) as at:
        await at.start(ONE_STAGE)
        await held.until_begun()
        monkeypatch.setattr(SqliteEventLog, "interrupt", broken)
        with anyio.fail_after(5):
            await at.engine.close()
    assert "the disk is full" in caplog.text


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_run_on_a_full_disk_pauses_says_so_and_goes_on_or_is_cancelled_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, cancelled: bool
) -> None:
    monkeypatch.setattr(sqlite_commit, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(jobs_at_work, "AGAIN_SECONDS", 0.05)
    async with floor(tmp_path, talkative) as at:
        await at.ended(await at.start(ONE_STAGE, "warm"))
        run = await at.start(ONE_STAGE)
        async with full_disk(at, tmp_path):
            with anyio.fail_after(5), pytest.raises(LogUnavailable, match=r"disk is full") as raised:
                await drained(at, run)
            assert run.run_id in raised.value.message
            assert raised.value.recovery
            if cancelled:
                with anyio.fail_after(5), pytest.raises(LogUnavailable):
                    await at.engine.cancel(run.run_id, by="me", reason="")
            assert (await at.get(run)).active
        await until(lambda: not at.engine.runs_here(run.run_id))
        ended = await at.ended(run)
        events = await at.events(run)
    assert ended.status == ("cancelled" if cancelled else "completed")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_a_run_that_pauses_before_it_has_begun_goes_on_with_its_input_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, failures = list[str](), [LogUnavailable("the database is locked", passing=True)]
    real = LangGraphRunner.open

    async def open_graphs(path: Path) -> LangGraphRunner:
        if failures:
            raise failures.pop()
        return await real(path)

    async def note(task: AgentTask, emit: Emit) -> AgentReply:
        asked.append(task.prompt)
        return await answer(task, emit)

    monkeypatch.setattr(LangGraphRunner, "open", open_graphs)
    monkeypatch.setattr(jobs_at_work, "AGAIN_SECONDS", 0.05)
    async with floor(tmp_path, note) as at:
        run = await at.start(ONE_STAGE, "use this-is-a-secret")
        await until(lambda: not at.engine.runs_here(run.run_id))
        ended = await at.get(run)
    assert not failures, "it has paused"
    assert (ended.status, asked) == ("completed", ["use this-is-a-secret"])


async def test_a_run_that_ends_without_a_last_event_is_interrupted_and_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(Chronicle, "end", stumble)
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(ONE_STAGE))
    assert run.status == "interrupted"
    assert "a mistake of ours" in caplog.text


async def test_a_run_that_another_writer_has_taken_leaves_nobody_waiting(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(ONE_STAGE)
        await held.until_begun()
        await at.log.open(run.run_id, at.lock.token)
        held.release.set()
        run = await at.ended(run)
    assert run.status == "interrupted"


async def test_a_caller_is_told_when_the_thread_that_writes_has_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(ONE_STAGE)
        await held.until_begun()
        monkeypatch.setattr(sqlite_commit.event_rows, "store", stumble)
        held.release.set()
        with anyio.fail_after(5), pytest.raises(LogUnavailable):
            await drained(at, run)
    assert "the thread that writes has failed" in caplog.text


async def test_an_active_run_of_this_process_that_nobody_works_on_is_lost(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        left = Run(
            run_id="left",
            workflow="small",
            input={},
            workspace=str(tmp_path),
            owner="local",
            key="",
            process=at.lock.token,
        )
        await at.log.create(left)
        assert (await at.engine.reconcile(left)).status == "interrupted"


async def test_a_run_that_is_just_being_made_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, go_on = anyio.Event(), anyio.Event()
    real = SqliteEventLog.open

    async def slow(self: SqliteEventLog, run_id: str, process: str) -> SqliteRunWriter:
        made.set()
        await go_on.wait()
        return await real(self, run_id, process)

    monkeypatch.setattr(SqliteEventLog, "open", slow)
    async with floor(tmp_path, answer) as at, anyio.create_task_group() as tasks:
        tasks.start_soon(at.start, ONE_STAGE)
        with anyio.fail_after(5):
            await made.wait()
        (run,) = await at.log.find(RunFilter())
        assert (await at.engine.reconcile(run)).active
        go_on.set()
        assert (await at.ended(run)).status == "completed"


@pytest.mark.parametrize("step", ["open", "flush", "get"])
async def test_a_start_that_fails_leaves_no_run_that_seems_to_be_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def broken(*_: object) -> None:
        raise LogUnavailable("the disk is full")

    held = Held()
    async with floor(tmp_path, held.act) as at:
        with monkeypatch.context() as patch:
            patch.setattr(SqliteRunWriter if step == "flush" else SqliteEventLog, step, broken)
            with pytest.raises(LogUnavailable, match="disk is full"):
                await at.start(ONE_STAGE)
        with anyio.fail_after(5):
            while [run.status for run in await at.log.find(RunFilter())] != ["interrupted"]:
                await anyio.lowlevel.checkpoint()
        assert held.begun == held.cleaned_up
        held.release.set()
        again = await at.start(ONE_STAGE)
        assert (await at.ended(again)).status == "completed"


async def test_a_cancel_that_its_owner_does_not_hear_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "CANCEL_SECONDS", 0.2)
    monkeypatch.setattr(attention, "ATTEND_SECONDS", 3600)  # it looks once, and never again
    held = Held()
    async with floor(tmp_path, held.act) as owner, floor(tmp_path, answer) as other:
        run = await owner.start(ONE_STAGE)
        await held.until_begun()
        with anyio.fail_after(5), pytest.raises(NotEndedYet, match=run.run_id) as raised:
            await other.engine.cancel(run.run_id, by="me", reason="")
    assert raised.value.recovery


async def test_one_failed_read_does_not_end_the_attention_to_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = SqliteEventLog.cancel_requests, 0

    async def broken_once(self: SqliteEventLog, process: str) -> dict[str, CancelRequest]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise LogUnavailable("not now")
        return await real(self, process)

    monkeypatch.setattr(SqliteEventLog, "cancel_requests", broken_once)
    held = Held()
    async with floor(tmp_path, held.act) as owner, floor(tmp_path, answer) as other:
        run = await owner.start(ONE_STAGE)
        await held.until_begun()
        await until(lambda: calls > 0)
        with anyio.fail_after(5):
            cancelled = await other.engine.cancel(run.run_id, by="the other", reason="")
    assert cancelled.status == "cancelled"
    assert [record.levelno for record in caplog.records if "not now" in record.getMessage()] == [logging.ERROR]
