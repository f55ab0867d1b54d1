"""What `research` takes and gives. Imports no graph library."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from workflows.workflow import Stage, Workflow

LONGEST_QUESTION = 20_000
"""Characters of the question: every agent reads all of it."""

Depth: TypeAlias = Literal["quick", "standard", "deep"]
MOST_SUB_QUESTIONS: Mapping[Depth, int] = MappingProxyType({"quick": 2, "standard": 4, "deep": 8})
"""How many sub-questions a plan may have."""
MOST_TURNS: Mapping[Depth, int] = MappingProxyType({"quick": 12, "standard": 20, "deep": 30})
"""How many rounds with the model and its tools each researcher has."""
AT_ONCE = 4
"""How many researchers of one server are at work at once, whichever run they belong to."""

SourceStatus: TypeAlias = Literal["read", "unreadable", "searched", "unopened"]
"""`read`: somebody was seen to open it. `unreadable`: somebody tried, and it failed. `searched`: the model's provider
searched the web and names it. `unopened`: it was named, and nobody was seen to open it."""


class ResearchInput(BaseModel):
    """What is to be found out."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)] = (
        Field(
            description="The question, complete in itself: the agents see the workspace, not this conversation. "
            "At most 20,000 characters.",
            examples=[
                "Which embedded key-value stores written in Rust are maintained, and how do they recover from a crash?"
            ],
        )
    )
    depth: Depth = Field(
        default="standard",
        description="How far to go: quick plans up to 2 sub-questions, standard up to 4, deep up to 8, each with a "
        "researcher of its own, who also gets more rounds. It costs and takes accordingly.",
    )


class Source(BaseModel):
    """Something that was cited or opened."""

    number: int = Field(description="By which the answer cites it.")
    place: str = Field(description="Its address, or its path in the workspace.")
    status: SourceStatus = Field(
        description="read: it was seen to be opened; unreadable: opening it failed; searched: the model's provider "
        "found it by a search of its own; unopened: it was named, and nobody was seen to open it."
    )
    problem: str = Field(description="Why it could not be read; empty if it could, or nobody tried.")
    cited: bool = Field(description="Whether the answer cites it.")


class SubQuestion(BaseModel):
    """A part of the question, and what became of it."""

    question: str
    claims: int = Field(description="How many claims its researcher has brought.")
    problem: str = Field(description="Why it was not, or not wholly, looked into; empty if it was.")


class ResearchOutput(BaseModel):
    """What was found out."""

    answer: str = Field(description="The answer, in Markdown, with numbered citations and the list of sources.")
    sources: list[Source] = Field(description="All sources, by number.")
    sub_questions: list[SubQuestion] = Field(description="The parts it was looked into by.")
    unknown_citations: list[int] = Field(
        description="Numbers that the answer cites and that are no source: what stands before them is not proven."
    )


WORKFLOW = Workflow(
    name="research",
    title="Research",
    description="Researches a question: plans sub-questions, has each looked into by a researcher of its own, side by "
    "side, in the workspace and on the web, and writes one answer that cites numbered sources. Says of every source "
    "whether it was really opened. Changes no file. Takes minutes. Use it for questions that need several sources "
    "compared; `ask` is quicker for one. Returns the answer, the sources, and what was not found out.",
    input_model=ResearchInput,
    output_model=ResearchOutput,
    response_field="answer",
    stages=(
        Stage(name="planner", title="Plan", share=0.1),
        Stage(name="researcher", title="Research", share=0.7),
        Stage(name="synthesizer", title="Synthesis", share=0.2),
    ),
    graph="workflows.research.graph:build",
    max_steps=10,
    offline="workflows.research.offline:script_for",
)
