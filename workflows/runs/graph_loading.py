"""Loads a workflow's graph: the moment at which the graph library is imported."""

import importlib
from typing import Any

from workflows.runs.errors import WorkflowBroken
from workflows.workflow import Workflow


def build_graph(workflow: Workflow) -> Any:  # noqa: ANN401 - the library's graph classes have type parameters that only partly exist
    """Build a workflow's graph: uncompiled, but for a bare one.

    Raises:
        WorkflowBroken: It cannot be loaded or built: whatever its module raises is its author's to mend.
    """
    build = workflow.graph
    try:
        if isinstance(build, str):
            module_name, _, attribute = build.partition(":")
            build = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # importing runs the author's code, which can raise anything
        raise _broken(workflow, "loaded", error) from error
    try:
        return build()
    except Exception as error:  # as above
        raise _broken(workflow, "built", error) from error


def compile_graph(workflow: Workflow, checkpointer: object) -> Any:  # noqa: ANN401 - as above
    """Build a workflow's graph and compile it, or take it as its author has compiled it.

    Importing its module can take seconds, so call this in a thread.

    Args:
        workflow: Which.
        checkpointer: Remembers how far each run has come.

    Raises:
        WorkflowBroken: It cannot be loaded, built or compiled.
    """
    graph = build_graph(workflow)
    try:
        # A graph that its author has compiled keeps what it was compiled with, but for where its checkpoints go.
        return graph.copy({"checkpointer": checkpointer}) if workflow.bare else graph.compile(checkpointer=checkpointer)
    except Exception as error:  # the library raises ValueError, TypeError and others for graphs that make no sense
        raise _broken(workflow, "compiled", error) from error


def _broken(workflow: Workflow, what: str, error: Exception) -> WorkflowBroken:
    return WorkflowBroken(
        f"The graph of workflow {workflow.name!r} cannot be {what}: {type(error).__name__}: {error}",
        recovery=("Report it to the workflow's author, or mend the module of its graph",),
    )
