"""What reviews and runs came to, in words and numbers. Pure."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

from agents.workspace.file_patches import file_patches
from agents.workspace.source_facts import is_test_file
from workflows.collaborate.contract import Review, ReviewReply, Tests
from workflows.collaborate.state import Standing
from workflows.findings import RANK, Finding, Placed, by_severity, told_by_severity
from workflows.observed.run_of_tests import tests_summary
from workflows.wording import counted

_SHOWN_FINDINGS = 10
_NO_REVIEW = "not reviewed"
_DOCUMENTATION = frozenset({".adoc", ".md", ".mdx", ".rst"})
_DOCUMENTATION_FOLDERS = frozenset({"doc", "docs"})


def review_of(reply: ReviewReply, places: Placed) -> Review:
    """A review that has been looked at.

    Args:
        reply: As the reviewer gave it. An approval that leaves a finding of severity high open is none.
        places: Its findings, looked up in the workspace.
    """
    contradicts = reply.verdict == "approved" and any(finding.severity == "high" for finding in places.findings)
    return Review(
        verdict="changes_requested" if contradicts else reply.verdict,
        summary=reply.summary,
        findings=sorted(places.findings, key=lambda finding: RANK[finding.severity]),
        misplaced=list(places.misplaced),
        newest=True,
    )


def review_summary(review: Review, reply: ReviewReply) -> str:
    """A review in one line, with what of it was not taken as it was given."""
    parts = [_told_verdict(review)]
    severities = told_by_severity(review.findings)
    parts.append(f"findings: {severities}" if severities else "no findings")
    if review.misplaced:
        parts.append(f"{len(review.misplaced)} set aside, whose places do not exist")
    if review.verdict != reply.verdict:
        parts.append("was given as approved, though a finding of severity high is open")
    return "; ".join(parts)


def review_details(review: Review) -> dict[str, object]:
    """A review in numbers."""
    return {
        "verdict": review.verdict,
        "findings": len(review.findings),
        "severities": by_severity(review.findings),
        "misplaced": len(review.misplaced),
    }


def tests_of(standing: Standing) -> Tests | None:
    """The tests, from what was observed; None if none were wanted."""
    if not standing.with_tests:
        return None
    runs = standing.tests_run
    return Tests(files=test_files(standing), runs=runs, passed=runs[-1].passed if runs else None)


def test_files(standing: Standing) -> list[str]:
    """Test files that the run has written or changed."""
    return [file.path for file in standing.files if file.change != "deleted" and is_test_file(file.path)]


def changed_since(before: str, after: str, *, allowed: Literal["tests", "documentation"]) -> list[str]:
    """Files that a round has changed though it should not, from two diffs of the same baseline.

    Args:
        before: The diff before the round.
        after: The one after it.
        allowed: What the round may change: test files, or documentation. New files it may make.
    """
    earlier, later = ({patch.path: patch for patch in file_patches(diff)} for diff in (before, after))
    changed = [path for path in {**earlier, **later} if earlier.get(path) != later.get(path)]
    old = [path for path in changed if path in earlier or not later[path].is_new]
    return sorted(path for path in old if not (is_test_file(path) if allowed == "tests" else _is_documentation(path)))


def _is_documentation(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.suffix.lower() in _DOCUMENTATION or not _DOCUMENTATION_FOLDERS.isdisjoint(pure.parts[:-1])


def answer_of(standing: Standing) -> str:
    """What came of a run, in Markdown."""
    outcome = [
        _told_review(standing),
        *([tests_summary(standing.tests_run)] if standing.with_tests else ["no tests wanted"]),
    ]
    text = ", ".join(outcome)
    parts = [f"{text[0].upper()}{text[1:]}."]
    if standing.remarks:
        parts.append(_bullets("What did not go as it should", standing.remarks))
    parts.append(_told_files(standing))
    review = standing.review
    if review is not None and review.findings:
        title = "Open findings" if review.newest else "Findings before the last refinement"
        parts.append(_bullets(title, _told_findings(review.findings)))
    return "\n\n".join(parts)


def _told_files(standing: Standing) -> str:
    if not standing.changes_known:
        return "Which files were changed could not be observed."
    files = [f"`{file.path}` ({file.change})" for file in standing.files]
    return _bullets("Files", files) if files else "No file was changed."


def _told_review(standing: Standing) -> str:
    review = standing.review
    if review is None:
        return _NO_REVIEW
    told = _told_verdict(review)
    if standing.refinements:
        told += f" after {counted(standing.refinements, 'refinement')}"
    return told if review.newest else f"{told} (the last refinement was {_NO_REVIEW})"


def _told_verdict(review: Review) -> str:
    return "approved by the review" if review.verdict == "approved" else "changes requested by the review"


def _told_findings(findings: Sequence[Finding]) -> list[str]:
    told = [
        f"{finding.severity}: `{finding.file}{f':{finding.line}' if finding.line else ''}` {finding.claim}"
        for finding in findings[:_SHOWN_FINDINGS]
    ]
    more = len(findings) - len(told)
    return [*told, f"and {more} more"] if more else told


def _bullets(title: str, lines: Sequence[str]) -> str:
    return f"{title}:\n" + "\n".join(f"- {line}" for line in lines)
