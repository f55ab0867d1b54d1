"""Who watches which run, and what each of them has not seen yet.

A watcher gets what was committed while it watches straight from memory, as long as it keeps up; what it missed, it
reads from the log. It holds a bounded number of events and never keeps anybody waiting.
"""

import asyncio
from collections.abc import Sequence

from workflows.runs.events import RunEvent

MOST_HELD = 1000
"""Events a watcher holds that is slower than its run; it reads the log for the rest."""


class Watcher:
    """One reader of one run, with its own cursor. Lives on the event loop.

    Args:
        after: Number of the event it begins behind.
    """

    __slots__ = ("_announced", "_closed", "_fresh", "_over", "_quiet_at", "_timer", "_unread", "_waiter", "cursor")

    def __init__(self, after: int) -> None:
        self.cursor = after
        self._announced = after
        self._unread = True
        self._over = False
        self._closed = False
        self._fresh: list[RunEvent] = []
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._quiet_at = 0.0

    @property
    def behind(self) -> bool:
        """Whether the log has, or may have, events this watcher has not seen."""
        return self._unread or self._announced > self.cursor

    @property
    def done(self) -> bool:
        """Whether there will be nothing more to see."""
        return self._closed or (self._over and not self.behind)

    def announce(self, last_seq: int, *, over: bool, events: Sequence[RunEvent] = ()) -> None:
        """Tell it how far the log has come.

        Args:
            last_seq: Number of the newest durable event.
            over: Whether that is the last one.
            events: The newest events, where they are at hand.
        """
        follows = not self._fresh or not events or self._fresh[-1].seq + 1 == events[0].seq
        if follows and len(self._fresh) + len(events) <= MOST_HELD:
            self._fresh.extend(events)
        else:
            self._fresh.clear()
        if last_seq > self._announced or over or self._closed:
            self._announced = max(self._announced, last_seq)
            self._over = self._over or over
            self._wake()

    def looked(self, events: Sequence[RunEvent], last_seq: int, *, ended: bool) -> None:
        """It has read the log behind its cursor; the cursor moves on.

        Args:
            events: What it found.
            last_seq: Number of the newest event there was.
            ended: Whether the run was over.
        """
        self._unread = False
        if events:
            self.cursor = events[-1].seq
        self._announced = max(self._announced, last_seq)
        self._over = self._over or ended

    def take(self) -> Sequence[RunEvent]:
        """The events in memory that come right behind the cursor, if these are there; the cursor moves on."""
        fresh, self._fresh = self._fresh, []
        new = fresh if fresh and fresh[0].seq > self.cursor else [event for event in fresh if event.seq > self.cursor]
        if not new or new[0].seq != self.cursor + 1:
            return ()
        self.cursor = new[-1].seq
        return new

    def close(self) -> None:
        """There is no log any more to watch."""
        self._closed = True
        self._wake()

    async def news(self, seconds: float) -> bool:
        """Wait for an announcement; False if none came in time."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        self._quiet_at = loop.time() + seconds
        if self._timer is None or self._timer.when() > self._quiet_at:
            self.end()
            self._timer = loop.call_at(self._quiet_at, self._look_if_quiet)
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def end(self) -> None:
        """It waits for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_if_quiet(self) -> None:
        """One timer serves many waits: to set and cancel one for each event costs a tenth of all that is sent."""
        self._timer = None
        if self._waiter is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._quiet_at:
            self._timer = loop.call_at(self._quiet_at, self._look_if_quiet)
        else:
            self._settle(False)  # noqa: FBT003 - what `news` returns

    def _wake(self) -> None:
        self._settle(True)  # noqa: FBT003 - as above

    def _settle(self, news: bool) -> None:  # noqa: FBT001 - as above
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(news)


class Watchers:
    """All watchers of a log, by run."""

    def __init__(self) -> None:
        self._by_run: dict[str, set[Watcher]] = {}

    def add(self, run_id: str, after: int) -> Watcher:
        """A new watcher."""
        watcher = Watcher(after)
        self._by_run.setdefault(run_id, set()).add(watcher)
        return watcher

    def remove(self, run_id: str, watcher: Watcher) -> None:
        """Forget a watcher."""
        of_run = self._by_run[run_id]
        of_run.discard(watcher)
        watcher.end()
        if not of_run:
            del self._by_run[run_id]

    def watched(self) -> tuple[str, ...]:
        """The runs somebody watches."""
        return tuple(self._by_run)

    def announce(self, run_id: str, last_seq: int, *, over: bool, events: Sequence[RunEvent] = ()) -> None:
        """Tell all watchers of a run, see `Watcher.announce`."""
        for watcher in self._by_run.get(run_id, ()):
            watcher.announce(last_seq, over=over, events=events)

    def close(self) -> None:
        """End all of them."""
        for of_run in self._by_run.values():
            for watcher in of_run:
                watcher.close()
