"""The state of a `research` graph: plain JSON, so that every checkpoint can be read again."""

import operator
from typing import Annotated, TypedDict

from workflows.plain_state import Json
from workflows.research.contract import Depth


class State(TypedDict):
    """What the nodes share. It begins with `question` and `depth`.

    `looked` grows: each researcher adds what came of its sub-question, in whatever order they end.
    """

    question: str
    depth: Depth
    plan: list[str]
    looked: Annotated[list[Json], operator.add]
    answer: str
    sources: list[Json]
    sub_questions: list[Json]
    unknown_citations: list[int]


class Part(TypedDict):
    """What one researcher is given.

    Attributes:
        question: The whole question.
        depth: As in the input.
        number: Of its sub-question, from 1.
        parts: How many there are.
        part: Its sub-question.
    """

    question: str
    depth: Depth
    number: int
    parts: int
    part: str


class Update(TypedDict, total=False):
    """What a node changes in the state."""

    plan: list[str]
    looked: list[Json]
    answer: str
    sources: list[Json]
    sub_questions: list[Json]
    unknown_citations: list[int]
