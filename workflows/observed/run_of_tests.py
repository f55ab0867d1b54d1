"""A run of tests, as observed in the commands of an agent."""

from collections.abc import Sequence

from pydantic import BaseModel, Field


class TestRun(BaseModel):
    """A run of tests that was observed, not claimed."""

    __test__ = False  # the name is the reader's, not pytest's

    command: str = Field(description="The command line.")
    passed: bool | None = Field(
        description="Whether the tests passed; null where the exit code and the output of the command do not tell."
    )
    seconds: float = Field(description="How long it took.")
    output: str = Field(description="The end of its output.")


def tests_summary(runs: Sequence[TestRun]) -> str:
    """How the last of some test runs ended, in two to four words."""
    if not runs:
        return "no tests run"
    if runs[-1].passed is None:
        return "outcome of the tests unknown"
    return "tests passed" if runs[-1].passed else "tests failed"
