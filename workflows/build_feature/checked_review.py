"""A review beside what was observed of the work it is about. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from workflows.build_feature.contract import Review
from workflows.findings import by_severity, told_by_severity
from workflows.observed.run_of_tests import TestRun, tests_summary


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
    telling = runs if runs or changed else earlier
    if review.verdict == "approved" and not (telling and telling[-1].passed):
        tests = "no tests run since its changes" if changed and not runs else tests_summary(telling)
        unproven.append(f"approved although: {tests}")
    return CheckedReview(review, tuple(unproven))


def _missing_proof(runs: Sequence[TestRun], *, changed: bool | None) -> str:
    if not changed:
        return "changes unknown" if changed is None else "no file changed"
    return "" if runs and runs[-1].passed else tests_summary(runs)


def review_details(checked_review: CheckedReview) -> dict[str, object]:
    """A review in numbers."""
    review = checked_review.review
    return {
        "verdict": review.verdict,
        "findings": len(review.findings),
        "fixed": sum(finding.fixed for finding in review.findings),
        "severities": by_severity(review.findings),
        "unproven": list(checked_review.unproven),
    }


def review_summary(checked_review: CheckedReview, runs: Sequence[TestRun]) -> str:
    """The same in one line, with the test runs of its round."""
    review = checked_review.review
    parts = [review.verdict.replace("_", " ")]
    severities = told_by_severity(review.findings)
    parts[0] += f", findings: {severities}" if severities else ", no findings"
    if fixed := sum(finding.fixed for finding in review.findings):
        parts.append(f"{fixed} fixed")
    return "; ".join([*parts, tests_summary(runs), *checked_review.unproven])
