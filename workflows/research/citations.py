"""The citations of an answer: which numbers it cites, and its list of sources, with what is wrong said aloud. Pure."""

import re
from collections.abc import Iterator, Sequence

from workflows.research.contract import Source

_CODE = re.compile(r"^(```|~~~).*?^\1[ \t]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_CITATION = re.compile(r"\[\^?(\d{1,3}(?:\s*[,;\u2013-]\s*\d{1,3})*)\]")
_PART = re.compile(r"(\d+)(?:\s*[\u2013-]\s*(\d+))?")
_LONGEST_RANGE = 50
_PROBLEM_CHARACTERS = 200


def cited_numbers(text: str) -> list[int]:
    """The numbers that a text cites, rising, each once: `[2]`, `[1, 3]`, `[2-4]`, `[^5]`; not what stands in code.

    Args:
        text: Markdown.
    """
    return sorted({number for match in _CITATION.finditer(_CODE.sub(" ", text)) for number in _numbers(match[1])})


def marked(sources: Sequence[Source], cited: Sequence[int]) -> list[Source]:
    """The sources, with those marked that are cited."""
    return [source.model_copy(update={"cited": source.number in set(cited)}) for source in sources]


def with_sources(text: str, sources: Sequence[Source], unknown: Sequence[int]) -> str:
    """An answer with its list of sources, and with what of its citations cannot be trusted.

    Args:
        text: The answer as it was written.
        sources: All sources, marked.
        unknown: Numbers it cites that are none.
    """
    lines = [f"{source.number}. {source.place}{_doubt(source)}" for source in sources]
    listed = "\n".join(lines) if lines else "None: nothing above could be traced to a source."
    warning = ""
    if unknown:
        numbers = ", ".join(f"[{number}]" for number in unknown)
        warning = f"\n\n> **Not proven:** {numbers} {'is' if len(unknown) == 1 else 'are'} cited above and no source."
    return f"{text.strip()}\n\n## Sources\n\n{listed}{warning}"


def doubt_of(source: Source) -> str:
    """Why a source proves less than it seems to; empty if it was read."""
    match source.status:
        case "read":
            return ""
        case "unreadable":
            return f"could not be read: {' '.join(source.problem.split())[:_PROBLEM_CHARACTERS]}".rstrip(": ")
        case "searched":
            return "found by the provider's search, not opened here"
        case "unopened":
            return "named, but nobody was seen to open it"


def _doubt(source: Source) -> str:
    doubts = [doubt for doubt in (doubt_of(source), "" if source.cited else "not cited") if doubt]
    return f" ({'; '.join(doubts)})" if doubts else ""


def _numbers(listed: str) -> Iterator[int]:
    for match in _PART.finditer(listed):
        first, last = int(match[1]), int(match[2] or match[1])
        yield from range(first, last + 1) if 0 <= last - first < _LONGEST_RANGE else (first, last)
