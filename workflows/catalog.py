"""Which workflows there are: the built-in ones, and those a user has written.

Only contracts are imported here; a workflow's graph is loaded when its first run starts.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from functools import partial

from pydantic.errors import PydanticUserError

from workflows.ask.contract import WORKFLOW as ASK
from workflows.build_feature.contract import WORKFLOW as BUILD_FEATURE
from workflows.collaborate.contract import WORKFLOW as COLLABORATE
from workflows.own_workflows import installed, load
from workflows.research.contract import WORKFLOW as RESEARCH
from workflows.review_code.contract import WORKFLOW as REVIEW_CODE
from workflows.run_claude.contract import WORKFLOW as RUN_CLAUDE
from workflows.runs.errors import RunError, WorkflowBroken, WorkflowNotFound
from workflows.workflow import Workflow

BUILT_IN: tuple[Workflow, ...] = (
    BUILD_FEATURE,
    COLLABORATE,
    RESEARCH,
    REVIEW_CODE,
    ASK,
    RUN_CLAUDE,
)

RESERVED_FIELDS = frozenset({"workspace", "wait_seconds", "max_cost_usd", "max_seconds", "isolation", "permissions"})
"""What every workflow's tool takes besides the workflow's own input."""
RESERVED_NAMES = frozenset(
    {"list_runs", "get_run", "cancel_run", "resume_run", "answer_run", "steer_run", "fork_run", "replay_run"}
)
"""Tools that are no workflows."""

_TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
"""Clients put the server's name in front, and the whole may have 64 characters."""


class Catalog:
    """Which workflows there are.

    Args:
        workflows: They; in the order in which they are listed.

    Raises:
        WorkflowBroken: Two have the same name, or one cannot be a tool.
    """

    def __init__(self, workflows: Sequence[Workflow]) -> None:
        self._by_name: dict[str, Workflow] = {}
        self._left_out: list[RunError] = []
        for workflow in workflows:
            check(workflow)
            if workflow.name in self._by_name:
                raise WorkflowBroken(
                    f"There are two workflows named {workflow.name!r}.", recovery=("Give one of them another `name`",)
                )
            self._by_name[workflow.name] = workflow

    @classmethod
    def with_own(cls, specs: Sequence[str] = ()) -> "Catalog":
        """The built-in workflows, those that installed packages offer, and a user's own.

        One that cannot be used is left out, and `left_out` says why: it does not stop the others.

        Args:
            specs: Where the user's own are; see `workflows.own_workflows.load`.
        """
        catalog = cls(BUILT_IN)
        for where, found in (*installed(), *((spec, partial(load, spec)) for spec in specs)):
            catalog._add_own(where, found)
        return catalog

    def _add_own(self, where: str, found: Callable[[], Workflow]) -> None:
        try:
            workflow = found()
            check(workflow)
            _check_schemas(workflow)
            if workflow.name in self._by_name:
                raise WorkflowBroken(
                    f"{where}: there is a workflow named {workflow.name!r} already.",
                    recovery=("Give it another `name`; a graph gets one with compile(name=...)",),
                )
        except RunError as error:
            self._left_out.append(error)
        else:
            self._by_name[workflow.name] = workflow

    @property
    def left_out(self) -> Sequence[RunError]:
        """Why each of those is not there that could not be used."""
        return tuple(self._left_out)

    @property
    def workflows(self) -> tuple[Workflow, ...]:
        """All of them."""
        return tuple(self._by_name.values())

    def get(self, name: str) -> Workflow:
        """The workflow of a name.

        Raises:
            WorkflowNotFound: There is none.
        """
        workflow = self._by_name.get(name)
        if workflow is None:
            similar = difflib.get_close_matches(name, self._by_name, n=1)
            raise WorkflowNotFound(
                f"There is no workflow {name!r}.",
                recovery=(
                    *(f"Did you mean {known!r}?" for known in similar),
                    f"There is {', '.join(self._by_name)}",
                    *(f"One is left out: {error.message}" for error in self._left_out),
                    "One of your own is offered with --workflow path/to/file.py",
                ),
            )
        return workflow


def check(workflow: Workflow) -> None:
    """Check what makes a workflow usable as a tool and as a run.

    Raises:
        WorkflowBroken: Names the workflow, the field, what is wrong with it and what would be right.
    """
    problem = (
        _name_problem(workflow) or _model_problem(workflow) or _stage_problem(workflow) or _graph_problem(workflow)
    )
    if problem:
        what, remedy = problem
        raise WorkflowBroken(f"The workflow {workflow.name!r} cannot be used: {what}.", recovery=(remedy,))


def _check_schemas(workflow: Workflow) -> None:
    """See that a tool can be listed for a workflow; a built-in one is known to have schemas."""
    for model in (workflow.input_model, workflow.output_model):
        try:
            model.model_json_schema(mode="validation" if model is workflow.input_model else "serialization")
        except PydanticUserError as error:
            raise WorkflowBroken(
                f"The workflow {workflow.name!r} cannot be used: {model.__name__} has no JSON schema: {error.message}.",
                recovery=("Give its fields types that JSON knows",),
            ) from error


_Problem = tuple[str, str] | None
"""What is wrong, and what helps."""


def _name_problem(workflow: Workflow) -> _Problem:
    if not _TOOL_NAME.fullmatch(workflow.name):
        return "its name is no tool name", "Use up to 48 letters, digits and _, and begin with a letter"
    if workflow.name in RESERVED_NAMES:
        return "its name is the name of a tool of this server", "Give it another name"
    return None


def _model_problem(workflow: Workflow) -> _Problem:
    fields = workflow.input_model.model_fields
    names = {*fields, *(field.alias for field in fields.values() if field.alias)}
    if reserved := sorted(names & RESERVED_FIELDS):
        return (
            f"its input field {reserved[0]!r} has the name of an option that every workflow has",
            "Rename the field in the input model",
        )
    output = workflow.output_model
    if workflow.response_field not in output.model_fields and not hasattr(output, workflow.response_field):
        return (
            f"its response_field {workflow.response_field!r} is no field of {workflow.output_model.__name__}",
            f"Use one of: {', '.join(workflow.output_model.model_fields) or 'none, the output model has no fields'}",
        )
    return None


def _stage_problem(workflow: Workflow) -> _Problem:
    names = [stage.name for stage in workflow.stages]
    if not names:
        return "it has no stages", "Name at least one node of its graph as a Stage"
    if twice := [name for name in names if names.count(name) > 1]:
        return f"it has two stages named {twice[0]!r}", "Give each stage the name of its own node"
    if wrong := [stage.name for stage in workflow.stages if not stage.share > 0]:
        return f"the share of its stage {wrong[0]!r} is not above 0", "Give it its usual share of the time"
    if workflow.max_steps < 1:
        return "its max_steps is below 1", "Allow as many steps as its graph can need"
    return None


def _graph_problem(workflow: Workflow) -> _Problem:
    if isinstance(workflow.graph, str) and not re.fullmatch(r"[\w.]+:\w+", workflow.graph):
        return f"its graph {workflow.graph!r} is no place", "Write module:function, or pass the function itself"
    if isinstance(workflow.offline, str) and not re.fullmatch(r"[\w.]+:\w+", workflow.offline):
        return f"its offline {workflow.offline!r} is no place", "Write module:function, or pass the function itself"
    return None
