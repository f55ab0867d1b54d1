"""The fields of a graph's input and output, read from the classes that its author has given it.

LangGraph's own schemas are not used: they cannot be made of `typing.TypedDict` before Python 3.12, and a list of
messages alone has a schema of 20 kB, which a model that calls the tool would have to read.
"""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, cast, get_args, get_origin, is_typeddict

import typing_extensions
from langchain_core.messages import BaseMessage
from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

LangGraph: TypeAlias = Any
"""The library's graph classes carry type parameters that only partly exist."""
Annotation: TypeAlias = Any
"""What stands behind the colon of a field."""

WHOLE_INPUT = "input"
"""The one field of a graph whose input has no fields of its own."""
WHOLE_OUTPUT = "output"
"""As `WHOLE_INPUT`, for its output."""

_WRAPPERS = tuple(
    getattr(module, name)
    for module in (typing, typing_extensions)
    for name in ("Required", "NotRequired", "ReadOnly")
    if hasattr(module, name)
)


@dataclass(frozen=True, slots=True)
class StateField:
    """A field of a graph's state.

    Attributes:
        name: Its name.
        annotation: Its type, without reducers; `Any` where no JSON schema can be made of it.
        required: Whether it must be there from the beginning.
        default: What it is otherwise.
        description: In words, where its author has given some.
        messages: Whether it holds chat messages.
    """

    name: str
    annotation: Annotation
    required: bool = False
    default: object = None
    description: str = ""
    messages: bool = False


def input_fields(graph: LangGraph) -> tuple[StateField, ...]:
    """What a graph takes; empty if nothing is said of it."""
    builder = getattr(graph, "builder", None)
    if builder is None:  # made of functions: its input is one value
        return _whole(WHOLE_INPUT, graph.get_input_schema())
    own_input = builder.input_schema is not builder.state_schema
    return _fields(builder.input_schema, builder.managed, strict=own_input)


def output_fields(graph: LangGraph) -> tuple[StateField, ...]:
    """What a graph gives; empty if nothing is said of it."""
    builder = getattr(graph, "builder", None)
    if builder is None:
        return _whole(WHOLE_OUTPUT, graph.get_output_schema()) or (StateField(WHOLE_OUTPUT, Any),)
    return _fields(builder.output_schema, builder.managed, strict=False)


def _whole(name: str, schema: type[BaseModel]) -> tuple[StateField, ...]:
    root = schema.model_fields.get("root")
    annotation = schema if root is None else root.annotation
    return () if annotation in {Any, object} else (_field(name, annotation, required=True),)


def _fields(schema: Annotation, managed: Mapping[str, object], *, strict: bool) -> tuple[StateField, ...]:
    """The fields of a class.

    Args:
        schema: The class.
        managed: Values that the graph library itself provides, by name.
        strict: Whether what a typed dictionary requires must be given: not so where it is the whole state, most of
            which the graph finds out by itself.
    """
    found = (field for field in _all_fields(schema, strict=strict) if field.name not in managed)
    return tuple(field for field in found if not field.name.startswith("_"))


def _all_fields(schema: Annotation, *, strict: bool) -> list[StateField]:
    if not isinstance(schema, type):
        return []
    if issubclass(schema, BaseModel):
        models = schema.model_fields.items()
        return [_field(name, info.annotation, required=info.is_required(), info=info) for name, info in models]
    schema = cast("Annotation", schema)
    hints = typing_extensions.get_type_hints(schema, include_extras=True)
    if dataclasses.is_dataclass(schema):
        own = dataclasses.fields(schema)
        return [_field(field.name, hints[field.name], required=_has_no_default(field)) for field in own]
    if is_typeddict(schema) or typing_extensions.is_typeddict(schema):
        required = cast("frozenset[str]", getattr(schema, "__required_keys__", ()))
        return [_field(name, hint, required=strict and name in required) for name, hint in hints.items()]
    return []


def _has_no_default(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _field(name: str, annotation: Annotation, *, required: bool, info: FieldInfo | None = None) -> StateField:
    plain, notes = _unwrapped(annotation)
    described = [info, *notes] if info is not None else notes
    description = next((text for text in map(_description, described) if text), "")
    default = None if info is None or required else cast("object", info.get_default(call_default_factory=True))
    messages = _holds_messages(plain)
    known = plain if messages or _has_schema(plain) else Any
    return StateField(name, known, required, default, description, messages)


def _unwrapped(annotation: Annotation) -> tuple[Annotation, list[object]]:
    """A type without what LangGraph and typed dictionaries put around it, and what was said beside it."""
    notes: list[object] = []
    while (origin := get_origin(annotation)) is Annotated or origin in _WRAPPERS:
        first, *rest = get_args(annotation)
        notes += rest
        annotation = first
    return annotation, notes


def _description(note: object) -> str:
    match note:
        case FieldInfo():
            return note.description or ""
        case str():
            return note
        case _:
            return ""


def _holds_messages(annotation: Annotation) -> bool:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return issubclass(annotation, BaseMessage)
    return any(_holds_messages(part) for part in get_args(annotation))


def _has_schema(annotation: Annotation) -> bool:
    try:
        TypeAdapter(annotation).json_schema()
    except (PydanticUserError, NameError, TypeError):  # no type of a JSON value, or a name that is not there
        return False
    return True
