"""What a watcher holds in memory, and when it turns to the log instead."""

from collections.abc import Sequence

import anyio
import pytest

from workflows.runs.events import RunEvent, TokenStream
from workflows.runs.watchers import MOST_HELD, Watcher, Watchers

pytestmark = pytest.mark.anyio


def events(first: int, last: int) -> list[RunEvent]:
    body = TokenStream(agent="coder", channel="text", text="x")
    return [
        RunEvent(run_id="r", seq=seq, time="", message="", progress=0.0, body=body) for seq in range(first, last + 1)
    ]


def seqs(taken: Sequence[RunEvent]) -> list[int]:
    return [event.seq for event in taken]


def watcher_that_has_read_to(seq: int) -> Watcher:
    watcher = Watcher(seq)
    watcher.looked((), seq, ended=False)
    return watcher


def test_a_new_watcher_looks_into_the_log_first() -> None:
    watcher = Watcher(0)

    assert watcher.behind
    watcher.looked(events(1, 3), 3, ended=False)
    assert not watcher.behind
    assert watcher.cursor == 3


def test_a_watcher_that_keeps_up_needs_no_log() -> None:
    watcher = watcher_that_has_read_to(3)

    watcher.announce(5, over=False, events=events(4, 5))
    watcher.announce(7, over=False, events=events(6, 7))

    assert seqs(watcher.take()) == [4, 5, 6, 7]
    assert not watcher.behind


def test_events_that_it_has_read_meanwhile_are_not_repeated() -> None:
    watcher = watcher_that_has_read_to(3)

    watcher.announce(6, over=False, events=events(4, 6))
    watcher.looked(events(4, 5), 5, ended=False)

    assert seqs(watcher.take()) == [6]


def test_what_it_missed_is_read_before_what_is_at_hand() -> None:
    watcher = watcher_that_has_read_to(3)

    watcher.announce(9, over=False, events=events(8, 9))

    assert watcher.take() == ()
    assert watcher.behind
    watcher.looked(events(4, 9), 9, ended=False)
    assert not watcher.behind


def test_a_slow_watcher_holds_a_bounded_number_of_events() -> None:
    watcher = watcher_that_has_read_to(0)

    for first in range(1, 10 * MOST_HELD, 100):
        watcher.announce(first + 99, over=False, events=events(first, first + 99))
        assert len(watcher._fresh) <= MOST_HELD  # pyright: ignore[reportPrivateUsage] - the bound is the subject

    assert watcher.behind


def test_the_run_is_over_when_its_last_event_was_taken() -> None:
    watcher = watcher_that_has_read_to(1)

    watcher.announce(2, over=True, events=events(2, 2))
    assert not watcher.done
    watcher.take()

    assert watcher.done


def test_a_run_that_is_over_is_done_with_one_look() -> None:
    watcher = Watcher(2)

    watcher.looked((), 2, ended=True)

    assert watcher.done


async def test_old_news_wakes_nobody() -> None:
    watcher = watcher_that_has_read_to(5)
    woken: list[bool] = []

    async def wait() -> None:
        woken.append(await watcher.news(0.05))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            watcher.announce(5, over=False)
            watcher.announce(4, over=False)

    assert woken == [False]


async def test_news_wake_all_watchers_of_the_run_and_no_other() -> None:
    watchers = Watchers()
    first, second, other = watchers.add("r", 0), watchers.add("r", 0), watchers.add("s", 0)
    for watcher in (first, second, other):
        watcher.looked((), 0, ended=False)

    watchers.announce("r", 1, over=False, events=events(1, 1))

    assert (seqs(first.take()), seqs(second.take()), seqs(other.take())) == ([1], [1], [])


def test_who_does_not_watch_any_more_is_forgotten() -> None:
    watchers = Watchers()
    first, second = watchers.add("r", 0), watchers.add("r", 0)

    watchers.remove("r", first)
    assert watchers.watched() == ("r",)
    watchers.remove("r", second)

    assert watchers.watched() == ()
