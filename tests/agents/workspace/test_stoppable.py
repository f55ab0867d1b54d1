import threading

import anyio
import pytest

from agents.workspace.stoppable import Check, WorkStopped, in_stoppable_thread
from tests.waiting import until

pytestmark = pytest.mark.anyio


async def test_work_that_nobody_waits_for_any_more_ends_at_its_next_check() -> None:
    begun, ended = threading.Event(), threading.Event()
    step = threading.Event()

    def work(check: Check) -> None:
        begun.set()
        try:
            while not step.wait(0.001):
                check()
        except WorkStopped:
            ended.set()
            raise

    try:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(in_stoppable_thread, work)
                await until(begun.is_set)
                tasks.cancel_scope.cancel()
            await until(ended.is_set)
    finally:
        step.set()


async def test_work_that_is_done_gives_its_result() -> None:
    def work(check: Check) -> int:
        check()
        return 3

    with anyio.fail_after(5):
        assert await in_stoppable_thread(work) == 3
