"""What `ask` takes and gives. Imports no graph library."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from workflows.workflow import Stage, Workflow

LONGEST_QUESTION = 50_000
"""Characters of the question; what is longer belongs into a file that the question names."""


class AskInput(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)] = (
        Field(
            description="The question, complete in itself: the agent sees the workspace, not this conversation. "
            "At most 50,000 characters.",
            examples=["Which of our modules open network connections, and where is the time-out of each set?"],
        )
    )


class Call(BaseModel):
    """A tool call, as observed."""

    call: str = Field(description="The tool and its most telling argument, for example `Read src/parser.py`.")
    ok: bool | None = Field(description="Whether it succeeded; null if it was cut off.")
    seconds: float | None = Field(description="How long it took; null if it was cut off.")
    output: str = Field(description="The beginning of what it gave back; whole in the run's events.")


class Step(BaseModel):
    """One step of the reasoning, and what was done about it."""

    step: int = Field(description="1, 2, 3 ...")
    thought: str = Field(description="What the agent thought, in its own words; empty where it said nothing.")
    calls: list[Call] = Field(description="The tool calls that followed, in the order they began.")


class AskOutput(BaseModel):
    """The answer, and the way to it."""

    answer: str = Field(description="The answer, in Markdown.")
    steps: list[Step] = Field(description="How it was found, in order.")


WORKFLOW = Workflow(
    name="ask",
    title="Ask",
    description="Answers a question with one agent that reasons step by step and uses tools: it reads and searches "
    "files in the workspace, searches the web and fetches pages, and uses the tools of the MCP servers that the user "
    "has connected. Changes no file. Every step and every tool call is reported as it happens. Use it for questions "
    "that need looking up in several places; for one page or file read it yourself. Returns the answer and the steps.",
    input_model=AskInput,
    output_model=AskOutput,
    response_field="answer",
    stages=(Stage(name="assistant", title="Answering", share=1.0),),
    graph="workflows.ask.graph:build",
    max_steps=10,
    offline="workflows.ask.offline:script_for",
)
