"""The checkpoints' database when the event loop ends while it is opened or closed: a server that is told to go."""

import asyncio
import threading
from functools import partial
from pathlib import Path

import anyio.lowlevel
import pytest

from workflows.runs.checkpoints import Checkpoints


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
