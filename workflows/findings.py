"""What a review finds in code, and whether the places it names are there."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, Field

from agents.workspace.stoppable import Check

_PIECE_BYTES = 1024 * 1024
Severity: TypeAlias = Literal["high", "medium", "low"]
RANK: Mapping[Severity, int] = MappingProxyType[Severity, int]({"high": 0, "medium": 1, "low": 2})
"""In which order findings are listed."""


class Finding(BaseModel):
    """One thing a review found."""

    file: str = Field(description="Path relative to the workspace, as it is now.")
    line: int | None = Field(description="Line in the file as it is now; null if it concerns no single line.")
    severity: Severity = Field(
        description="high: wrong or missing behaviour, or a way to do harm; medium: fails in rare cases; low: the rest."
    )
    claim: str = Field(min_length=1, description="What is wrong, shown by an input and what comes of it.")
    suggestion: str = Field(description="What to do about it.")


class Misplaced(BaseModel):
    """A finding whose place is not there, so that nobody has to believe the rest of it."""

    finding: Finding = Field(description="As it was claimed.")
    reason: str = Field(description="What is wrong with its place.")


@dataclass(frozen=True, slots=True)
class Placed:
    """Findings beside what is in the workspace.

    Attributes:
        findings: Those whose file and line exist, with the path as it is written there.
        misplaced: The others.
    """

    findings: tuple[Finding, ...]
    misplaced: tuple[Misplaced, ...]


class Rated(Protocol):
    """What has a severity: a finding, in whatever shape."""

    @property
    def severity(self) -> Severity:
        """Its severity."""
        ...


def by_severity(found: Iterable[Rated]) -> dict[str, int]:
    """How many there are of each severity, most severe first; those of which there are none are left out."""
    counts = Counter(rated.severity for rated in found)
    return {severity: counts[severity] for severity in RANK if counts[severity]}


def told_by_severity(found: Iterable[Rated]) -> str:
    """The same in words: `1 high, 2 low`; empty if there are none."""
    return ", ".join(f"{count} {severity}" for severity, count in by_severity(found).items())


def placed(workspace: Path, findings: Sequence[Finding], check: Check) -> Placed:
    """Look for the place of each finding. Blocks: call it in a thread.

    Args:
        workspace: Existing directory.
        findings: As they were claimed.
        check: Called before every piece of a file that is read.
    """
    lines = _LineCounts(workspace, check)
    there: list[Finding] = []
    misplaced: list[Misplaced] = []
    for finding in findings:
        path = relative_path(workspace, finding.file)
        reason = f"{finding.file!r} is no path in the workspace" if path is None else _problem(finding, path, lines)
        if path is None or reason:
            misplaced.append(Misplaced(finding=finding, reason=reason))
        else:
            there.append(finding.model_copy(update={"file": path}))
    return Placed(tuple(there), tuple(misplaced))


def relative_path(workspace: Path, named: str) -> str | None:
    """A path as reviewers write it (absolute, with `./`, as in a diff's header), relative to the workspace.

    Args:
        workspace: Existing directory.
        named: The path.

    Returns:
        With forward slashes; None if it leads out of the workspace, or nowhere.
    """
    if not named.strip() or "\0" in named:
        return None
    path = Path(named.strip())
    if path.is_absolute():
        for root in (workspace, workspace.resolve()):
            if path.is_relative_to(root):
                return _inside(workspace, path.relative_to(root))
        return None
    side, _, rest = named.strip().partition("/")
    if side in {"a", "b"} and rest and not (workspace / path).exists():  # as in `--- a/src/parser.py`
        path = Path(rest)
    return _inside(workspace, path)


def _inside(workspace: Path, path: Path) -> str | None:
    root = workspace.resolve()
    try:
        whole = (root / path).resolve()  # follows links, so that none leads outside
    except (OSError, RuntimeError):
        return None
    if not whole.is_relative_to(root):
        return None
    return Path(os.path.normpath(path)).as_posix()


def _problem(finding: Finding, path: str, lines: "_LineCounts") -> str:
    count = lines.of(path)
    if count is None:
        return f"there is no file {path}"
    if finding.line is not None and not 1 <= finding.line <= count:
        return f"{path} has no line {finding.line}: it has {count}"
    return ""


class _LineCounts:
    """How many lines files have, each counted once."""

    def __init__(self, workspace: Path, check: Check) -> None:
        self._workspace = workspace
        self._check = check
        self._counted: dict[str, int | None] = {}

    def of(self, path: str) -> int | None:
        """None if there is no such file."""
        if path not in self._counted:
            self._counted[path] = self._count(self._workspace / path)
        return self._counted[path]

    def _count(self, path: Path) -> int | None:
        ends, last = 0, b"\n"
        try:
            if not path.is_file():
                return None
            with path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    self._check()
                    ends, last = ends + piece.count(b"\n"), piece[-1:]
        except OSError:
            return None
        return ends + (last != b"\n")
