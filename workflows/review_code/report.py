"""What a review came to, in words. Pure."""

from collections.abc import Sequence

from workflows.findings import Finding, Misplaced, told_by_severity
from workflows.review_code.contract import FoundByReviewers, ReviewOfAspect, Subject
from workflows.wording import counted


def summary_of(findings: Sequence[Finding]) -> str:
    """How many findings there are, in one line."""
    if not findings:
        return "no findings"
    told = told_by_severity(findings)
    return f"{counted(len(findings), 'finding')}: {told}"


def report_of(
    subject: Subject,
    reviews: Sequence[ReviewOfAspect],
    findings: Sequence[FoundByReviewers],
    misplaced: Sequence[Misplaced],
) -> str:
    """The whole review in Markdown."""
    summary, files = summary_of(findings), counted(len(subject.files), "file")
    parts = [f"{summary[0].upper()}{summary[1:]}. Reviewed: {subject.description}, {files}."]
    parts += [f"**Not reviewed for {review.aspect}:** {review.summary}" for review in reviews if not review.finished]
    if findings:
        parts.append("\n".join(_bullet(finding) for finding in findings))
    parts.append("\n".join(f"- {review.aspect}: {review.summary}" for review in reviews if review.finished))
    if subject.left_out:
        parts.append("Not given to the reviewers, or only in part:\n" + _bullets(subject.left_out))
    if misplaced:
        told = [f"{wrong.finding.claim} ({wrong.reason})" for wrong in misplaced]
        parts.append("Set aside, because the place they name does not exist:\n" + _bullets(told))
    return "\n\n".join(part for part in parts if part)


def _bullet(finding: FoundByReviewers) -> str:
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    who = ", ".join(finding.found_by)
    return f"- **{finding.severity}** `{place}` {finding.claim} {finding.suggestion} ({who})".replace("  ", " ")


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
