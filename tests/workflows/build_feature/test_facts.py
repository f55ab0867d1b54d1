from agents.workspace.changes import FileChange
from agents.workspace.source_facts import SourceFacts
from workflows.build_feature.contract import Finding, Review, TestRun
from workflows.build_feature.facts import (
    code_details,
    code_summary,
    components_of,
    headings_of,
    review_details,
    review_summary,
)

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


def test_code_is_told_by_what_is_in_the_files() -> None:
    changes = [FileChange("a.py", "added")]
    facts = SourceFacts("Python", 12, has_tests=True, has_docstrings=False)
    runs = [TestRun(command="pytest", passed=False, seconds=1, output="")]

    assert code_details(changes, facts, runs) == {
        "language": "Python",
        "files": ["added a.py"],
        "lines": 12,
        "has_tests": True,
        "has_docstrings": False,
        "test_runs": 1,
        "tests_passed": False,
    }
    assert code_summary(changes, facts, runs) == "1 file changed, 12 lines of Python, tests failed"


def test_what_is_not_known_is_not_claimed() -> None:
    nothing = SourceFacts("", 0, has_tests=False, has_docstrings=None)

    assert code_summary([], nothing, []) == "0 files changed, no tests run"
    unknown = [TestRun(command="pytest | tail", passed=None, seconds=1, output="")]
    assert code_summary([], nothing, unknown) == "0 files changed, outcome of the tests unknown"
    assert code_details([], nothing, [])["tests_passed"] is None


def test_a_review_is_told_in_numbers() -> None:
    findings = [finding("high"), finding("low", fixed=True), finding("low")]
    review = Review(verdict="changes_requested", summary="s", findings=findings)

    assert review_details(review) == {
        "verdict": "changes_requested",
        "findings": 3,
        "fixed": 1,
        "severities": {"high": 1, "low": 2},
    }
    assert review_summary(review) == "changes requested, findings: 1 high, 2 low; 1 fixed"
    assert review_summary(Review(verdict="approved", summary="s", findings=[])) == "approved, no findings"
