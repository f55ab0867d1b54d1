"""What each agent is asked, from where the work stands. Pure."""

from collections.abc import Callable
from typing import TypeAlias

from workflows.collaborate.contract import Review
from workflows.collaborate.state import Standing
from workflows.observed.run_of_tests import TestRun
from workflows.quotes import LONGEST_DIFF, Quotes, joined, preamble

Prompt: TypeAlias = Callable[[Standing], str]
"""What a role is asked where the work stands so."""

_SHOWN_TEST_RUNS = 3
_PREAMBLE = preamble("task", "language")
_QUOTES = Quotes(("task", "language", "design", "work", "files", "diff", "review", "tests"))


def architect_prompt(standing: Standing) -> str:
    """Ask for a design."""
    tests = "" if standing.with_tests else "No tests are wanted: leave out `## Tests`."
    return joined(
        _PREAMBLE, _asked(standing), tests, "Read what you need of the working directory. Deliver the design."
    )


def coder_prompt(standing: Standing) -> str:
    """Ask for the code."""
    return joined(_PREAMBLE, _asked(standing), _design(standing), "Write the code in the working directory.")


def reviewer_prompt(standing: Standing) -> str:
    """Ask for a review."""
    return joined(
        _PREAMBLE,
        _asked(standing),
        _design(standing),
        _QUOTES.quoted("work", standing.work, "What was said about the last round of work; check it"),
        _changed(standing),
        _diff(standing),
        _review(standing.review, "The review before the last round of work"),
        "Review the code as it is now, and deliver the review.",
    )


def refiner_prompt(standing: Standing) -> str:
    """Ask for what the review asks for."""
    return joined(
        _PREAMBLE,
        _asked(standing),
        _design(standing),
        _changed(standing),
        _diff(standing),
        _review(standing.review, "The review whose findings are to be settled"),
        f"This is refinement {standing.refinements + 1} of at most {standing.max_refinements}.",
        "Do what the review asks for.",
    )


def tester_prompt(standing: Standing) -> str:
    """Ask for tests."""
    return joined(
        _PREAMBLE,
        _asked(standing),
        _design(standing),
        _changed(standing),
        _diff(standing),
        _review(standing.review, "The last review"),
        "Write tests for the code as it is now, and run them.",
    )


def documenter_prompt(standing: Standing) -> str:
    """Ask for documentation."""
    return joined(
        _PREAMBLE,
        _asked(standing),
        _design(standing),
        _changed(standing),
        _diff(standing),
        _review(standing.review, "The last review: name what it leaves open where users have to know it"),
        _tests(standing.tests_run),
        "Document what was written, in the working directory, and deliver the documentation.",
    )


def _asked(standing: Standing) -> str:
    return joined(
        _QUOTES.quoted("task", standing.task, "The task", longest=None),
        _QUOTES.quoted("language", standing.language, "Programming language"),
    )


def _design(standing: Standing) -> str:
    return _QUOTES.quoted("design", standing.design, "The design")


def _changed(standing: Standing) -> str:
    lines = [f"{file.change} {file.path}" for file in standing.files]
    told = _QUOTES.quoted("files", "\n".join(lines), "Files changed since the run began, as observed")
    nothing = "No file has changed since the run began." if standing.changes_known else ""
    return told or nothing


def _diff(standing: Standing) -> str:
    return _QUOTES.quoted("diff", standing.diff, "What has changed since the run began", LONGEST_DIFF)


def _review(review: Review | None, title: str) -> str:
    if review is None:
        return ""
    shown = review.model_dump_json(indent=1, include={"verdict", "summary", "findings"})
    return _QUOTES.quoted("review", shown, title)


def _tests(runs: list[TestRun]) -> str:
    told = [f"$ {run.command}\n{_outcome(run)}, {run.seconds:.1f} s\n{run.output}" for run in runs[-_SHOWN_TEST_RUNS:]]
    return _QUOTES.quoted("tests", "\n\n".join(told), "Newest test runs, as observed; the last one counts")


def _outcome(run: TestRun) -> str:
    if run.passed is None:
        return "outcome unknown: see the output"
    return "passed" if run.passed else "FAILED"
