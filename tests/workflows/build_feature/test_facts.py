from typing import Any

import pytest

from agents.workspace.changes import FileChange, WorkspaceChanges
from agents.workspace.diff_lines import DiffLines
from agents.workspace.source_facts import SourceFacts
from workflows.build_feature.contract import Finding, Review, TestRun
from workflows.build_feature.facts import (
    CheckedReview,
    checked,
    code_details,
    code_summary,
    components_of,
    headings_of,
    review_details,
    review_summary,
)

NOTHING = SourceFacts("", 0, has_tests=False, has_docstrings=None)
APPROVED = Review(verdict="approved", summary="s", findings=[])
DESIGN = """\
# Design

- **not** a component

## Components

- **parser** (`a.py`): reads
* **`writer`**: writes
- plain bullet

## Interfaces

- **parse**: a function
"""


def finding(severity: str, *, fixed: bool = False) -> Finding:
    return Finding.model_validate(
        {"file": "a.py", "line": 1, "severity": severity, "claim": "c", "suggestion": "s", "fixed": fixed}
    )


def test_components_are_read_from_the_design() -> None:
    assert components_of(DESIGN) == ["parser", "writer"]
    assert components_of("no headings at all") == []
    assert headings_of(DESIGN) == ["Design", "Components", "Interfaces"]


def changes(*paths: str, **facts: Any) -> WorkspaceChanges:
    return WorkspaceChanges(tuple(FileChange(path, "added") for path in paths), "", **facts)


def runs_that(*, passed: bool | None) -> list[TestRun]:
    return [TestRun(command="pytest", passed=passed, seconds=1, output="")]


def test_code_is_told_by_what_has_changed_and_not_by_how_long_the_files_are() -> None:
    seen = changes("a.py", lines=DiffLines(added=12, removed=3))
    facts = SourceFacts("Python", 5000, has_tests=True, has_docstrings=False)

    assert code_details(seen, facts, runs_that(passed=False)) == {
        "language": "Python",
        "files": ["added a.py"],
        "lines_added": 12,
        "lines_removed": 3,
        "has_tests": True,
        "has_docstrings": False,
        "test_runs": 1,
        "tests_passed": False,
    }
    told = "1 file changed since the run began (+12 -3 lines, Python), tests failed"
    assert code_summary(seen, facts, runs_that(passed=False)) == told


def test_lines_that_could_not_all_be_counted_are_the_least() -> None:
    seen = changes("a.py", "b.bin", lines=DiffLines(added=1, removed=0, complete=False))

    assert code_summary(seen, NOTHING, []) == "2 files changed since the run began (at least +1 -0 lines), no tests run"


def test_what_is_not_known_is_not_claimed() -> None:
    assert code_summary(changes(), NOTHING, []) == "0 files changed since the run began, no tests run"
    told = "0 files changed since the run began, outcome of the tests unknown"
    assert code_summary(changes(), NOTHING, runs_that(passed=None)) == told
    assert code_details(changes(), NOTHING, [])["tests_passed"] is None


def test_changes_that_could_not_be_compared_are_unknown_and_not_none() -> None:
    seen = changes(problem="What changed could not be read: x.", known=False)

    assert code_summary(seen, NOTHING, runs_that(passed=True)) == "changes unknown, tests passed"
    assert code_details(seen, NOTHING, []) == {"files": None, "test_runs": 0, "tests_passed": None}


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
