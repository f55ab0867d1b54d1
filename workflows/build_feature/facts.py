"""What can be counted in an agent's work, as details of the events that report it. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from agents.workspace.changes import FileChange
from agents.workspace.source_facts import SourceFacts
from workflows.build_feature.contract import Review, TestRun

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_BOLD_BULLET = re.compile(r"^\s*[-*+]\s+\*\*(.+?)\*\*", re.MULTILINE)
_SEVERITIES = ("high", "medium", "low")


def headings_of(markdown: str) -> list[str]:
    """The headings of a Markdown text, in order."""
    return _HEADING.findall(markdown)


def components_of(design: str) -> list[str]:
    """The components a design names: the bold beginnings of the bullets under its heading `Components`."""
    parts = re.split(r"^#{1,6}\s+", design, flags=re.MULTILINE)
    section = next((part for part in parts if part.lower().startswith("component")), "")
    return [name.strip("`: ") for name in _BOLD_BULLET.findall(section)]


def tests_summary(runs: Sequence[TestRun]) -> str:
    """How the last of some test runs ended, in two to four words."""
    if not runs:
        return "no tests run"
    if runs[-1].passed is None:
        return "outcome of the tests unknown"
    return "tests passed" if runs[-1].passed else "tests failed"


def code_details(changes: Sequence[FileChange], facts: SourceFacts, runs: Sequence[TestRun]) -> dict[str, object]:
    """What is known of the code, from the files themselves and from observed test runs."""
    return {
        "language": facts.language,
        "files": [f"{change.change} {change.path}" for change in changes],
        "lines": facts.lines,
        "has_tests": facts.has_tests,
        "has_docstrings": facts.has_docstrings,
        "test_runs": len(runs),
        "tests_passed": runs[-1].passed if runs else None,
    }


def code_summary(changes: Sequence[FileChange], facts: SourceFacts, runs: Sequence[TestRun]) -> str:
    """The same in one line."""
    files = "1 file changed" if len(changes) == 1 else f"{len(changes)} files changed"
    lines = f", {facts.lines} lines of {facts.language}" if facts.language else ""
    return f"{files}{lines}, {tests_summary(runs)}"


def review_details(review: Review) -> dict[str, object]:
    """A review in numbers."""
    severities = Counter(finding.severity for finding in review.findings)
    return {
        "verdict": review.verdict,
        "findings": len(review.findings),
        "fixed": sum(finding.fixed for finding in review.findings),
        "severities": {severity: severities[severity] for severity in _SEVERITIES if severities[severity]},
    }


def review_summary(review: Review) -> str:
    """The same in one line."""
    verdict = review.verdict.replace("_", " ")
    if not review.findings:
        return f"{verdict}, no findings"
    counted = Counter(finding.severity for finding in review.findings)
    severities = ", ".join(f"{counted[severity]} {severity}" for severity in _SEVERITIES if counted[severity])
    fixed = sum(finding.fixed for finding in review.findings)
    return f"{verdict}, findings: {severities}; {fixed} fixed"
