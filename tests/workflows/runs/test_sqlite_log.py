"""The log in SQLite: real processes, real files, and what goes wrong with them."""

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import ExitStack, aclosing, closing, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.to_thread
import pytest

from tests.waiting import until
from tests.workflows.runs.storage import a_run, end, opened, say, texts, watched
from workflows.runs.errors import LogTooNew, LogUnavailable
from workflows.runs.log import RunWriter
from workflows.runs.run import RunFilter
from workflows.runs.sqlite import commit as sqlite_commit
from workflows.runs.sqlite import events as sqlite_events
from workflows.runs.sqlite import schema as sqlite_schema
from workflows.runs.sqlite.database import FILE_NAME
from workflows.runs.sqlite.log import SqliteEventLog, open_sqlite_log

pytestmark = pytest.mark.anyio

Child: TypeAlias = "subprocess.Popen[str]"  # noqa: TID251 - processes to be killed are what this is about


@pytest.fixture
async def log(tmp_path: Path) -> AsyncGenerator[SqliteEventLog, None]:
    async with open_sqlite_log(tmp_path) as opened_log:
        yield opened_log


@contextmanager
def process(what: str, directory: Path, run_id: str = "run-1") -> Generator[Child, None, None]:
    command = [sys.executable, "-m", "tests.workflows.runs.log_process", what, str(directory), run_id]
    started = subprocess.Popen(  # noqa: TID251 - as above
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


async def line_of(started: Child) -> str:
    assert started.stdout is not None
    with anyio.fail_after(5):
        return (await anyio.to_thread.run_sync(started.stdout.readline)).strip()


def by_hand(directory: Path, statement: str) -> Sequence[tuple[object, ...]]:
    """Do something to the database that the program itself does not do."""
    with closing(sqlite3.connect(directory / FILE_NAME, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


@contextmanager
def locked(directory: Path) -> Generator[None, None, None]:
    """Another program holds the database for itself."""
    with closing(sqlite3.connect(directory / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def refusal(directory: Path) -> LogUnavailable:
    with pytest.raises(LogUnavailable) as raised:
        await SqliteEventLog.start(directory)
    assert raised.value.recovery
    return raised.value


# Several processes


async def test_a_killed_process_loses_at_most_what_it_had_not_flushed(tmp_path: Path) -> None:
    with process("append", tmp_path) as child:
        durable = [int(await line_of(child)) for _ in range(20)]
        child.kill()
        await anyio.to_thread.run_sync(child.wait)

    async with open_sqlite_log(tmp_path) as log:
        events = await log.read("run-1", limit=100_000)
        run = await log.get("run-1")
        assert run is not None
        assert len(events) >= durable[-1]
        assert [(event.seq, event.message) for event in events] == [(n, str(n)) for n in range(1, len(events) + 1)]
        assert run.last_seq == len(events)
        heir = await log.open("run-1", "heir")
        assert say(heir, "next").seq == len(events) + 1
        await heir.flush()


async def test_two_processes_write_and_watch_side_by_side(log: SqliteEventLog, tmp_path: Path) -> None:
    writer = await opened(log, "run-2")

    with process("append", tmp_path) as child:
        await line_of(child)
        theirs: list[str] = []
        with anyio.fail_after(5):
            async for batch in log.watch("run-1"):
                theirs += texts(batch)
                say(writer, str(writer.last_seq + 1))
                if len(theirs) > 2000:
                    break
    await writer.flush()

    assert theirs == [str(number) for number in range(1, len(theirs) + 1)]
    ours = texts(await log.read("run-2", limit=100_000))
    assert ours == [str(number) for number in range(1, writer.last_seq + 1)]


async def test_processes_that_begin_at_once_share_one_log_and_one_run(tmp_path: Path) -> None:
    names = [f"run-{number}" for number in range(4)]
    outcomes: list[tuple[str, str]] = []

    with ExitStack() as stack:
        children = [stack.enter_context(process("create", tmp_path, name)) for name in names]
        assert [await line_of(child) for child in children] == ["open"] * 4
        for child in children:
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.flush()
        for child in children:
            run_id, created = (await line_of(child)).split()
            outcomes.append((run_id, created))

    assert len({run_id for run_id, _ in outcomes}) == 1
    assert sorted(created for _, created in outcomes) == ["False", "False", "False", "True"]


# A data directory that cannot be used


async def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    error = await refusal(tmp_path / "file" / "data")

    assert str(tmp_path / "file") in error.message
    assert "Not a directory" in error.message
    assert "AGENT_WORKFLOWS_HOME" in error.recovery[-1]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system nobody can write to")
async def test_a_directory_that_nobody_can_write_to_is_refused() -> None:
    error = await refusal(Path("/proc/self"))

    assert "/proc/self" in error.message


async def test_a_directory_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    assert "Is a directory" in (await refusal(tmp_path)).message


@pytest.mark.parametrize("garbage", [b"garbage", b"x" * 5000, b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(garbage)

    error = await refusal(tmp_path)

    assert "damaged or no database" in error.message
    assert "move it away" in error.recovery[0]
    assert (tmp_path / FILE_NAME).read_bytes() == garbage


async def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    by_hand(tmp_path, "CREATE TABLE photo (id INTEGER)")
    before = (tmp_path / FILE_NAME).read_bytes()

    assert "not one of this program" in (await refusal(tmp_path)).message
    assert (tmp_path / FILE_NAME).read_bytes() == before


async def test_an_empty_file_becomes_a_log(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()

    async with open_sqlite_log(tmp_path) as log:
        await log.create(a_run())
        assert len(await log.find(RunFilter())) == 1


async def test_a_database_from_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with open_sqlite_log(tmp_path) as log:
        await log.create(a_run())
    by_hand(tmp_path, f"PRAGMA user_version = {sqlite_schema.KNOWN_VERSION + 3}")
    before = (tmp_path / FILE_NAME).read_bytes()

    error = await refusal(tmp_path)

    assert isinstance(error, LogTooNew)
    assert (error.found, error.known) == (sqlite_schema.KNOWN_VERSION + 3, sqlite_schema.KNOWN_VERSION)
    assert "upgrade" in error.recovery[0].lower()
    assert "AGENT_WORKFLOWS_HOME" in error.recovery[1]
    assert (tmp_path / FILE_NAME).read_bytes() == before


async def test_a_database_from_an_older_version_is_brought_up_to_date_while_its_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_sqlite_log(tmp_path) as older:
        writer = await opened(older)
        steps = (*sqlite_schema._STEPS, ("ALTER TABLE run ADD COLUMN colour TEXT",))  # pyright: ignore[reportPrivateUsage] - a next version
        monkeypatch.setattr(sqlite_schema, "_STEPS", steps)
        monkeypatch.setattr(sqlite_schema, "KNOWN_VERSION", len(steps))
        async with open_sqlite_log(tmp_path) as newer:
            say(writer, "from the older server")
            await writer.flush()

            assert texts(await newer.read("run-1")) == ["from the older server"]
            assert by_hand(tmp_path, "SELECT colour FROM run") == [(None,)]
            assert by_hand(tmp_path, "PRAGMA user_version") == [(len(steps),)]


async def test_a_row_that_does_not_say_how_long_its_run_was_at_work_is_taken_to_say_since_its_creation(
    log: SqliteEventLog, tmp_path: Path
) -> None:
    created, updated = "2026-01-01T00:00:00.000+00:00", "2026-01-01T00:01:30.000+00:00"
    await log.create(a_run(created_at=created, updated_at=updated))
    by_hand(tmp_path, "UPDATE run SET state = json_remove(state, '$.seconds')")
    found = await log.get("run-1")
    assert found is not None
    assert found.seconds == 90


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has rights of another kind")
async def test_nobody_else_can_read_what_people_asked(tmp_path: Path) -> None:
    async with open_sqlite_log(tmp_path / "new" / "data") as log:
        await opened(log)
        files = list((tmp_path / "new" / "data").iterdir())

        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700


# A disk that fails


@pytest.mark.skipif(sys.platform == "win32", reason="the limit that plays the full disk is one of POSIX")
async def test_a_full_disk_delays_events_and_loses_none(tmp_path: Path) -> None:
    with process("fill", tmp_path) as child:
        kind, _, message = (await line_of(child)).partition(" ")
        stored = (await line_of(child)).split()

    assert kind == "log_unavailable"
    assert str(tmp_path / FILE_NAME) in message
    assert stored == [str(number) for number in range(3001)]


@pytest.fixture
async def full(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncGenerator[SqliteEventLog, None]:
    """A log with one run, `run-1`, on a disk that has no room for more; `make_room` makes some."""
    monkeypatch.setattr(sqlite_commit, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(sqlite_commit, "MOST_EVENTS", 2000)
    await log.create(a_run())
    ((pages,),) = by_hand(tmp_path, "PRAGMA page_count")
    await log._commits.execute(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))  # pyright: ignore[reportPrivateUsage] - the disk's part
    yield log
    with suppress(LogUnavailable):  # a test has closed it
        await make_room(log)


async def make_room(log: SqliteEventLog) -> None:
    await log._commits.execute(lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))  # pyright: ignore[reportPrivateUsage] - the disk's part


async def test_a_flush_on_a_full_disk_says_what_helps(full: SqliteEventLog) -> None:
    writer = await full.open("run-1", "here")
    for _ in range(1000):
        say(writer, "x")

    with anyio.fail_after(5), pytest.raises(LogUnavailable, match="disk is full") as raised:
        await writer.flush()

    assert "Free some space" in raised.value.recovery[0]


async def test_events_wait_in_their_order_until_there_is_room(full: SqliteEventLog) -> None:
    writer = await full.open("run-1", "here")
    seen: list[int] = []

    async def watch() -> None:
        seen.extend(event.seq for event in await watched(full))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            for _ in range(1000):
                say(writer, "x")
            with pytest.raises(LogUnavailable):
                await writer.flush()
            for _ in range(500):
                say(writer, "y")
            assert await full.read("run-1") == []
            await make_room(full)
            end(writer)
            await writer.flush()

    assert seen == list(range(1, 1502))


async def test_no_more_is_taken_than_the_buffer_holds(full: SqliteEventLog) -> None:
    writer = await full.open("run-1", "here")
    for _ in range(1000):
        say(writer, "x")
    with anyio.fail_after(5), pytest.raises(LogUnavailable):
        await writer.flush()

    for _ in range(1000):
        say(writer, "x")
    with pytest.raises(LogUnavailable, match=r"disk is full.*2000 events wait"):
        say(writer, "x")
    assert writer.last_seq == 2000
    await make_room(full)
    await writer.flush()
    assert say(writer, "x").seq == 2001
    await writer.flush()

    assert [event.seq for event in await full.read("run-1", limit=3000)] == list(range(1, 2002))


async def test_too_many_bytes_are_not_taken_either(full: SqliteEventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_commit, "MOST_BYTES", 100_000)
    writer = await full.open("run-1", "here")
    say(writer, "x" * 40_000)  # twice in the event: as its text and as its message
    say(writer, "x" * 40_000)

    with pytest.raises(LogUnavailable, match="2 events wait"):
        say(writer, "x")


async def test_a_run_that_cannot_be_stored_is_not_created(full: SqliteEventLog) -> None:
    refused: dict[str, str] = {}
    for number in range(2, 100):
        try:
            await full.create(a_run(f"run-{number}"))
        except LogUnavailable as error:
            refused[f"run-{number}"] = error.message

    assert refused
    assert all("disk is full" in message for message in refused.values())
    assert not {run.run_id for run in await full.find(RunFilter(limit=200))}.intersection(refused)


async def test_a_run_is_not_taken_from_itself_while_its_events_wait(full: SqliteEventLog) -> None:
    writer = await full.open("run-1", "here")
    for _ in range(1000):
        say(writer, "x")

    with pytest.raises(LogUnavailable, match="disk is full"):
        await full.interrupt("run-1", "here")
    with pytest.raises(LogUnavailable, match="disk is full"):
        await full.open("run-1", "here")
    await make_room(full)
    await writer.flush()

    assert len(await full.read("run-1", limit=2000)) == 1000


async def test_what_is_lost_at_the_end_is_said(full: SqliteEventLog, caplog: pytest.LogCaptureFixture) -> None:
    writer = await full.open("run-1", "here")
    for _ in range(1000):
        say(writer, "x")

    with anyio.fail_after(5):
        await full.close(0.5)

    assert "1000 events could not be stored" in caplog.text
    assert "disk is full" in caplog.text


async def mistaken(log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch) -> RunWriter:
    """A writer whose event is stored with a mistake of ours."""

    def store(*_: object) -> None:
        raise ZeroDivisionError

    writer = await opened(log)
    monkeypatch.setattr(sqlite_events, "store", store)
    say(writer, "a")
    return writer


async def test_a_mistake_of_ours_is_no_silence(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await mistaken(log, monkeypatch)

    with anyio.fail_after(5):
        with pytest.raises(LogUnavailable, match="ZeroDivisionError"):
            await writer.flush()
        with pytest.raises(LogUnavailable, match="ZeroDivisionError"):
            say(writer, "b")

    assert "Traceback" in caplog.text


async def test_after_a_mistake_of_ours_nobody_who_has_asked_is_left_to_wait(
    log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mistaken(log, monkeypatch)

    with anyio.fail_after(5), pytest.raises(LogUnavailable, match="ZeroDivisionError"):
        await log.create(a_run("run-2"))


# Another program that holds the database


async def test_a_lock_of_another_program_delays_events_and_holds_up_nobody(log: SqliteEventLog, tmp_path: Path) -> None:
    writer = await opened(log)

    with anyio.fail_after(5):
        with locked(tmp_path):
            say(writer, "a")
            flushed = asyncio.create_task(writer.flush())
            assert await log.read("run-1") == []
            assert not flushed.done()
        await flushed

    assert texts(await log.read("run-1")) == ["a"]


async def test_a_lock_that_stays_is_named(log: SqliteEventLog, tmp_path: Path) -> None:
    await log._commits.execute(lambda connection: connection.execute("PRAGMA busy_timeout = 20"))  # pyright: ignore[reportPrivateUsage] - or the test takes 5 s

    with (
        locked(tmp_path),
        anyio.fail_after(5),
        pytest.raises(LogUnavailable, match="another process has kept it locked"),
    ):
        await log.create(a_run())


async def test_closing_is_bounded_whoever_holds_the_database(
    log: SqliteEventLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = await opened(log)

    with locked(tmp_path):
        say(writer, "a")
        with anyio.fail_after(1):
            await log.close(0.1)
    await until(lambda: not log_threads())

    assert "1 events may be lost" in caplog.text


# Damage


@pytest.mark.parametrize("left", [0.0, 0.3, 0.5, 0.7, 0.9, 0.999])
async def test_a_torn_wal_leaves_a_shorter_log_without_a_gap(tmp_path: Path, left: float) -> None:
    async with open_sqlite_log(tmp_path / "torn") as log:
        await opened(log)
    copy = tmp_path / "copy"
    copy.mkdir()
    async with open_sqlite_log(tmp_path / "torn") as log:
        writer = await log.open("run-1", "here")
        for number in range(1, 201):
            say(writer, str(number))
            await writer.flush()
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            shutil.copy(tmp_path / "torn" / name, copy)
    wal = (copy / f"{FILE_NAME}-wal").read_bytes()
    (copy / f"{FILE_NAME}-wal").write_bytes(wal[: int(len(wal) * left)])

    async with open_sqlite_log(copy) as log:
        events = await log.read("run-1")
        run = await log.get("run-1")
        heir = await log.open("run-1", "heir")
        say(heir, "next")
        await heir.flush()

        assert run is not None
        assert run.last_seq == len(events) < 200
        assert texts(await log.read("run-1")) == [*map(str, range(1, len(events) + 1)), "next"]


async def test_a_missing_piece_of_a_log_is_never_passed_over(log: SqliteEventLog, tmp_path: Path) -> None:
    writer = await opened(log)
    for number in range(4):
        say(writer, str(number))
        await writer.flush()
    by_hand(tmp_path, "DELETE FROM event_batch WHERE last_seq = 2")

    with pytest.raises(LogUnavailable, match="lacks the events 2 to 2"):
        await log.read("run-1")
    with pytest.raises(LogUnavailable, match="lacks the events 2 to 2"):
        await watched(log)
    by_hand(tmp_path, "DELETE FROM event_batch")
    with pytest.raises(LogUnavailable, match="lacks the events 1 to 4"):
        await watched(log)


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ("[{", "cannot be read"),
        ("[{}]", "no 'run_id'"),
        ('[{"run_id":"r","seq":1,"time":"","message":"","progress":0,"type":"hologram"}]', "newer version"),
    ],
)
async def test_an_event_that_cannot_be_read_is_never_passed_over(
    log: SqliteEventLog, tmp_path: Path, events: str, problem: str
) -> None:
    writer = await opened(log)
    say(writer, "a")
    await writer.flush()
    by_hand(tmp_path, f"UPDATE event_batch SET events = '{events}'")

    with pytest.raises(LogUnavailable, match=problem):
        await watched(log)


async def test_a_database_that_is_moved_away_is_not_made_anew(tmp_path: Path) -> None:
    async with open_sqlite_log(tmp_path) as log:
        shutil.move(tmp_path / FILE_NAME, tmp_path / "elsewhere")

        with pytest.raises(LogUnavailable, match="unable to open"):
            await log.get("run-1")

        assert FILE_NAME not in os.listdir(tmp_path)  # noqa: PTH208 - nothing waits for so small a directory


async def test_damage_inside_the_database_is_named(tmp_path: Path) -> None:
    async with open_sqlite_log(tmp_path) as log:
        await log.create(a_run())
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:4096] + b"x" * (file.stat().st_size - 4096))

    async with open_sqlite_log(tmp_path) as log:
        with pytest.raises(LogUnavailable, match="damaged"):
            await log.get("run-1")


# Beginning and ending


def log_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("run log")]


async def test_a_closed_log_leaves_no_thread_and_no_second_file(tmp_path: Path) -> None:
    async with open_sqlite_log(tmp_path) as log:
        writer = await opened(log)
        say(writer, "a")
        await log.get("run-1")
        assert len(log_threads()) == 2

    await until(lambda: not log_threads())
    assert os.listdir(tmp_path) == [FILE_NAME]  # noqa: PTH208 - as above


async def test_closing_goes_through_in_a_scope_that_is_cancelled(tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        log = await SqliteEventLog.start(tmp_path)
        writer = await opened(log)
        say(writer, "a")
        scope.cancel()
        await log.close()

    async with open_sqlite_log(tmp_path) as again:
        assert texts(await again.read("run-1")) == ["a"]


async def test_nobody_looks_for_other_processes_while_nobody_watches(log: SqliteEventLog) -> None:
    say(await opened(log), "a")
    before = asyncio.all_tasks()

    async with aclosing(log.watch("run-1")) as watch:
        with anyio.fail_after(5):
            await anext(watch)
        assert len(asyncio.all_tasks()) == len(before) + 1

    with anyio.fail_after(5):
        await log.flush()
    assert asyncio.all_tasks() == before


async def test_a_closed_log_leaves_no_task_even_if_a_watcher_stays(log: SqliteEventLog) -> None:
    say(await opened(log), "a")
    before = asyncio.all_tasks()

    async with aclosing(log.watch("run-1")) as watch:
        with anyio.fail_after(5):
            await anext(watch)
            await log.close()
        await until(lambda: asyncio.all_tasks() == before)


async def test_a_person_can_look_at_the_events_with_sql(log: SqliteEventLog, tmp_path: Path) -> None:
    writer = await opened(log)
    say(writer, "a")
    say(writer, "b")
    await writer.flush()
    end(writer)
    await writer.flush()

    assert by_hand(tmp_path, "SELECT run_id, seq, type FROM event ORDER BY seq") == [
        ("run-1", 1, "token_stream"),
        ("run-1", 2, "token_stream"),
        ("run-1", 3, "workflow_completed"),
    ]
