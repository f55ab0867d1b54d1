"""What a text in Markdown is made of, as details of the events that report it. Pure."""

import re

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_BOLD_BULLET = re.compile(r"^\s*[-*+]\s+\*\*(.+?)\*\*", re.MULTILINE)


def headings_of(markdown: str) -> list[str]:
    """The headings of a Markdown text, in order."""
    return _HEADING.findall(markdown)


def components_of(design: str) -> list[str]:
    """The components a design names: the bold beginnings of the bullets under its heading `Components`."""
    parts = re.split(r"^#{1,6}\s+", design, flags=re.MULTILINE)
    section = next((part for part in parts if part.lower().startswith("component")), "")
    return [name.strip("`: ") for name in _BOLD_BULLET.findall(section)]
