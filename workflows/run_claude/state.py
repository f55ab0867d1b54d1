"""The state of a `run_claude` graph: plain JSON, so that every checkpoint can be read again."""

from typing import TypedDict

from workflows.plain_state import Json


class State(TypedDict):
    """What the nodes share. It begins with the input; the node `survey` adds `baseline`, `claude` the rest."""

    prompt: str
    allowed_tools: list[str]
    max_turns: int | None
    baseline: str
    answer: str
    files: list[Json] | None
    commands: list[Json]
    cost_usd: float | None


class Update(TypedDict, total=False):
    """What a node changes in the state."""

    baseline: str
    answer: str
    files: list[Json] | None
    commands: list[Json]
    cost_usd: float | None
