from typing import Any

from agents.workspace.changes import FileChange, WorkspaceChanges
from agents.workspace.diff_lines import DiffLines
from agents.workspace.source_facts import SourceFacts
from workflows.observed.code_facts import code_details, code_summary
from workflows.observed.run_of_tests import TestRun

NOTHING = SourceFacts("", 0, has_tests=False, has_docstrings=None)


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
