"""Puts the findings of several reviewers together: equal ones once, most severe first. Pure."""

import re
from collections.abc import Iterable

from agents.review_roles import REVIEWERS, Aspect
from workflows.findings import RANK, Finding
from workflows.review_code.contract import FoundByReviewers

NEAR_LINES = 3
"""How far apart two lines may be that mean the same place: one reviewer names the call, the other its argument."""
LEAST_SHARED_PART, LEAST_SHARED_WORDS = 0.5, 2
"""How many of the words of the shorter of two claims must be in the other for both to mean the same."""

_WORD = re.compile(r"\w+")
_SAYS_NOTHING = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "for", "from", "has", "have", "if", "in",
        "into", "is", "it", "its", "no", "not", "of", "on", "or", "so", "than", "that", "the", "then", "there", "this",
        "to", "was", "what", "when", "where", "which", "while", "will", "with", "would",
    }
)  # fmt: skip


def merged(found: Iterable[tuple[Aspect, Finding]]) -> list[FoundByReviewers]:
    """The findings of all reviewers.

    Two of different reviewers are equal if they name the same file and nearly the same line and share enough of their
    words; two of the same one only if they are the same in file, line and claim, for who has found both has told them
    apart. The more severe one is kept, with the names of all who found it.

    Args:
        found: Each with who found it; the order does not matter.
    """
    kept: list[FoundByReviewers] = []
    for aspect, finding in sorted(found, key=_order):
        same = next((other for other in kept if _is_same(finding, other, by_the_same=aspect in other.found_by)), None)
        if same is None:
            kept.append(FoundByReviewers(**finding.model_dump(), found_by=[aspect]))
        elif aspect not in same.found_by:
            same.found_by.append(aspect)
    order = tuple(REVIEWERS)
    return [found.model_copy(update={"found_by": sorted(found.found_by, key=order.index)}) for found in kept]


def _order(item: tuple[Aspect, Finding]) -> tuple[int, str, int, str, str, int]:
    aspect, finding = item
    place = (finding.file, finding.line or 0)
    return RANK[finding.severity], *place, finding.claim, finding.suggestion, tuple(REVIEWERS).index(aspect)


def _is_same(one: Finding, other: Finding, *, by_the_same: bool) -> bool:
    if by_the_same:
        return (one.file, one.line, one.claim) == (other.file, other.line, other.claim)
    if one.file != other.file or (one.line is None) != (other.line is None):
        return False
    if abs((one.line or 0) - (other.line or 0)) > NEAR_LINES:
        return False
    words = [_words(finding.claim) for finding in (one, other)]
    shared = len(words[0] & words[1])
    enough = max(LEAST_SHARED_WORDS, LEAST_SHARED_PART * min(len(part) for part in words))
    return one.claim == other.claim or shared >= enough


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _SAYS_NOTHING
