"""Where in a graph something happens: the nodes around it, outermost first."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Place: TypeAlias = tuple[str, ...]

_BETWEEN_NODES, _BEFORE_ID = "|", ":"


def place_of(metadata: Mapping[str, object]) -> Place:
    """Where a model or a message is, from the metadata that LangGraph gives its run."""
    namespace = metadata.get("langgraph_checkpoint_ns")
    if isinstance(namespace, str) and namespace:
        return place_of_namespace(namespace.split(_BETWEEN_NODES))
    node = metadata.get("langgraph_node")
    return (node,) if isinstance(node, str) else ()


def place_of_namespace(namespace: Iterable[str]) -> Place:
    """Where a subgraph is, from its namespace: `name:id` for each node; numbers tell repeated calls apart."""
    names = (part.partition(_BEFORE_ID)[0] for part in namespace)
    return tuple(name for name in names if name and not name.isdigit())
