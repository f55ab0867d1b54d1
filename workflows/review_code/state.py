"""The state of a `review_code` graph: plain JSON, so that every checkpoint can be read again."""

import operator
from typing import Annotated, TypedDict

from agents.review_roles import Aspect
from workflows.plain_state import Json


class ReviewDone(TypedDict):
    """What came of one reviewer's work.

    Attributes:
        aspect: Which.
        reply: A `ReviewReply`; None if there is none.
        problem: Why there is none; empty if there is one.
        kind: Of the error, if it was one.
        recovery: What helps against it.
    """

    aspect: Aspect
    reply: Json | None
    problem: str
    kind: str
    recovery: list[str]


class ReviewWork(TypedDict):
    """What one reviewer is given.

    Attributes:
        aspect: What it reviews.
        subject: A `Subject`.
        text: The diff, or the list of files.
        points: What it looks at in particular.
        cost_share: Its part of what is left of the money.
    """

    aspect: Aspect
    subject: Json
    text: str
    points: list[str]
    cost_share: float


class State(TypedDict):
    """What the nodes share. It begins with `base` and `focus`; `survey` says what is reviewed, `merge` what was found.

    `done` grows: each reviewer adds its own.
    """

    base: str
    focus: list[str]
    subject: Json
    text: str
    done: Annotated[list[ReviewDone], operator.add]
    answer: str
    findings: list[Json]
    misplaced: list[Json]
    reviews: list[Json]


class Update(TypedDict, total=False):
    """What a node changes in the state."""

    subject: Json
    text: str
    done: list[ReviewDone]
    answer: str
    findings: list[Json]
    misplaced: list[Json]
    reviews: list[Json]
