"""The state of a `build_feature` graph: plain JSON, so that every checkpoint can be read again."""

import operator
from typing import Annotated, TypedDict

from pydantic import BaseModel

from workflows.build_feature.contract import Review, Round
from workflows.observed.file_changed import FileChanged
from workflows.observed.run_of_tests import TestRun
from workflows.plain_state import Json


class Route(TypedDict):
    """Who goes now, and what it is told."""

    next_agent: str
    instructions: str


class State(TypedDict):
    """What the nodes share. It begins with `task` and `constraints`; the node `survey` fills in the rest.

    `tests_run` and `rounds` grow: a node returns only what it adds to them.
    """

    task: str
    constraints: list[str]
    approve_plan: bool
    approved: bool
    baseline: str
    route: Route
    research: str
    design: str
    work: str
    review: Json | None
    files: list[Json]
    diff: str
    changes_known: bool
    tests_run: Annotated[list[Json], operator.add]
    rounds: Annotated[list[Json], operator.add]
    answer: str


class Update(TypedDict, total=False):
    """What a node changes in the state."""

    approved: bool
    baseline: str
    route: Route
    research: str
    design: str
    work: str
    review: Json | None
    files: list[Json]
    diff: str
    changes_known: bool
    tests_run: list[Json]
    rounds: list[Json]
    answer: str


class Standing(BaseModel):
    """The state as its readers see it: where the work stands.

    Attributes:
        task: What is to be built.
        constraints: Rules the result must keep.
        research: The newest notes, empty if nobody has researched.
        design: The newest design, empty if there is none.
        work: What codesmith says about its last round, empty before.
        review: The last review, None before.
        files: Files changed since the run began, as observed.
        diff: The same as a unified diff.
        tests_run: Observed test runs, oldest first.
        rounds: Who has worked, in order.
    """

    task: str
    constraints: list[str]
    research: str
    design: str
    work: str
    review: Review | None
    files: list[FileChanged]
    diff: str
    tests_run: list[TestRun]
    rounds: list[Round]

    @classmethod
    def of(cls, state: State) -> "Standing":
        """Read a state."""
        return cls.model_validate(state)

    def times(self, agent: str) -> int:
        """How often an agent has worked."""
        return sum(1 for done in self.rounds if done.agent == agent)

    @property
    def is_reviewed(self) -> bool:
        """Whether a review has seen codesmith's last work; reviewfix answers for its own fixes, if it has finished."""
        workers = [done for done in self.rounds if done.agent in {"codesmith", "reviewfix"}]
        return bool(workers) and workers[-1].agent == "reviewfix" and workers[-1].finished
