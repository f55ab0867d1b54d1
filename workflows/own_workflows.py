"""Finds the workflows that users have written: in a file, in a module, or in a package that is installed.

What is found is a `Workflow`, or a graph as LangGraph compiles it, which is made a workflow here.
"""

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

from workflows.bare_graphs.recognition import is_graph, is_uncompiled
from workflows.entry_points import offered
from workflows.runs.errors import WorkflowBroken, WorkflowNotFound
from workflows.workflow import Workflow

DEFAULT_ATTRIBUTE = "WORKFLOW"
_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<attribute>\w+))?")
_MODULE = re.compile(r"(?P<module>[A-Za-z_][\w.]*)(?::(?P<attribute>\w+))?")


def load(spec: str) -> Workflow:
    """A workflow somebody has written.

    Args:
        spec: `path/to/file.py`, `path/to/file.py:NAME`, `module` or `module:NAME`. If no name is given it is
            `WORKFLOW`, or the only graph there is. The code there is executed.

    Raises:
        WorkflowNotFound: There is no such file, module or name.
        WorkflowBroken: The code raises, or the object is neither a workflow nor a graph that can be one.
    """
    if match := _FILE.fullmatch(spec):
        module, place = _module_of_file(Path(match["path"])), Path(match["path"]).stem
    elif match := _MODULE.fullmatch(spec):
        module, place = _module_of_name(match["module"]), match["module"].rpartition(".")[2]
    else:
        raise WorkflowNotFound(
            f"{spec!r} names no workflow.", recovery=("Write path/to/file.py, path/to/file.py:NAME or module:NAME",)
        )
    attribute = match["attribute"] or _default_attribute(spec, module)
    found: object = getattr(module, attribute, None)
    if found is None:
        raise WorkflowNotFound(
            f"{spec}: there is no {attribute} in it.",
            recovery=(f"Name the workflow {DEFAULT_ATTRIBUTE}, or write its name behind a colon",),
        )
    return _workflow_of(found, spec, attribute, place)


def installed() -> Iterator[tuple[str, Callable[[], Workflow]]]:
    """What packages offer that are installed beside this one: where it is, and what loads it."""
    for entry in offered():
        yield f"{entry.name} = {entry.value}", partial(_load_entry, entry)


def _load_entry(entry: EntryPoint) -> Workflow:
    where = f"The entry point {entry.name} = {entry.value}"
    try:
        found: object = entry.load()
    except (Exception, SystemExit) as error:  # somebody's own code: it can raise anything
        raise _broken(where, error) from error
    return _workflow_of(found, where, entry.name, entry.name)


def _default_attribute(spec: str, module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if is_graph(value)]
    if hasattr(module, DEFAULT_ATTRIBUTE) or not names:
        return DEFAULT_ATTRIBUTE
    if len(names) > 1:
        raise WorkflowNotFound(
            f"{spec}: there are several graphs in it: {', '.join(names)}.",
            recovery=(f"Say which, for example {spec}:{names[-1]}",),
        )
    return names[0]


def _workflow_of(found: object, where: str, attribute: str, place: str) -> Workflow:
    if isinstance(found, Workflow):
        return found
    if is_uncompiled(found):
        raise WorkflowBroken(
            f"{where}: {attribute} is a graph that is not compiled.", recovery=(f"Offer {attribute}.compile()",)
        )
    if not is_graph(found):
        raise WorkflowBroken(
            f"{where}: {attribute} is a {type(found).__name__}, neither a workflows.workflow.Workflow nor a graph.",
            recovery=("Make it a Workflow, as in examples/own_workflow.py, or a graph that LangGraph has compiled",),
        )
    return _adopted(found, where, attribute, place)


def _adopted(graph: object, where: str, attribute: str, place: str) -> Workflow:
    from workflows.bare_graphs.adoption import NoSchema, workflow_of  # it imports the graph library, as the graph has

    try:
        return workflow_of(graph, attribute, place)
    except NoSchema as error:
        raise WorkflowBroken(
            f"{where}: nothing says what the graph {attribute} takes, so no tool can be made of it.",
            recovery=("Give it a state, or an input, with typed fields: a TypedDict, a dataclass or a pydantic model",),
        ) from error
    except Exception as error:  # the author's own annotations: reading them runs their code
        raise WorkflowBroken(
            f"{where}: the schema of the graph {attribute} cannot be read: {type(error).__name__}: {error}.",
            recovery=("Correct the types of its state",),
        ) from error


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
