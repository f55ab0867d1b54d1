"""What a workflow is to the rest of the program: names, shapes, stages, and where its graph is.

A workflow is light: importing it imports no graph library. Its graph is loaded when the first run of it starts.

The graph's contract is small:

* Its state begins as the fields of the input model, as plain JSON.
* Its final state holds the fields of the output model.
* Its context is a `workflows.context.WorkflowContext`; nodes report through the stream writer
  (`workflows.reports.Report`), and through nothing else.
* Nodes named like a stage are that stage; a node that runs again is the stage's next round.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel

if TYPE_CHECKING:  # the graph library costs about a second to import, which a server that only answers must not pay
    from langgraph.graph import StateGraph

    from agents.scripted_agent import ScriptFor  # only needed offline

    Graph: TypeAlias = StateGraph[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a workflow that people watch.

    Attributes:
        name: The name of its graph node.
        title: For people.
        share: Its usual share of the run's time; shares are relative to each other.
    """

    name: str
    title: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow.

    Attributes:
        name: Machine name, and the name of its tool: letters, digits and `_`.
        title: For people.
        description: What it does and when to use it, for the model that calls it.
        input_model: Fields of its input; none may be called like a common option (`workspace`, `wait_seconds`,
            `max_cost_usd`, `max_seconds`).
        output_model: Fields of its output.
        response_field: The output field, or the property of the output, that holds the answer in words.
        stages: In their usual order.
        graph: Builds the graph, uncompiled; or `module:attribute` of a function that does.
        writes: Whether its agents may change files in the workspace.
        isolation: Where a run works if nobody says otherwise: on a branch of its own in a git work tree of its own
            (`worktree`; in the workspace itself where there can be none), or in the workspace itself (`in_place`).
        max_steps: Bound on graph steps in one run; a run that reaches it fails instead of going round for ever.
        bare: Whether its graph comes compiled and knows nothing of this program: it is given no context, and what it
            does is told from what LangGraph itself says of it.
        offline: Makes the script that is played with `--offline` in the place of models, anew for each run, when its
            first task comes; or `module:attribute` of a function that does. None: without a model it cannot work.
    """

    name: str
    title: str
    description: str
    input_model: type[BaseModel]
    output_model: type[BaseModel]
    response_field: str
    stages: tuple[Stage, ...]
    graph: "str | Callable[[], Graph]"
    writes: bool = False
    isolation: Literal["worktree", "in_place"] = "in_place"
    max_steps: int = 100
    bare: bool = False
    offline: "str | ScriptFor | None" = None
