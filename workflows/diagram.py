"""A workflow's graph as a picture in words."""

from workflows.runs.graph_loading import build_graph
from workflows.workflow import Workflow


def mermaid(workflow: Workflow) -> str:
    """The graph as a Mermaid diagram. Loads the graph library; call it in a thread.

    Raises:
        workflows.runs.errors.WorkflowBroken: The graph cannot be built.
    """
    graph = build_graph(workflow)
    compiled = graph if workflow.bare else graph.compile()
    return compiled.get_graph(xray=workflow.bare).draw_mermaid()
