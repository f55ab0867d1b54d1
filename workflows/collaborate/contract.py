"""What `collaborate` takes and gives. Imports no graph library."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from workflows.findings import Finding, Misplaced
from workflows.observed.file_changed import FileChanged
from workflows.observed.run_of_tests import TestRun
from workflows.workflow import Stage, Workflow

LONGEST_TASK = 50_000
"""Characters of the task: every agent reads all of it, in every round."""
MOST_REFINEMENTS = 5
"""The largest `max_refinements`; each of them costs a refiner's and a reviewer's work."""


class CollaborateInput(BaseModel):
    """What is to be written."""

    model_config = ConfigDict(extra="forbid")

    task: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TASK)] = Field(
        description="What to write: what it should do and how one can tell that it works. Name files, interfaces and "
        "examples where they matter; the agents see the workspace, not this conversation. At most 50,000 characters; "
        "put what is longer into a file in the workspace and name it.",
        examples=["A function that tells how long ago a moment was, in words"],
    )
    language: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = Field(
        default="",
        description="Programming language, with its version where that matters; empty: what the workspace suggests.",
        examples=["Python 3.11"],
    )
    with_tests: bool = Field(default=True, description="Whether tests are written and run.")
    max_refinements: int = Field(
        default=2,
        ge=0,
        le=MOST_REFINEMENTS,
        description="How often the code may go back because the review asks for changes; 0: it is reviewed once.",
    )


class ReviewReply(BaseModel):
    """What a reviewer replies."""

    verdict: Literal["approved", "changes_requested"] = Field(
        description="approved: the task is done, and no finding of severity high is open."
    )
    summary: str = Field(description="The review in one to three sentences.")
    findings: list[Finding] = Field(description="Most severe first; empty if there are none.")


class Review(ReviewReply):
    """A review, its places looked up in the workspace."""

    misplaced: list[Misplaced] = Field(description="Findings that name a file or a line that does not exist.")
    newest: bool = Field(description="Whether the code as it is now is what was reviewed.")


class Tests(BaseModel):
    """The tests, as observed."""

    __test__ = False  # the name is the reader's, not pytest's

    files: list[str] = Field(description="Test files that the run has written or changed.")
    runs: list[TestRun] = Field(description="The tester's test runs, oldest first; the last one counts.")
    passed: bool | None = Field(
        description="How the last run ended; null if there was none, or its outcome is unknown."
    )


class CollaborateOutput(BaseModel):
    """What was written."""

    answer: str = Field(description="What came of it, in Markdown, as observed.")
    design: str = Field(description="The architect's design, in Markdown; empty if it delivered none.")
    written_in: str = Field(description="The language most of the changed lines are in; empty if none is known.")
    files: list[FileChanged] = Field(description="Files that changed during the run, as observed in the workspace.")
    code: str = Field(
        description="The same as a unified diff; long ones are cut here and whole in the artifacts. If its first line "
        "begins with `# What changed could not be read`, `files` are those of an earlier look."
    )
    review: Review | None = Field(description="The last review; null if the reviewer delivered none.")
    refinements: int = Field(description="How often the code went back to the refiner.")
    tests: Tests | None = Field(description="Null if none were wanted.")
    documentation: str = Field(description="The documentation, in Markdown; empty if the documenter delivered none.")
    remarks: list[str] = Field(
        description="What did not go as it should, one sentence each: who was stopped before it was done, what was "
        "changed after its review."
    )


WORKFLOW = Workflow(
    name="collaborate",
    title="Write code together",
    description="Writes code in a workspace with a fixed team: an architect designs, a coder writes, a reviewer and a "
    "refiner take turns until the review approves or max_refinements is reached, a tester writes and runs tests "
    "(unless with_tests is false), a documenter documents. Writes files and runs commands in the workspace; never "
    "commits. Takes minutes. Use it for a new piece of code that is to come with a design, a review, tests and "
    "documentation; where the order of work should follow from what is found, use build_feature. Returns the design, "
    "the changed files with a diff, the review, the test runs and the documentation.",
    input_model=CollaborateInput,
    output_model=CollaborateOutput,
    response_field="answer",
    stages=(
        Stage(name="architect", title="Design", share=0.15),
        Stage(name="coder", title="Code", share=0.30),
        Stage(name="reviewer", title="Review", share=0.15),
        Stage(name="refiner", title="Refinement", share=0.10),
        Stage(name="tester", title="Tests", share=0.20),
        Stage(name="documenter", title="Documentation", share=0.10),
    ),
    graph="workflows.collaborate.graph:build",
    writes=True,
    isolation="worktree",
    max_steps=30,
    offline="workflows.collaborate.offline:script_for",
)
