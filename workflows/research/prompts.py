"""What each agent is asked. Pure."""

from collections.abc import Sequence

from workflows.quotes import Quotes, joined, preamble
from workflows.research.citations import doubt_of
from workflows.research.notes import Looked
from workflows.research.sources import Numbered

LONGEST_NOTES = 60_000
"""Characters of all notes in the prompt for the synthesis."""
_PREAMBLE = preamble("question")
_QUOTES = Quotes(("question", "part", "sources", "notes"))


def planner_prompt(question: str, most: int) -> str:
    """Ask for sub-questions."""
    return joined(_asked(question), f"Deliver the plan: at most {most} sub-questions, fewer where fewer will do.")


def researcher_prompt(question: str, part: str) -> str:
    """Ask for findings about one sub-question."""
    return joined(
        _PREAMBLE,
        _asked(question),
        _QUOTES.quoted("part", part, "Your sub-question", longest=None),
        "Look into your sub-question, and deliver your findings.",
    )


def synthesizer_prompt(question: str, looked: Sequence[Looked], numbered: Numbered) -> str:
    """Ask for the answer."""
    listed = "\n".join(
        f"[{source.number}] {source.place}{f' ({doubt})' if (doubt := doubt_of(source)) else ''}"
        for source in numbered.sources
    )
    notes = "\n\n".join(_notes(part, numbered) for part in looked)
    return joined(
        _PREAMBLE,
        _asked(question),
        _QUOTES.quoted("sources", listed, "The sources") or "There are no sources.",
        _QUOTES.quoted("notes", notes, "The notes, by sub-question", LONGEST_NOTES),
        "Write the answer.",
    )


def _asked(question: str) -> str:
    return _QUOTES.quoted("question", question, "The question", longest=None)


def _notes(part: Looked, numbered: Numbered) -> str:
    lines = [f"{part.number}. {part.question}"]
    for finding in part.findings:
        cited = "".join(f"[{number}]" for number in numbered.numbers(finding.sources))
        lines.append(f"- {finding.claim} {cited or '(no source)'}")
    if part.text:
        lines.append(f"- Unordered notes, without sources: {part.text}")
    if part.unanswered:
        lines.append(f"- Not found out: {part.unanswered}")
    if part.problem:
        lines.append(f"- This part was not looked into to its end: {part.problem}")
    return "\n".join(lines)
