"""What planner and researchers reply, and what is kept of it."""

from pydantic import BaseModel, Field


class Plan(BaseModel):
    """What the planner replies."""

    reasoning: str = Field(description="Why these sub-questions answer the question, in one or two sentences.")
    sub_questions: list[str] = Field(min_length=1, description="The sub-questions, most important first.")


class Finding(BaseModel):
    """One claim."""

    claim: str = Field(min_length=1, description="What was found out, in one or two sentences.")
    sources: list[str] = Field(
        description="Where it stands: full addresses, or paths relative to the working directory, as you opened them. "
        "Empty if you know it from nowhere but your memory."
    )


class Notes(BaseModel):
    """What a researcher replies."""

    findings: list[Finding] = Field(description="Claims with their sources; empty if nothing was found.")
    unanswered: str = Field(description="What could not be found out, and why; empty if nothing is open.")


class Opened(BaseModel):
    """A source that somebody was seen to open, or to try to.

    Attributes:
        place: Its address or path, as it was opened.
        problem: Why it could not be read; empty if it could.
    """

    place: str
    problem: str


class Looked(BaseModel):
    """What came of one sub-question.

    Attributes:
        number: 1, 2, 3 ... in the plan.
        question: The sub-question.
        findings: What its researcher claims.
        unanswered: What the researcher could not find out.
        opened: What the researcher was seen to open, in order.
        searched: What the model's provider names as found by searches of its own.
        text: What a researcher had said that was stopped before it could deliver findings.
        problem: Why it was not, or not wholly, looked into; empty if it was.
    """

    number: int
    question: str
    findings: list[Finding] = []
    unanswered: str = ""
    opened: list[Opened] = []
    searched: list[str] = []
    text: str = ""
    problem: str = ""
