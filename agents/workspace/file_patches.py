"""The parts of a unified diff, one for each file. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_BOTH_NAMES = re.compile(r"diff --git (?:a/(?P<old>.+) b/(?P=old)|(?P<quoted>\"a/.+\"))$")
_ONE_NAME = re.compile(r"(?:\+\+\+|---) (?P<name>\"?[ab]/.*?)\t?$")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a diff says of one file.

    Attributes:
        path: Relative, with forward slashes; the new one where both are told. Empty if the diff does not tell it.
        text: All of its lines.
        has_lines: Whether changed lines are shown; not so for binary files, modes, and what is too large to be shown.
    """

    path: str
    text: str
    has_lines: bool

    @property
    def is_new(self) -> bool:
        """Whether there was no such file before."""
        header = f"\n{self.text}".partition("\n@@ ")[0] + "\n"
        return "\n--- /dev/null\n" in header or "\nnew file mode " in header


def file_patches(diff: str) -> list[FilePatch]:
    """Take a unified diff apart, as git and `difflib` write it. What stands before the first file is left out.

    Args:
        diff: Of any number of files.
    """
    return [_patch(lines) for lines in _sections(diff)]


def _sections(diff: str) -> Iterator[list[str]]:
    section: list[str] = []
    old_left = new_left = 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", diff):  # not `splitlines`: sources hold other line breaks
        if old_left > 0 or new_left > 0:
            old_left -= line.startswith(("-", " ", "\n"))
            new_left -= line.startswith(("+", " ", "\n"))
        elif hunk := _HUNK.match(line):
            old_left, new_left = int(hunk[1] or 1), int(hunk[2] or 1)
        elif _begins(line, section):
            if section:
                yield section
            section = [line]
            continue
        if section:
            section.append(line)
    if section:
        yield section


def _begins(line: str, section: list[str]) -> bool:
    """Whether a line outside of all hunks is the first one of a file."""
    if line.startswith("diff --git "):
        return True
    of_git = bool(section) and section[0].startswith("diff --git ")  # whose first line stands before the names
    return line.startswith("--- ") and not of_git


def _patch(lines: list[str]) -> FilePatch:
    header: list[str] = []
    for line in lines:
        if _HUNK.match(line):
            break
        header.append(line.rstrip("\n"))
    return FilePatch(_path(header), "".join(lines), has_lines=len(header) < len(lines))


def _path(header: list[str]) -> str:
    names = [found["name"] for line in header if (found := _ONE_NAME.match(line))]
    if names:
        return _unquoted(names[-1])[2:]
    both = next((found for line in header if (found := _BOTH_NAMES.match(line))), None)
    if both is None:
        return ""
    if both["old"] is not None:
        return both["old"]
    quoted = both["quoted"]
    return _unquoted(quoted[: len(quoted) // 2])[2:]


def _unquoted(name: str) -> str:
    """A name as git quotes it where there is something special in it."""
    if not name.startswith('"'):
        return name

    def plain(match: re.Match[bytes]) -> bytes:
        escaped = match[1]
        return bytes([int(escaped, 8)]) if len(escaped) == 3 else _ESCAPED.get(escaped, escaped)

    return _ESCAPE.sub(plain, name.strip('"').encode()).decode(errors="replace")
