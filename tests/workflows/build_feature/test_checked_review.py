import pytest

from workflows.build_feature.checked_review import CheckedReview, checked, review_details, review_summary
from workflows.build_feature.contract import Finding, Review
from workflows.observed.run_of_tests import TestRun

APPROVED = Review(verdict="approved", summary="s", findings=[])


def finding(severity: str, *, fixed: bool = False) -> Finding:
    return Finding.model_validate(
        {"file": "a.py", "line": 1, "severity": severity, "claim": "c", "suggestion": "s", "fixed": fixed}
    )


def runs_that(*, passed: bool | None) -> list[TestRun]:
    return [TestRun(command="pytest", passed=passed, seconds=1, output="")]


def test_a_review_is_told_in_numbers() -> None:
    findings = [finding("high"), finding("low", fixed=True), finding("low")]
    review = Review(verdict="changes_requested", summary="s", findings=findings)
    seen = checked(review, changed=True, runs=runs_that(passed=True), earlier=[])

    assert seen == CheckedReview(review, ())
    assert review_details(seen) == {
        "verdict": "changes_requested",
        "findings": 3,
        "fixed": 1,
        "severities": {"high": 1, "low": 2},
        "unproven": [],
    }
    told = "changes requested, findings: 1 high, 2 low; 1 fixed; tests passed"
    assert review_summary(seen, runs_that(passed=True)) == told
    approved = checked(APPROVED, changed=False, runs=runs_that(passed=True), earlier=[])
    assert review_summary(approved, runs_that(passed=True)) == "approved, no findings; tests passed"


@pytest.mark.parametrize(
    ("changed", "runs", "missing"),
    [
        (False, runs_that(passed=True), "no file changed"),
        (None, runs_that(passed=True), "changes unknown"),
        (True, [], "no tests run"),
        (True, runs_that(passed=False), "tests failed"),
        (True, runs_that(passed=None), "outcome of the tests unknown"),
    ],
)
def test_what_a_reviewer_says_to_have_fixed_is_only_a_claim_without_a_change_and_passed_tests(
    changed: bool | None,  # noqa: FBT001 - a parameter of the test
    runs: list[TestRun],
    missing: str,
) -> None:
    review = Review(verdict="changes_requested", summary="s", findings=[finding("low", fixed=True), finding("low")])

    seen = checked(review, changed=changed, runs=runs, earlier=runs_that(passed=True))

    assert [item.fixed for item in seen.review.findings] == [False, False]
    assert seen.unproven == (f"claims 1 fixed, but {missing}",)
    assert review_details(seen)["fixed"] == 0
    assert "1 fixed;" not in review_summary(seen, runs)
    assert review_summary(seen, runs).endswith(f"; claims 1 fixed, but {missing}")


@pytest.mark.parametrize(
    ("changed", "runs", "earlier", "unproven"),
    [
        (False, [], runs_that(passed=True), ()),
        (False, [], runs_that(passed=False), ("approved although: tests failed",)),
        (False, [], [], ("approved although: no tests run",)),
        (True, [], runs_that(passed=True), ("approved although: no tests run since its changes",)),
        (True, runs_that(passed=False), runs_that(passed=True), ("approved although: tests failed",)),
        (None, runs_that(passed=None), [], ("approved although: outcome of the tests unknown",)),
        (True, runs_that(passed=True), runs_that(passed=False), ()),
    ],
)
def test_an_approval_beside_failed_or_missing_tests_is_told_as_such(
    changed: bool | None,  # noqa: FBT001 - a parameter of the test
    runs: list[TestRun],
    earlier: list[TestRun],
    unproven: tuple[str, ...],
) -> None:
    assert checked(APPROVED, changed=changed, runs=runs, earlier=earlier).unproven == unproven
