"""How many open calls wait for each run: the run is cancelled with the last of them, not with the first."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager


class CallLedger:
    """Counts the open calls of each run."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    def is_last(self, run_id: str) -> bool:
        """Whether at most one open call waits for the run."""
        return self._calls[run_id] <= 1

    @contextmanager
    def attached(self, run_id: str) -> Generator[None, None, None]:
        """While this is open, a call waits for the run."""
        self._calls[run_id] += 1
        try:
            yield
        finally:
            self._calls[run_id] -= 1
            if not self._calls[run_id]:
                del self._calls[run_id]
