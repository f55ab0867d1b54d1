"""Tells a graph from other objects without importing the graph library: whoever has a graph has imported it."""

import sys


def is_graph(found: object) -> bool:
    """Whether this is a compiled graph."""
    library = sys.modules.get("langgraph.pregel")
    return library is not None and isinstance(found, library.Pregel)


def is_uncompiled(found: object) -> bool:
    """Whether this is a graph that its author has not compiled."""
    library = sys.modules.get("langgraph.graph.state")
    return library is not None and isinstance(found, library.StateGraph)
