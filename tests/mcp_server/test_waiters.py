"""Who of several that wait for a run decides whether it goes on, in which order they may come and go."""

from contextlib import ExitStack
from typing import cast

import pytest

from mcp_server.waiters import Waiters
from workflows.runs.engine import Engine

RUN = "run"


class FakeEngine:
    """Has every run at work, and notes how they are stopped."""

    closed = False

    def __init__(self) -> None:
        self.stopped: list[str] = []

    def runs_here(self, run_id: str) -> bool:
        return run_id == RUN

    def cancel_soon(self, run_id: str, *, by: str, reason: str) -> None:
        del by, reason
        self.stopped.append(f"{run_id} is cancelled")

    def leave_soon(self, run_id: str) -> None:
        self.stopped.append(f"{run_id} is interrupted")


class Waiting:
    """Somebody who waits for the run."""

    def __init__(self, waiters: Waiters, *, relies_on_it: bool = False) -> None:
        self._attached = ExitStack()
        self._attached.enter_context(waiters.attached(RUN, relies_on_it=relies_on_it))

    def is_answered(self) -> None:
        self._attached.close()

    def is_gone(self) -> None:
        with pytest.raises(ConnectionResetError), self._attached:
            raise ConnectionResetError


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def waiters(engine: FakeEngine) -> Waiters:
    return Waiters(cast("Engine", engine))


def test_a_run_goes_on_once_anybody_was_told_so_whoever_goes_last(waiters: Waiters, engine: FakeEngine) -> None:
    beginner, joined, told = Waiting(waiters), Waiting(waiters), Waiting(waiters)
    waiters.stop_when_left(RUN, "leave")
    beginner.is_gone()
    told.is_answered()
    joined.is_gone()
    assert engine.stopped == []


def test_a_run_that_was_promised_to_a_chat_goes_on_whoever_goes_last(waiters: Waiters, engine: FakeEngine) -> None:
    beginner, joined, chat = Waiting(waiters), Waiting(waiters), Waiting(waiters, relies_on_it=True)
    waiters.stop_when_left(RUN, "leave")
    beginner.is_gone()
    chat.is_gone()
    joined.is_gone()
    assert engine.stopped == []


def test_a_run_that_is_called_for_again_after_a_cancellation_is_not_lost_for_good(
    waiters: Waiters, engine: FakeEngine
) -> None:
    beginner, joined = Waiting(waiters), Waiting(waiters)
    waiters.stop_when_left(RUN, "cancel")
    beginner.is_gone()
    waiters.called_again(RUN)
    again = Waiting(waiters)
    joined.is_gone()
    assert engine.stopped == []
    again.is_gone()
    assert engine.stopped == ["run is interrupted"]


@pytest.mark.parametrize(("how", "ends"), [("cancel", "run is cancelled"), ("leave", "run is interrupted")])
def test_a_run_that_nobody_else_wants_is_stopped_as_it_was_said_when_the_last_one_is_gone(
    waiters: Waiters, engine: FakeEngine, how: str, ends: str
) -> None:
    beginner, joined = Waiting(waiters), Waiting(waiters)
    waiters.stop_when_left(RUN, "cancel" if how == "cancel" else "leave")
    beginner.is_gone()
    assert engine.stopped == []
    joined.is_gone()
    assert engine.stopped == [ends]
