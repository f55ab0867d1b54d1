"""Reads the project's Markdown documents: sections, tables, fenced blocks, links."""

import re
from dataclasses import dataclass

from tests.test_house import FILES, text_of

DOCUMENTS = [name for name in FILES if name.endswith(".md")]
"""All of them, relative to the root."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`]+)`")
_TABLE = re.compile(r"^\|(.*)\|\n\|[-|: ]+\|\n((?:\|.*\|\n?)+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        language: What stands behind the fence.
        text: What stands in it.
    """

    language: str
    text: str


def blocks(document: str, *languages: str) -> list[Block]:
    """A document's fenced blocks in these languages."""
    found = [Block(match[1], match[2]) for match in _FENCE.finditer(text_of(document))]
    return [block for block in found if block.language in languages]


def prose(document: str) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", text_of(document))


def section(document: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    pattern = rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)"
    match = re.search(pattern, text_of(document), re.MULTILINE | re.DOTALL)
    assert match is not None, f"{document} has no heading {heading!r}"
    return match[1]


def rows(text: str, first_heading: str) -> list[list[str]]:
    """The cells of the first table whose first column is headed so; empty if there is none."""
    for table in _TABLE.finditer(text):
        if _cells(table[1])[0] == first_heading:
            return [_cells(line.strip().strip("|")) for line in table[2].splitlines()]
    return []


def spans(text: str) -> list[str]:
    """What stands between backticks."""
    return _SPAN.findall(text)


def names(text: str, first_heading: str) -> list[str]:
    """What the first column of such a table has between backticks."""
    return [name for row in rows(text, first_heading) for name in spans(row[0])]


def links(document: str) -> list[str]:
    """Where a document's links lead."""
    return _LINK.findall(prose(document))


def anchors(document: str) -> set[str]:
    """Where a link can lead to inside a document, by GitHub's rule."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def one_line(text: str) -> str:
    """The text, however it was wrapped."""
    return " ".join(text.split())


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]
