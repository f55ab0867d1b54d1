"""Loads a workflow's graph: the moment at which the graph library is imported."""

import importlib
from typing import Any

from workflows.runs.errors import WorkflowBroken
from workflows.workflow import Workflow


def build_graph(workflow: Workflow) -> Any:  # noqa: ANN401 - the library's graph classes have type parameters that only partly exist
    """Build a workflow's graph, uncompiled.

    Raises:
        WorkflowBroken: It cannot be loaded.
    """
    build = workflow.graph
    if isinstance(build, str):
        module_name, _, attribute = build.partition(":")
        try:
            build = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError) as error:
            raise WorkflowBroken(f"The graph of workflow {workflow.name!r} cannot be loaded: {error}.") from error
    return build()
