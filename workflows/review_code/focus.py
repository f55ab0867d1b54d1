"""Which aspects are reviewed, and what the reviewers look at in particular. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.review_roles import REVIEWERS, Aspect

ALL_ASPECTS: tuple[Aspect, ...] = tuple(REVIEWERS)


@dataclass(frozen=True, slots=True)
class Focus:
    """What a review is about.

    Attributes:
        aspects: In their usual order; at least one.
        points: What else was asked for, in the user's words.
    """

    aspects: tuple[Aspect, ...]
    points: tuple[str, ...]

    @classmethod
    def of(cls, given: Sequence[str]) -> "Focus":
        """Read what was given.

        Args:
            given: Names of aspects choose these; without any of them all are chosen. The rest are points.
        """
        names = {text.strip().lower() for text in given}
        chosen: tuple[Aspect, ...] = tuple(aspect for aspect in ALL_ASPECTS if aspect in names)
        points = dict.fromkeys(text.strip() for text in given if text.strip().lower() not in REVIEWERS)
        return cls(chosen or ALL_ASPECTS, tuple(points))
