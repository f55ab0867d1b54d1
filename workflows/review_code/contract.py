"""What `review_code` takes and gives. Imports no graph library."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from agents.review_roles import Aspect
from workflows.findings import Finding, Misplaced
from workflows.workflow import Stage, Workflow

MOST_FOCUS = 20
"""How many points a review can be focused on."""


def _revision(text: str) -> str:
    """See that git cannot take it for an option, and that it is one line."""
    if text.startswith("-") or not text.isprintable():
        raise PydanticCustomError(
            "no_revision",
            "is no commit, branch or tag: none begins with '-' or has a line break in it, as {text} does",
            {"text": repr(text)},
        )
    return text


class ReviewCodeInput(BaseModel):
    """What is to be reviewed."""

    model_config = ConfigDict(extra="forbid")

    base: Annotated[str, StringConstraints(strip_whitespace=True, max_length=250), AfterValidator(_revision)] = Field(
        default="",
        description="A commit, branch or tag of the workspace's git repository: what the workspace has changed since "
        "it parted from the base is reviewed, uncommitted and new files included. Empty: what is not committed; if "
        "that is nothing, or there is no repository, all files of the workspace.",
        examples=["main", "HEAD~3"],
    )
    focus: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]] = Field(
        default=[],
        max_length=MOST_FOCUS,
        description="'correctness', 'security', 'performance', 'tests': only these aspects are reviewed; without any "
        "of them all four are. Everything else is what the reviewers look at in particular, such as 'the retry loop'.",
        examples=[["security", "how uploads are stored"]],
    )


class FoundByReviewers(Finding):
    """A finding, and who has it."""

    found_by: list[Aspect] = Field(description="The reviewers who found it, each by its aspect.")


class ReviewReply(BaseModel):
    """What one reviewer replies."""

    summary: str = Field(description="The review in one to three sentences.")
    findings: list[Finding] = Field(description="Most severe first; empty if there are none.")


class ReviewOfAspect(BaseModel):
    """One reviewer's part."""

    aspect: Aspect
    finished: bool = Field(description="False if there is no review of this aspect.")
    summary: str = Field(description="The review in one to three sentences; if it is not finished, why.")
    findings: int = Field(description="How many it found, before equal ones were put together.")


class Subject(BaseModel):
    """What was reviewed."""

    kind: Literal["diff", "tree"] = Field(description="The changes since a commit, or files as they are.")
    description: str = Field(description="What it is, in words.")
    commit: str = Field(description="The commit that the changes are counted from; empty for a tree.")
    files: list[str] = Field(description="The files the reviewers were given, relative to the workspace.")
    left_out: list[str] = Field(description="What they were not given, or only in part, and why; one each.")


class ReviewCodeOutput(BaseModel):
    """What was found."""

    answer: str = Field(description="The review in Markdown.")
    findings: list[FoundByReviewers] = Field(
        description="Most severe first, equal ones put together. Each file and line exists in the workspace."
    )
    misplaced: list[Misplaced] = Field(
        description="Findings set aside because the file or the line they name does not exist."
    )
    subject: Subject = Field(description="What was reviewed, and what was not.")
    reviews: list[ReviewOfAspect] = Field(description="Each reviewer's part.")


WORKFLOW = Workflow(
    name="review_code",
    title="Review code",
    description="Reviews code in a workspace with up to four reviewers at once: correctness, security, performance and "
    "tests. Given a base, the changes since it; else what is not committed, or all files. Only reads: changes and runs "
    "nothing. Takes minutes. Use it before a commit, a merge or a release. Returns findings, most severe first, each "
    "with file, line, severity, claim and suggestion; the places are checked to exist.",
    input_model=ReviewCodeInput,
    output_model=ReviewCodeOutput,
    response_field="answer",
    stages=(
        Stage(name="survey", title="What is reviewed", share=0.02),
        Stage(name="reviewer", title="Reviews", share=0.96),
        Stage(name="merge", title="Findings", share=0.02),
    ),
    graph="workflows.review_code.graph:build",
    max_steps=10,
    offline="workflows.review_code.offline:script_for",
)
