"""The checkpoints' database when those who use it are cancelled: a server that is told to go, a run that is stopped."""

import asyncio
import gc
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio.lowlevel
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

from workflows.runs.checkpoints import Checkpoints
from workflows.runs.errors import LogUnavailable


@pytest.fixture
def thread_errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What threads have died of."""
    errors: list[str] = []

    def note(died: threading.ExceptHookArgs) -> None:
        errors.append(str(died.exc_value))

    monkeypatch.setattr(threading, "excepthook", note)
    return errors


async def turns(count: int) -> None:
    for _ in range(count):
        await anyio.lowlevel.checkpoint()


async def cut_off(path: Path, steps: int, *, twice: bool) -> None:
    """Let the event loop end some turns after the opening has begun."""
    opening = asyncio.create_task(Checkpoints.open(path))
    await turns(steps)
    if opening.done():
        await opening.result().close()
    if twice:
        opening.cancel()  # and once more by the loop that ends


async def close_in_vain(path: Path, statement_may_end: threading.Event, *, cancellations: int) -> None:
    """Let the event loop end while the closing waits for a statement, which ends if the closing still waits for it."""
    checkpoints = await Checkpoints.open(path)
    wait = partial(statement_may_end.wait, 10)
    await checkpoints.conn.create_function("held", 0, wait)  # pyright: ignore[reportUnknownMemberType] - any function
    statement = asyncio.create_task(checkpoints.conn.execute_fetchall("SELECT held()").__aenter__())
    await turns(1)
    closing = asyncio.create_task(checkpoints.close())
    await turns(1)
    for _ in range(cancellations):
        closing.cancel()
        await turns(10)
    if not closing.done():
        statement_may_end.set()
    statement.cancel()


@pytest.mark.parametrize("twice", [False, True])
def test_an_event_loop_that_ends_while_checkpoints_are_opened_is_not_spoken_to_any_more(
    tmp_path: Path, thread_errors: list[str], *, twice: bool
) -> None:
    before = set(threading.enumerate())
    for steps in range(20):
        asyncio.run(cut_off(tmp_path / str(steps), steps, twice=twice))
        assert set(threading.enumerate()) <= before, f"after {steps} turns a thread is left"
    assert thread_errors == []


@pytest.mark.parametrize("cancellations", [1, 2, 3])
def test_an_event_loop_that_ends_while_checkpoints_are_closed_is_not_spoken_to_any_more(
    tmp_path: Path, thread_errors: list[str], cancellations: int
) -> None:
    before = set(threading.enumerate())
    statement_may_end = threading.Event()
    asyncio.run(close_in_vain(tmp_path / "checkpoints", statement_may_end, cancellations=cancellations))
    left = set(threading.enumerate()) - before
    statement_may_end.set()
    for thread in left:
        thread.join(5)
    assert left == set()
    assert thread_errors == []


Write: TypeAlias = Callable[[Checkpoints], Coroutine[None, None, object]]
AT: RunnableConfig = {"configurable": {"thread_id": "run", "checkpoint_ns": "", "checkpoint_id": "1"}}


async def put(checkpoints: Checkpoints) -> None:
    await checkpoints.aput(AT, empty_checkpoint(), {}, {})


async def put_writes(checkpoints: Checkpoints) -> None:
    await checkpoints.aput_writes(AT, [("answer", "x"), ("branch:to:next", None)], "task")


async def delete(checkpoints: Checkpoints) -> None:
    await checkpoints.adelete_thread("run")


@pytest.mark.anyio
@pytest.mark.parametrize("write", [put, put_writes, delete])
async def test_a_write_that_is_cancelled_at_any_point_locks_nobody_out(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "checkpoints"
    async with opened(path) as checkpoints:
        for steps in range(40):
            writing = asyncio.create_task(write(checkpoints))
            await turns_of_its_thread(checkpoints, steps)
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            with closing(sqlite3.connect(path, timeout=0)) as other:
                other.execute("BEGIN IMMEDIATE")
                other.rollback()


@pytest.mark.anyio
async def test_a_write_that_fails_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints"
    async with opened(path) as checkpoints:
        await checkpoints.conn.execute(
            "CREATE TEMP TRIGGER refuse BEFORE DELETE ON writes BEGIN SELECT RAISE(FAIL, 'no'); END"
        )
        await put(checkpoints)
        await put_writes(checkpoints)
        with pytest.raises(LogUnavailable):
            await delete(checkpoints)
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()


@pytest.mark.anyio
@pytest.mark.parametrize("beside", [put, Checkpoints.close])
async def test_nothing_of_a_write_that_fails_is_stored_whatever_is_done_beside_it(
    tmp_path: Path, beside: Write
) -> None:
    path = tmp_path / "checkpoints"
    async with opened(path) as checkpoints:
        await checkpoints.conn.execute(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON writes WHEN NEW.channel = 'branch:to:next' "
            "BEGIN SELECT RAISE(FAIL, 'no'); END"
        )
        before, failing, after = (asyncio.create_task(write(checkpoints)) for write in (put, put_writes, beside))
        results = await asyncio.gather(before, failing, after, return_exceptions=True)
    assert [type(result) for result in results if isinstance(result, Exception)] == [LogUnavailable]
    assert isinstance(results[1], LogUnavailable)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT * FROM writes").fetchall() == []


@pytest.mark.anyio
async def test_what_is_written_after_the_closing_is_refused_in_words(tmp_path: Path) -> None:
    async with opened(tmp_path / "checkpoints") as checkpoints:
        await checkpoints.close()
        with pytest.raises(LogUnavailable, match="shutting down"):
            await put(checkpoints)


@pytest.mark.anyio
@pytest.mark.parametrize("write", [put, put_writes, delete])
@pytest.mark.parametrize("cancelled", ["nobody", "the write", "the write and the closing"])
async def test_what_closes_beside_a_write_at_any_point_locks_nobody_out(
    tmp_path: Path, write: Write, cancelled: str, no_garbage_collection: None
) -> None:
    del no_garbage_collection
    path = tmp_path / "checkpoints"
    kept: list[object] = []  # what has failed may be kept for long, by a log for one
    for steps in range(25):
        checkpoints = await Checkpoints.open(path)
        writing = asyncio.create_task(write(checkpoints))
        await turns_of_its_thread(checkpoints, steps)
        if cancelled != "nobody":
            writing.cancel()
        closing_down = asyncio.create_task(checkpoints.close())
        if cancelled == "the write and the closing":
            await turns(1)
            closing_down.cancel()
        kept += await asyncio.gather(writing, closing_down, return_exceptions=True)
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()


@pytest.fixture
def no_garbage_collection() -> Generator[None]:
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[Checkpoints]:
    checkpoints = await Checkpoints.open(path)
    try:
        yield checkpoints
    finally:
        await checkpoints.close()


async def turns_of_its_thread(checkpoints: Checkpoints, count: int) -> None:
    """Let half as many statements be done in between as there are turns."""
    for turn in range(count):
        await anyio.lowlevel.checkpoint()
        if turn % 2:
            await checkpoints.conn.execute("SELECT 1")
