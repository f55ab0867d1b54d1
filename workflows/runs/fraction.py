"""How far along a run is, from what has really happened.

Each round of a stage owns a stretch of the bar: from when it usually begins to when it usually ends, as a part of the
whole time (`workflows.runs.usual_course`). Starting a stage moves to the beginning of its stretch, finishing it to the
end. In between, every sign of work moves on: where it is known how many signs such a round usually has, evenly, else by
a fixed part of what is left of the stretch. What happens between two stages leads on to where the next usually begins.
So the bar moves while there is work, never reaches the stretch's end by itself, and never moves without work. A round
that is not usual, or that begins later than usual, takes part of what is left of the whole. The bar never goes back.

Where runs were seen before, the clock helps, at the beginning and the end of a round only: the part of the time that is
over is what this run has taken, beside that and what usually follows. A run that has been slow so far is expected to be
slow in what follows, but less so: half of the difference (in proportion) is taken for chance.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workflows.runs.usual_course import History, Usual, UsualRound, shipped
from workflows.workflow import Stage

_LEFT_AFTER_SIGN = 0.97
"""What one sign of work leaves of its stretch, where nothing else is known: half of it is gone after 23 signs."""
_REACH = 0.95
"""The part of a stretch that signs of work may take; the rest is for finishing."""
_UNUSUAL_ROUND = 0.3
"""The part of what is left of the whole that an unusual round gets."""
_HIGHEST = 99.0
"""The bar's end before the run's end."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What of the bar a round owns.

    Attributes:
        begin: 0 to 99.
        end: 0 to 99.
        signs: How many signs of work it usually has; None where that is not known.
        usual: The round as it usually is; None where it is not usual.
    """

    begin: float
    end: float
    signs: float | None = None
    usual: UsualRound | None = None

    @property
    def reach(self) -> float:
        """Up to where signs of work may lead."""
        return self.begin + _REACH * (self.end - self.begin)

    def after_sign(self, value: float) -> float:
        """Where one sign of work leads from a place in the stretch."""
        creeping = self.reach - (self.reach - value) * _LEFT_AFTER_SIGN
        if not self.signs:
            return creeping
        even = value + (self.reach - self.begin) / self.signs
        # Near the end even steps would arrive before the work does, where it is more than usual.
        return min(even, max(creeping, self.reach - (self.reach - value) * 0.5))


class Fraction:
    """How far along a run is, 0 to 100.

    Args:
        stages: The workflow's stages, in their usual order.
        usual: How its runs usually go; None for the shares that the stages are shipped with.
        clock: Seconds that only rise; the run begins now.
    """

    def __init__(
        self, stages: Sequence[Stage], usual: Usual | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._began: float | None = clock()
        self._stages = frozenset(stage.name for stage in stages)
        self._usual = shipped(stages) if usual is None else usual
        self._history: History = ()
        self._last_end = 0.0
        self._active: dict[str, _Stretch] = {}
        self._value = 0.0
        self._between = self._stretch_between()

    def learn(self, usual: Usual) -> None:
        """Take what is usual from somewhere else; for the rounds that begin from now on."""
        self._usual = usual
        self._between = self._stretch_between()

    def go_on(self, value: float, finished: Iterable[str]) -> None:
        """Begin where an earlier attempt at the run was.

        Args:
            value: How far it was.
            finished: Stages it had completed.
        """
        self._history = tuple(finished)
        self._began = None  # how long the earlier attempt has worked is not known
        self._last_end = value / _HIGHEST
        self._raise_to(value)
        self._between = self._stretch_between()

    @property
    def value(self) -> float:
        """0 to 100."""
        return self._value

    def stage_started(self, stage: str) -> None:
        """A stage begins, for the first time or again."""
        if stage not in self._stages:
            return
        self._history = (*self._history, stage)
        stretch = self._stretch_of_newest()
        self._active[stage] = stretch
        self._raise_to(stretch.begin)

    def worked(self) -> None:
        """There was a sign of work, in whatever stages are running or between them."""
        for stretch in self._active.values() or (self._between,):
            if stretch.begin <= self._value < stretch.reach:
                self._raise_to(stretch.after_sign(self._value))

    def stage_completed(self, stage: str) -> None:
        """A stage is done."""
        stretch = self._active.pop(stage, None)
        if stretch is not None:
            self._raise_to(self._end_of(stretch))
            self._between = self._stretch_between()

    def finish(self) -> None:
        """The run is at its end."""
        self._value = 100.0

    def _stretch_of_newest(self) -> _Stretch:
        known = self._usual.round_of(self._history)
        if known is not None:
            begin, end = self._expected(known)
            if end * _HIGHEST > self._value:
                return _Stretch(max(begin * _HIGHEST, self._value), end * _HIGHEST, known.signs, known)
        end = self._value + _UNUSUAL_ROUND * (_HIGHEST - self._value)
        return _Stretch(self._value, end, None if known is None else known.signs, known)

    def _expected(self, known: UsualRound) -> tuple[float, float]:
        """When a round that begins now began and will have ended, as parts of the whole time."""
        elapsed = self._elapsed()
        if elapsed is None or known.before is None or known.within is None or known.after is None:
            return known.begin, known.end
        pace = _pace(elapsed, known.before)
        whole = elapsed + pace * (known.within + known.after)
        return (elapsed / whole, (elapsed + pace * known.within) / whole) if whole > 0 else (known.begin, known.end)

    def _end_of(self, stretch: _Stretch) -> float:
        """Where a stage that is done leads."""
        known, elapsed = stretch.usual, self._elapsed()
        self._last_end = stretch.end / _HIGHEST if known is None else known.end
        if known is None or elapsed is None or known.before is None or known.within is None or known.after is None:
            return stretch.end
        whole = elapsed + _pace(elapsed, known.before + known.within) * known.after
        return max(stretch.reach, _HIGHEST * elapsed / whole) if whole > 0 else stretch.end

    def _stretch_between(self) -> _Stretch:
        gap = max(0.0, self._usual.next_begin(self._history, self._last_end) - self._last_end)
        return _Stretch(self._value, self._value + gap * (_HIGHEST - self._value), self._usual.signs_between)

    def _elapsed(self) -> float | None:
        return None if self._began is None else self._clock() - self._began

    def _raise_to(self, value: float) -> None:
        self._value = max(self._value, min(value, _HIGHEST))


def _pace(elapsed: float, usual: float) -> float:
    """How slow what follows is expected to be, beside the usual, after a run has taken so long so far."""
    return math.sqrt(elapsed / usual) if elapsed > 0 and usual > 0 else 1.0
