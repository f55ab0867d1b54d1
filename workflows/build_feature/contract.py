"""What `build_feature` takes and gives. Imports no graph library."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from workflows.observed.file_changed import FileChanged
from workflows.observed.run_of_tests import TestRun
from workflows.workflow import Stage, Workflow

LONGEST_TASK = 50_000
"""Characters of the task and its constraints together: every agent reads all of them, in every round."""

Line: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TASK)]


class BuildFeatureInput(BaseModel):
    """What is to be built."""

    model_config = ConfigDict(extra="forbid")

    task: Line = Field(
        description="The feature to build: what it should do and how one can tell that it works. "
        "Name files, interfaces and examples where they matter; the agents see the workspace, not this conversation.",
        examples=["Add a function that turns titles into URL slugs, with tests"],
    )
    constraints: list[Line] = Field(
        default=[],
        max_length=50,
        description="Rules the result must keep, one each, for example 'standard library only' "
        "or 'do not change the public API'. Task and constraints together have at most 50,000 characters.",
    )

    approve_plan: bool = Field(
        default=False,
        description="Whether a person is asked to approve the plan before any code is written. "
        "The run then waits for the answer, as long as it takes.",
    )

    @model_validator(mode="after")
    def _is_short_enough(self) -> "BuildFeatureInput":
        """They are never cut, so what is too long has to be refused."""
        length = len(self.task) + sum(map(len, self.constraints))
        if length > LONGEST_TASK:
            raise PydanticCustomError(
                "too_long_together",
                "task and constraints have {length} characters together, at most {most} are allowed: put what is long "
                "into a file in the workspace and name that file",
                {"length": f"{length:,}", "most": f"{LONGEST_TASK:,}"},
            )
        return self


class PlanApproval(BaseModel):
    """What a person says to a plan."""

    approved: bool = Field(description="Whether it is to be carried out.")
    comment: str = Field(default="", max_length=5000, description="What to change, or what to mind.")


class Finding(BaseModel):
    """One thing a review found."""

    file: str = Field(description="Path relative to the workspace; empty if it concerns no file.")
    line: int | None = Field(description="Line in the file as it was reviewed; null if it concerns no single line.")
    severity: Literal["high", "medium", "low"] = Field(
        description="high: wrong or missing behaviour; medium: fails in rare cases, or lacks a test; low: the rest."
    )
    claim: str = Field(description="What is wrong, shown by an input and what comes of it.")
    suggestion: str = Field(description="What to do about it.")
    fixed: bool = Field(description="True only if the reviewer has fixed it and the tests have passed since.")


class Review(BaseModel):
    """What a review came to."""

    verdict: Literal["approved", "changes_requested"] = Field(
        description="approved: the task is done, the tests pass, and no finding of severity high is open."
    )
    summary: str = Field(description="The review in one to three sentences.")
    findings: list[Finding] = Field(description="Most severe first; empty if there are none.")


class Round(BaseModel):
    """One agent's work, as the supervisor ordered it."""

    agent: str = Field(
        description="research, architect, codesmith, reviewfix or responder; person where a plan was not approved."
    )
    instructions: str = Field(description="What it was told.")
    outcome: str = Field(description="What came of it, in one line.")
    finished: bool = Field(default=True, description="False if it was stopped at its limit of turns.")


class BuildFeatureOutput(BaseModel):
    """What was built."""

    answer: str = Field(description="The answer to the task, in Markdown.")
    files: list[FileChanged] = Field(description="Files that changed during the run, as observed in the workspace.")
    diff: str = Field(
        description="The same as a unified diff; long ones are cut here and whole in the artifacts. If its first line "
        "begins with `# What changed could not be read`, `files` are those of an earlier look."
    )
    review: Review | None = Field(description="The last review; null if nobody reviewed.")
    tests_run: list[TestRun] = Field(description="Test runs as observed, oldest first; the last one counts.")
    rounds: list[Round] = Field(description="Who worked, in order.")


WORKFLOW = Workflow(
    name="build_feature",
    title="Build a feature",
    description="Builds a feature in a workspace with a team of agents: a supervisor decides step by step who is next "
    "among research, architect, codesmith, reviewfix and responder, and sends work back until the review approves it. "
    "Writes files and runs tests in the workspace; never commits. Takes minutes. Use it for a feature or a change that "
    "deserves a design, tests and a review; not for questions or one-line edits. Returns an answer, the changed files "
    "with a diff, the review and the test runs.",
    input_model=BuildFeatureInput,
    output_model=BuildFeatureOutput,
    response_field="answer",
    stages=(
        Stage(name="research", title="Research", share=0.15),
        Stage(name="architect", title="Architecture", share=0.15),
        Stage(name="codesmith", title="Code and tests", share=0.40),
        Stage(name="reviewfix", title="Review and fixes", share=0.20),
        Stage(name="responder", title="Answer", share=0.10),
    ),
    graph="workflows.build_feature.graph:build",
    writes=True,
    isolation="worktree",
    max_steps=60,
    offline="workflows.build_feature.offline:script_for",
)
