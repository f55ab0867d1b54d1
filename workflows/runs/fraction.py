"""How far along a run is, from what has really happened.

Each round of a stage owns a stretch of the bar: from when it usually begins to when it usually ends, as a part of the
whole time (`workflows.runs.usual_course`). Starting a stage moves to the beginning of its stretch, finishing it to the
end. In between, every sign of work moves on: where it is known how many signs such a round usually has, evenly, else by
a fixed part of what is left of the stretch. What happens between two stages leads on to where the next usually begins.
So the bar moves while there is work, never reaches the stretch's end by itself, and never moves without work. A round
that is not usual, or that begins later than usual, takes part of what is left of the whole. The bar never goes back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workflows.runs.usual_course import History, Usual, shipped
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
    """

    begin: float
    end: float
    signs: float | None = None

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
    """

    def __init__(self, stages: Sequence[Stage], usual: Usual | None = None) -> None:
        self._stages = frozenset(stage.name for stage in stages)
        self._usual = shipped(stages) if usual is None else usual
        self._history: History = ()
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
            self._raise_to(stretch.end)
            self._between = self._stretch_between()

    def finish(self) -> None:
        """The run is at its end."""
        self._value = 100.0

    def _stretch_of_newest(self) -> _Stretch:
        known = self._usual.round_of(self._history)
        if known is not None and known.end * _HIGHEST > self._value:
            begin = max(known.begin * _HIGHEST, self._value)
            return _Stretch(begin, known.end * _HIGHEST, known.signs)
        end = self._value + _UNUSUAL_ROUND * (_HIGHEST - self._value)
        return _Stretch(self._value, end, None if known is None else known.signs)

    def _stretch_between(self) -> _Stretch:
        end = _HIGHEST * self._usual.next_begin(self._history, self._value / _HIGHEST)
        return _Stretch(self._value, max(end, self._value), self._usual.signs_between)

    def _raise_to(self, value: float) -> None:
        self._value = max(self._value, min(value, _HIGHEST))
