"""Which sources there are, numbered, and what is known of each: from what was seen, not from what is claimed. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from workflows.research.contract import Source, SourceStatus
from workflows.research.notes import Looked, Opened

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_USUAL_PORTS = frozenset({80, 443, None})


def identity_of(place: str) -> str:
    """The same for two spellings of one source.

    Addresses differ neither by scheme, upper case in the host, a usual port, a trailing slash nor a fragment.

    Args:
        place: An address, or a path in the workspace.
    """
    place = place.strip()
    if not _ADDRESS.match(place):
        return PurePosixPath(place.replace("\\", "/").removeprefix("file://")).as_posix()
    try:
        parts = urlsplit(place)
        port = "" if parts.port in _USUAL_PORTS else f":{parts.port}"
    except ValueError:  # no port that is a number, or a broken IPv6 address
        return place
    query = f"?{parts.query}" if parts.query else ""
    return f"//{(parts.hostname or '').lower()}{port}{parts.path.rstrip('/')}{query}"


@dataclass(frozen=True, slots=True)
class Numbered:
    """The sources of a research.

    Attributes:
        sources: By number, from 1; none of them is cited yet.
        number_of: Their numbers by `identity_of` their place.
    """

    sources: tuple[Source, ...]
    number_of: Mapping[str, int]

    @classmethod
    def of(cls, looked: Sequence[Looked]) -> "Numbered":
        """Number what was cited in findings, in that order, then what could not be read and is cited nowhere.

        Args:
            looked: What came of each sub-question, in the plan's order.
        """
        opened = _opened(looked)
        searched = {identity_of(place) for part in looked for place in part.searched}
        places: dict[str, str] = {}
        for place in _places(looked):
            places.setdefault(identity_of(place), place)
        for identity, seen in opened.items():
            if seen.problem:
                places.setdefault(identity, seen.place)
        sources = tuple(
            _source(number, place, opened.get(identity), searched=identity in searched)
            for number, (identity, place) in enumerate(places.items(), 1)
        )
        return cls(sources, {identity: number for number, identity in enumerate(places, 1)})

    def numbers(self, places: Sequence[str]) -> list[int]:
        """The numbers of some places, each once, in order; of one that is no source nothing."""
        found = (self.number_of.get(identity_of(place)) for place in places)
        return list(dict.fromkeys(number for number in found if number is not None))


def _places(looked: Sequence[Looked]) -> Iterator[str]:
    for part in looked:
        for finding in part.findings:
            yield from (place.strip() for place in finding.sources if place.strip())
        yield from part.searched


def _opened(looked: Sequence[Looked]) -> dict[str, Opened]:
    """By identity; one that could be read once was read, however often it could not."""
    found: dict[str, Opened] = {}
    for part in looked:
        for seen in part.opened:
            known = found.get(identity_of(seen.place))
            if known is None or (known.problem and not seen.problem):
                found[identity_of(seen.place)] = seen
    return found


def _source(number: int, place: str, seen: Opened | None, *, searched: bool) -> Source:
    unseen: SourceStatus = "searched" if searched else "unopened"
    if seen is None:
        return Source(number=number, place=place, status=unseen, problem="", cited=False)
    status: SourceStatus = "unreadable" if seen.problem else "read"
    return Source(number=number, place=place, status=status, problem=seen.problem, cited=False)
