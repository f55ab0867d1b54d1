"""How far along a run is, from what has really happened.

Each stage owns a stretch of the bar, as long as its usual share of the time. Starting a stage moves to the beginning
of its stretch, finishing it to the end. In between, every sign of work takes a fixed part of what is left of the
stretch, so the bar moves while there is work, never reaches the stretch's end by itself, and never moves without work.
A repeated round takes part of what is left of the whole, because it was not in anybody's plan. The bar never goes back.
"""

from collections.abc import Iterable, Sequence

from workflows.workflow import Stage

_LEFT_AFTER_SIGN = 0.97
"""What one sign of work leaves of its stretch: half of it is gone after 23 signs."""
_REACH = 0.95
"""The part of a stretch that signs of work may take; the rest is for finishing."""
_REPEATED_ROUND = 0.3
"""The part of what is left of the whole that a repeated round gets."""
_HIGHEST = 99.0
"""The bar's end before the run's end."""


class Fraction:
    """How far along a run is, 0 to 100.

    Args:
        stages: The workflow's stages, in their usual order.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        total = sum(stage.share for stage in stages) or 1.0
        self._stretches: dict[str, tuple[float, float]] = {}
        begin = 0.0
        for stage in stages:
            end = begin + _HIGHEST * stage.share / total
            self._stretches[stage.name] = (begin, end)
            begin = end
        self._active: dict[str, tuple[float, float]] = {}
        self._finished: set[str] = set()
        self._value = 0.0

    def go_on(self, value: float, finished: Iterable[str]) -> None:
        """Begin where an earlier attempt at the run was.

        Args:
            value: How far it was.
            finished: Stages it had completed.
        """
        self._finished.update(finished)
        self._raise_to(value)

    @property
    def value(self) -> float:
        """0 to 100."""
        return self._value

    def stage_started(self, stage: str) -> None:
        """A stage begins, for the first time or again."""
        stretch = self._stretches.get(stage)
        if stretch is None:
            return
        if stage in self._finished or stretch[1] <= self._value:
            begin = self._value
            stretch = (begin, begin + _REPEATED_ROUND * (_HIGHEST - begin))
        self._active[stage] = stretch
        self._raise_to(stretch[0])

    def worked(self) -> None:
        """There was a sign of work in whatever stages are running."""
        for begin, end in self._active.values():
            reach = begin + _REACH * (end - begin)
            if begin <= self._value < reach:
                self._raise_to(reach - (reach - self._value) * _LEFT_AFTER_SIGN)

    def stage_completed(self, stage: str) -> None:
        """A stage is done."""
        self._finished.add(stage)
        stretch = self._active.pop(stage, None)
        if stretch is not None:
            self._raise_to(stretch[1])

    def finish(self) -> None:
        """The run is at its end."""
        self._value = 100.0

    def _raise_to(self, value: float) -> None:
        self._value = max(self._value, min(value, _HIGHEST))
