"""The checkpoints' database when the event loop ends while it is being opened: a server that is told to go."""

import asyncio
import threading
from pathlib import Path

import pytest

from workflows.runs.checkpoints import Checkpoints


async def cut_off(path: Path, steps: int, *, twice: bool) -> None:
    """Let the event loop end some turns after the opening has begun."""
    opening = asyncio.create_task(Checkpoints.open(path))
    for _ in range(steps):
        await asyncio.sleep(0)
    if opening.done():
        await opening.result().close()
    if twice:
        opening.cancel()  # and once more by the loop that ends


@pytest.mark.parametrize("twice", [False, True])
def test_an_event_loop_that_ends_while_checkpoints_are_opened_is_not_spoken_to_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, twice: bool
) -> None:
    errors: list[str] = []

    def note(died: threading.ExceptHookArgs) -> None:
        errors.append(str(died.exc_value))

    monkeypatch.setattr(threading, "excepthook", note)
    before = set(threading.enumerate())
    for steps in range(20):
        asyncio.run(cut_off(tmp_path / str(steps), steps, twice=twice))
        assert set(threading.enumerate()) <= before, f"after {steps} turns a thread is left"
    assert errors == []
