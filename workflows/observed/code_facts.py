"""What can be counted in the code an agent has written, as details of the events that report it. Pure."""

from collections.abc import Sequence

from agents.workspace.changes import WorkspaceChanges
from agents.workspace.source_facts import SourceFacts
from workflows.observed.run_of_tests import TestRun, tests_summary
from workflows.wording import counted


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
    files = f"{counted(len(changes.files), 'file')} changed since the run began"
    if not changes.files:
        return files
    least = "" if changes.lines.complete else "at least "
    language = f", {facts.language}" if facts.language else ""
    return f"{files} ({least}+{changes.lines.added} -{changes.lines.removed} lines{language})"
