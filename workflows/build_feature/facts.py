"""What can be counted in an agent's work, as details of the events that report it. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agents.workspace.changes import WorkspaceChanges
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


def code_details(changes: WorkspaceChanges, facts: SourceFacts, runs: Sequence[TestRun]) -> dict[str, object]:
    """What is known of the code since the run began, from the files themselves and from observed test runs."""
    tests: dict[str, object] = {"test_runs": len(runs), "tests_passed": runs[-1].passed if runs else None}
    if not changes.known:
        return {"files": None, **tests}
    return {
        "language": facts.language,
        "files": [f"{change.change} {change.path}" for change in changes.files],
        "lines_added": changes.lines.added,
        "lines_removed": changes.lines.removed,
        "has_tests": facts.has_tests,
        "has_docstrings": facts.has_docstrings,
        **tests,
    }


def code_summary(changes: WorkspaceChanges, facts: SourceFacts, runs: Sequence[TestRun]) -> str:
    """The same in one line."""
    return f"{_changes_summary(changes, facts)}, {tests_summary(runs)}"


def _changes_summary(changes: WorkspaceChanges, facts: SourceFacts) -> str:
    if not changes.known:
        return "changes unknown"
    count = len(changes.files)
    files = f"{count} file{'' if count == 1 else 's'} changed since the run began"
    if not changes.files:
        return files
    least = "" if changes.lines.complete else "at least "
    language = f", {facts.language}" if facts.language else ""
    return f"{files} ({least}+{changes.lines.added} -{changes.lines.removed} lines{language})"


@dataclass(frozen=True, slots=True)
class CheckedReview:
    """A review beside what was observed.

    Attributes:
        review: With `fixed` only where that can be: something has changed, and the tests have passed.
        unproven: What of its claims was not observed, each in a few words.
    """

    review: Review
    unproven: tuple[str, ...]


def checked(
    review: Review, *, changed: bool | None, runs: Sequence[TestRun], earlier: Sequence[TestRun]
) -> CheckedReview:
    """Compare what a reviewer says with what was seen.

    Args:
        review: As the reviewer gave it.
        changed: Whether files have changed in its round; None where that is not known.
        runs: The test runs of its round.
        earlier: Those before it.
    """
    unproven: list[str] = []
    claimed = sum(finding.fixed for finding in review.findings)
    missing = _missing_proof(runs, changed=changed)
    if claimed and missing:
        unproven.append(f"claims {claimed} fixed, but {missing}")
        findings = [finding.model_copy(update={"fixed": False}) for finding in review.findings]
        review = review.model_copy(update={"findings": findings})
    counted = runs if runs or changed else earlier
    if review.verdict == "approved" and not (counted and counted[-1].passed):
        tests = "no tests run since its changes" if changed and not runs else tests_summary(counted)
        unproven.append(f"approved although: {tests}")
    return CheckedReview(review, tuple(unproven))


def _missing_proof(runs: Sequence[TestRun], *, changed: bool | None) -> str:
    if not changed:
        return "changes unknown" if changed is None else "no file changed"
    return "" if runs and runs[-1].passed else tests_summary(runs)


def review_details(checked_review: CheckedReview) -> dict[str, object]:
    """A review in numbers."""
    review = checked_review.review
    severities = Counter(finding.severity for finding in review.findings)
    return {
        "verdict": review.verdict,
        "findings": len(review.findings),
        "fixed": sum(finding.fixed for finding in review.findings),
        "severities": {severity: severities[severity] for severity in _SEVERITIES if severities[severity]},
        "unproven": list(checked_review.unproven),
    }


def review_summary(checked_review: CheckedReview, runs: Sequence[TestRun]) -> str:
    """The same in one line, with the test runs of its round."""
    review = checked_review.review
    parts = [review.verdict.replace("_", " ")]
    counted = Counter(finding.severity for finding in review.findings)
    severities = ", ".join(f"{counted[severity]} {severity}" for severity in _SEVERITIES if counted[severity])
    parts[0] += f", findings: {severities}" if severities else ", no findings"
    if fixed := sum(finding.fixed for finding in review.findings):
        parts.append(f"{fixed} fixed")
    return "; ".join([*parts, tests_summary(runs), *checked_review.unproven])
