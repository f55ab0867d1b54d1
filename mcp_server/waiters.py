"""Who waits for the end of each run, in whichever way: nobody's run is stopped for somebody else who goes.

Tool calls wait, and chats, `get_run` for as long as it waits, and clients that listen to a task. Who only watches a
run's events does not: to look at a run is no wish that it goes on.
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager


class Waiters:
    """Counts who waits for each run; one for the whole server."""

    def __init__(self) -> None:
        self._waiting = Counter[str]()
        self._left_to_others = set[str]()

    def is_last(self, run_id: str) -> bool:
        """Whether at most one waits for the run."""
        return self._waiting[run_id] <= 1

    def leave_to_others(self, run_id: str) -> None:
        """Whoever had the run at work wants no more of it: it goes on for those who still wait, and for nobody else."""
        self._left_to_others.add(run_id)

    def is_left_to_others(self, run_id: str) -> bool:
        """Whether the run goes on for those who wait for it alone."""
        return run_id in self._left_to_others

    @contextmanager
    def attached(self, run_id: str) -> Generator[None, None, None]:
        """While this is open, one more waits for the run."""
        self._waiting[run_id] += 1
        try:
            yield
        finally:
            self._waiting[run_id] -= 1
            if not self._waiting[run_id]:
                del self._waiting[run_id]
                self._left_to_others.discard(run_id)
