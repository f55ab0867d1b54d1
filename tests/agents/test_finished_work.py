"""Work in a thread that is finished in any case, however its caller is cancelled."""

import asyncio
import threading
from collections.abc import Callable

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from agents.finished_work import in_thread_to_its_end

pytestmark = pytest.mark.anyio


class Work:
    """Something that takes as long as it is held."""

    def __init__(self) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.done = False

    def __call__(self) -> str:
        self.begun.set()
        assert self.goes_on.wait(5)
        self.done = True
        return "done"


def by_its_task(task: "asyncio.Task[None]", scope: anyio.CancelScope) -> None:
    del scope
    task.cancel()


def by_its_scope(task: "asyncio.Task[None]", scope: anyio.CancelScope) -> None:
    del task
    scope.cancel()


@pytest.mark.parametrize("cancel", [by_its_task, by_its_scope])
async def test_a_cancelled_caller_waits_for_its_end(
    cancel: Callable[["asyncio.Task[None]", anyio.CancelScope], None],
) -> None:
    work, scope = Work(), anyio.CancelScope()

    async def call() -> None:
        with scope:
            await in_thread_to_its_end(work)

    task = asyncio.ensure_future(call())
    await anyio.to_thread.run_sync(work.begun.wait, 5)
    for _ in range(2):
        cancel(task, scope)
        await anyio.lowlevel.checkpoint()
    assert not task.done()
    work.goes_on.set()
    with anyio.fail_after(5):
        await asyncio.wait([task])
    assert work.done


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread_to_its_end(lambda: 1 // 0)
