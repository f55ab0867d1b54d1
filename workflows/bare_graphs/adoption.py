"""Makes a workflow of a compiled graph, without a change to the graph: its schemas, its stages, its name."""

import json
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, create_model

from workflows.bare_graphs.chat import GivenMessages, SaidMessages, as_messages, plain
from workflows.bare_graphs.state_fields import (
    WHOLE_INPUT,
    WHOLE_OUTPUT,
    LangGraph,
    StateField,
    input_fields,
    output_fields,
)
from workflows.workflow import Stage, Workflow

Fields: TypeAlias = Mapping[str, Any]

_UNNAMED = "LangGraph"
"""What the library calls a graph to which its author has given no name."""
_GENERIC_NAMES = frozenset({"graph", "app", "agent", "workflow", "compiled", "builder"})
"""Names of variables that say nothing about what is in them: the file's name says more."""
_ANSWERS = ("answer", "response", "final_response", "final_answer", "output", "result", "report", "summary", "text")
"""Fields that usually hold what a graph has to say in the end, the most telling first."""
_MAX_STEPS = 100
"""As for any workflow, where the graph's author has set no `recursion_limit`."""
_HIDDEN = frozenset({"__start__", "__end__"})


class NoSchema(Exception):
    """Nothing says what the graph takes, so no tool can be made of it."""


class BareInput(BaseModel):
    """What a bare graph takes."""

    model_config = ConfigDict(extra="forbid")


class BareOutput(BaseModel):
    """What a bare graph gives."""

    @property
    def in_words(self) -> str:
        """What it has to say in the end: its last message, else the field that is called so, else all of it."""
        fields = dict(self)
        for value in fields.values():
            if isinstance(value, list) and value and hasattr(cast("object", value[-1]), "content"):
                return str(cast("Any", value[-1]).content)
        for name in _ANSWERS:
            if isinstance(text := fields.get(name), str) and text:
                return text
        texts = [value for value in fields.values() if isinstance(value, str)]
        return texts[0] if len(fields) == len(texts) == 1 else json.dumps(self.model_dump(mode="json"))


def workflow_of(graph: LangGraph, attribute: str, place: str) -> Workflow:
    """The workflow that a compiled graph is.

    Args:
        graph: The graph.
        attribute: Name of the variable that holds it.
        place: Name of the module or file that this is in.

    Raises:
        NoSchema: Nothing says what it takes.
    """
    name = _name(graph, attribute, place)
    takes, gives = input_fields(graph), output_fields(graph)
    if not takes:
        raise NoSchema
    return Workflow(
        name=name,
        title=name.replace("_", " ").strip().capitalize(),
        description=_description(graph, name),
        input_model=_model(f"{name}_input", BareInput, takes, _given),
        output_model=_model(f"{name}_output", BareOutput, gives, _told),
        response_field="in_words",
        stages=tuple(Stage(name=node, title=_title(node), share=1.0) for node in graph.nodes if node not in _HIDDEN),
        graph=lambda: graph,
        bare=True,
        writes=True,  # nobody knows what its nodes do, so nobody is told that they only read
        max_steps=_max_steps(graph),
    )


def graph_input(graph: LangGraph, given: Fields) -> object:
    """What a graph begins with.

    Args:
        graph: The graph.
        given: A dump of its input model; what was left out is None.
    """
    fields = {field.name: field for field in input_fields(graph)}
    values = {name: _value(fields[name], value) for name, value in given.items() if value is not None}
    return values[WHOLE_INPUT] if not hasattr(graph, "builder") else values


def graph_output(state: object) -> Fields:
    """What a graph has come to, by field."""
    if isinstance(state, Mapping):
        return cast("Fields", state)
    return dict(state) if isinstance(state, BaseModel) else {WHOLE_OUTPUT: state}


def _value(field: StateField, value: object) -> object:
    if field.messages:
        return as_messages(value)
    return TypeAdapter(field.annotation).validate_python(value)


def _model(
    name: str,
    base: type[BaseModel],
    fields: tuple[StateField, ...],
    annotation_of: Callable[[StateField], Any],
) -> type[BaseModel]:
    create = cast("Callable[..., type[BaseModel]]", create_model)  # its fields are known only now
    defined: dict[str, object] = {}
    for field in fields:
        default = ... if field.required else field.default
        defined[field.name] = (annotation_of(field), Field(default=default, description=field.description or None))
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # a field may be called `copy` or `json`
        return create(name, __base__=base, **defined)


def _given(field: StateField) -> Any:  # noqa: ANN401 - an annotation
    annotation: Any = GivenMessages if field.messages else field.annotation
    return annotation if field.required or field.default is not None else annotation | None


def _told(field: StateField) -> Any:  # noqa: ANN401 - an annotation
    if field.messages:
        return SaidMessages
    if field.annotation is Any:
        return Annotated[Any, BeforeValidator(plain)]
    return field.annotation if field.required else field.annotation | None


def _name(graph: LangGraph, attribute: str, place: str) -> str:
    given = str(graph.name or "")
    telling = place if attribute.lower() in _GENERIC_NAMES else attribute
    name = given if given not in {"", _UNNAMED} else telling
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _max_steps(graph: LangGraph) -> int:
    config = cast("Mapping[str, Any]", graph.config or {})
    return int(config.get("recursion_limit", _MAX_STEPS))


def _title(node: str) -> str:
    return node.replace("_", " ").strip().capitalize() or node


def _description(graph: LangGraph, name: str) -> str:
    nodes = ", ".join(node for node in graph.nodes if node not in _HIDDEN)
    words = _own_words(getattr(getattr(graph, "builder", None), "state_schema", None))
    return " ".join([*words, f"Runs the LangGraph graph {name!r}, whose nodes are {nodes}."])


def _own_words(schema: object) -> list[str]:
    """What the author says of the state's class; not what a dataclass, or one of the library's own, is given."""
    if not isinstance(schema, type) or not (words := cast("str | None", vars(schema).get("__doc__"))):
        return []
    if schema.__module__.partition(".")[0] in {"langgraph", "langchain"}:
        return []
    return [] if words.startswith(f"{schema.__name__}(") else [" ".join(words.split())]
