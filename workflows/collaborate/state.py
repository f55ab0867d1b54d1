"""The state of a `collaborate` graph: plain JSON, so that every checkpoint can be read again."""

import operator
from typing import Annotated, TypedDict

from pydantic import BaseModel

from workflows.collaborate.contract import Review
from workflows.observed.file_changed import FileChanged
from workflows.observed.run_of_tests import TestRun
from workflows.plain_state import Json


class State(TypedDict):
    """What the nodes share. It begins with the input; the node `survey` fills in the rest.

    `tests_run` and `remarks` grow: a node returns only what it adds to them.
    """

    task: str
    language: str
    with_tests: bool
    max_refinements: int
    baseline: str
    design: str
    work: str
    files: list[Json]
    diff: str
    changes_known: bool
    written_in: str
    review: Json | None
    refinements: int
    tests_run: Annotated[list[Json], operator.add]
    documentation: str
    remarks: Annotated[list[str], operator.add]
    answer: str
    code: str
    tests: Json | None


class Update(TypedDict, total=False):
    """What a node changes in the state."""

    baseline: str
    design: str
    work: str
    files: list[Json]
    diff: str
    changes_known: bool
    written_in: str
    review: Json | None
    refinements: int
    tests_run: list[Json]
    documentation: str
    remarks: list[str]
    answer: str
    code: str
    tests: Json | None


class Standing(BaseModel):
    """The state as its readers see it: where the work stands.

    Attributes:
        task: What is to be written.
        language: In which language; empty if that was left open.
        with_tests: Whether tests are wanted.
        max_refinements: How often the code may go back.
        design: The design, empty before.
        work: What the coder or the refiner says about its last round, empty before.
        files: Files changed since the run began, as observed.
        diff: The same as a unified diff.
        changes_known: Whether these could be observed at the last look.
        written_in: The language most of the changed lines are in, empty if none is known.
        review: The last review, None before.
        refinements: How often the code has gone back.
        tests_run: The tester's test runs, as observed, oldest first.
        documentation: The documentation, empty before.
        remarks: What did not go as it should.
    """

    task: str
    language: str
    with_tests: bool
    max_refinements: int
    design: str
    work: str
    files: list[FileChanged]
    diff: str
    changes_known: bool
    written_in: str
    review: Review | None
    refinements: int
    tests_run: list[TestRun]
    documentation: str
    remarks: list[str]

    @classmethod
    def of(cls, state: State) -> "Standing":
        """Read a state."""
        return cls.model_validate(state)

    @property
    def goes_back(self) -> bool:
        """Whether the refiner is next: the newest code was reviewed, is not approved, and may go back once more."""
        review = self.review
        if review is None or not review.newest or review.verdict == "approved":
            return False
        return self.refinements < self.max_refinements
