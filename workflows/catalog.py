"""Which workflows there are: the built-in ones, and those a user has written.

Only contracts are imported here; a workflow's graph is loaded when its first run starts.
"""

import difflib
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from workflows.ask.contract import WORKFLOW as ASK
from workflows.build_feature.contract import WORKFLOW as BUILD_FEATURE
from workflows.collaborate.contract import WORKFLOW as COLLABORATE
from workflows.research.contract import WORKFLOW as RESEARCH
from workflows.review_code.contract import WORKFLOW as REVIEW_CODE
from workflows.run_claude.contract import WORKFLOW as RUN_CLAUDE
from workflows.runs.errors import WorkflowBroken, WorkflowNotFound
from workflows.workflow import Workflow

BUILT_IN: tuple[Workflow, ...] = (
    BUILD_FEATURE,
    COLLABORATE,
    RESEARCH,
    REVIEW_CODE,
    ASK,
    RUN_CLAUDE,
)

DEFAULT_ATTRIBUTE = "WORKFLOW"
RESERVED_FIELDS = frozenset({"workspace", "wait_seconds", "max_cost_usd", "max_seconds", "isolation", "permissions"})
"""What every workflow's tool takes besides the workflow's own input."""
RESERVED_NAMES = frozenset({"list_runs", "get_run", "cancel_run", "resume_run", "answer_run"})
"""Tools that are no workflows."""

_TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
"""Clients put the server's name in front, and the whole may have 64 characters."""
_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<attribute>\w+))?")
_MODULE = re.compile(r"(?P<module>[A-Za-z_][\w.]*)(?::(?P<attribute>\w+))?")


class Catalog:
    """Which workflows there are.

    Args:
        workflows: They; in the order in which they are listed.

    Raises:
        WorkflowBroken: Two have the same name, or one cannot be a tool.
    """

    def __init__(self, workflows: Sequence[Workflow]) -> None:
        self._by_name: dict[str, Workflow] = {}
        for workflow in workflows:
            check(workflow)
            if workflow.name in self._by_name:
                raise WorkflowBroken(
                    f"There are two workflows named {workflow.name!r}.", recovery=("Give one of them another `name`",)
                )
            self._by_name[workflow.name] = workflow

    @classmethod
    def with_own(cls, specs: Sequence[str] = ()) -> "Catalog":
        """The built-in workflows, and a user's own.

        Args:
            specs: Where the user's own are; see `load`.

        Raises:
            WorkflowNotFound: There is nothing at such a place.
            WorkflowBroken: What is there is no workflow that can be used.
        """
        return cls((*BUILT_IN, *(load(spec) for spec in specs)))

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
                    "One of your own is offered with --workflow path/to/file.py",
                ),
            )
        return workflow


def load(spec: str) -> Workflow:
    """A workflow somebody has written.

    Args:
        spec: `path/to/file.py`, `path/to/file.py:NAME`, `module` or `module:NAME`; the name is `WORKFLOW` if none is
            given. The code there is executed.

    Raises:
        WorkflowNotFound: There is no such file, module or name.
        WorkflowBroken: The code raises, the object is no workflow, or it cannot be a tool.
    """
    if match := _FILE.fullmatch(spec):
        module = _module_of_file(Path(match["path"]))
    elif match := _MODULE.fullmatch(spec):
        module = _module_of_name(match["module"])
    else:
        raise WorkflowNotFound(
            f"{spec!r} names no workflow.", recovery=("Write path/to/file.py, path/to/file.py:NAME or module:NAME",)
        )
    attribute = match["attribute"] or DEFAULT_ATTRIBUTE
    found: object = getattr(module, attribute, None)
    if found is None:
        raise WorkflowNotFound(
            f"{spec}: there is no {attribute} in it.",
            recovery=(f"Name the workflow {DEFAULT_ATTRIBUTE}, or write its name behind a colon",),
        )
    if not isinstance(found, Workflow):
        raise WorkflowBroken(
            f"{spec}: {attribute} is a {type(found).__name__}, not a workflows.workflow.Workflow.",
            recovery=("Make it a Workflow; examples/own_workflow.py shows a whole one",),
        )
    check(found)
    return found


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
    if workflow.response_field not in workflow.output_model.model_fields:
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


def _module_of_file(path: Path) -> ModuleType:
    path = path.expanduser().absolute()
    if not path.is_file():
        raise WorkflowNotFound(f"There is no file {path}.", recovery=("Check the path of the workflow",))
    # Its name tells it from a file of the same name elsewhere, and from any installed module.
    name = f"own_workflow_{path.stem}_{hashlib.sha256(str(path).encode(errors='replace')).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None  # there is one for every file that ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # models and dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # somebody's own code: it can raise anything
        del sys.modules[name]
        raise _broken(str(path), error) from error
    return module


def _module_of_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise WorkflowNotFound(
                f"There is no module {name!r}.",
                recovery=("Install it where this program is installed, or give the path of its file",),
            ) from error
        raise _broken(name, error) from error
    except (Exception, SystemExit) as error:  # somebody's own code: it can raise anything
        raise _broken(name, error) from error


def _broken(where: str, error: BaseException) -> WorkflowBroken:
    return WorkflowBroken(
        f"{where} cannot be imported: {type(error).__name__}: {error}.",
        recovery=("Correct the file; running it with python shows the whole traceback",),
    )
