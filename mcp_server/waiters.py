"""Who waits for the end of each run, in whichever way: nobody's run is stopped for somebody else who goes.

Tool calls wait, and chats, `get_run` for as long as it waits, and clients that listen to a task. Who only watches a
run's events does not: to look at a run is no wish that it goes on.
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from workflows.runs.engine import Engine

Stop: TypeAlias = Literal["cancel", "leave"]
"""How a run is stopped: for good, or interrupted, so that it can be gone on with."""


class Waiters:
    """Counts who waits for each run, and stops one that is left by all; one for the whole server.

    Args:
        engine: Has the runs at work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting = Counter[str]()
        self._to_stop = dict[str, Stop]()

    def is_last(self, run_id: str) -> bool:
        """Whether at most one waits for the run."""
        return self._waiting[run_id] <= 1

    def stop_when_left(self, run_id: str, how: Stop) -> None:
        """Whoever had the run at work wants no more of it: it goes on for those who still wait, and for nobody else.

        Args:
            run_id: The run; somebody who waits for it says this, and goes.
            how: How it is stopped when the last of them is gone. Cancelling goes before leaving.
        """
        if self._to_stop.get(run_id) != "cancel":
            self._to_stop[run_id] = how

    def goes_on(self, run_id: str) -> None:
        """Somebody relies on the run again: it goes on, whoever else goes."""
        self._to_stop.pop(run_id, None)

    def called_again(self, run_id: str) -> None:
        """Somebody calls for the run once more: if they too are gone without a word, it must not be lost for good."""
        if run_id in self._to_stop:
            self._to_stop[run_id] = "leave"

    @contextmanager
    def attached(self, run_id: str, *, relies_on_it: bool = False) -> Generator[None, None, None]:
        """While this is open, one more waits for the run.

        To leave it in order is to have been answered that the run goes on, so it does, whoever else goes, and when; by
        an exception, nobody was answered.

        Args:
            run_id: The run.
            relies_on_it: Whether this one is promised that the run goes on, also without an answer.
        """
        self._waiting[run_id] += 1
        is_answered = relies_on_it
        try:
            yield
            is_answered = True
        finally:
            if is_answered:
                self.goes_on(run_id)
            self._waiting[run_id] -= 1
            if not self._waiting[run_id]:
                del self._waiting[run_id]
                if (how := self._to_stop.pop(run_id, None)) is not None:
                    self._stop(run_id, how)

    def _stop(self, run_id: str, how: Stop) -> None:
        if self._engine.closed or not self._engine.runs_here(run_id):
            return
        if how == "cancel":
            self._engine.cancel_soon(run_id, by="client", reason="the call was cancelled")
        else:
            self._engine.leave_soon(run_id)
