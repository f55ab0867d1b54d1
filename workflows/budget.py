"""What a run may still use: asked before every agent's work, charged while it works."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.agent import Usage
from agents.errors import CostLimitReached, TimeLimitReached

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use.

    Attributes:
        max_cost_usd: US dollars, or None.
        max_seconds: Seconds, or None.
    """

    max_cost_usd: float | None = None
    max_seconds: float | None = None


class Budget:
    """The rest of a run's limits.

    Args:
        limits: What the run may use.
        spent: What earlier attempts of the run have used.
        clock: Seconds that only rise; replaced in tests.
    """

    def __init__(self, limits: Limits, spent: Usage | None = None, clock: Clock = time.monotonic) -> None:
        self._limits = limits
        self._spent = spent or Usage()
        self._clock = clock
        self._started = clock()

    @property
    def spent(self) -> Usage:
        """What was charged so far."""
        return self._spent

    def charge(self, usage: Usage) -> None:
        """Add what an agent has used."""
        self._spent += usage

    def seconds_left(self) -> float | None:
        """Seconds until the time limit, None without one."""
        if self._limits.max_seconds is None:
            return None
        return self._limits.max_seconds - (self._clock() - self._started)

    def cost_left(self) -> float | None:
        """US dollars until the cost limit, None without one. Parts whose cost is unknown cannot be counted."""
        if self._limits.max_cost_usd is None:
            return None
        return self._limits.max_cost_usd - self._spent.known_cost_usd

    def check(self) -> None:
        """Ask whether more work may begin.

        Raises:
            CostLimitReached: The money is spent.
            TimeLimitReached: The time is over.
        """
        cost_left, seconds_left = self.cost_left(), self.seconds_left()
        if cost_left is not None and cost_left <= 0:
            more = " and more, whose price is unknown," if self._spent.cost_usd is None else ""
            raise CostLimitReached(
                f"The run has used ${self._spent.known_cost_usd:.2f}{more} of max_cost_usd {self._limits.max_cost_usd}."
            )
        if seconds_left is not None and seconds_left <= 0:
            raise TimeLimitReached(f"The run has used its max_seconds of {self._limits.max_seconds:g}.")
