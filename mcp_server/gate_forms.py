"""The form that asks a question, and the answer that comes back in it.

Clients show forms that are an object of texts, numbers, booleans and choices, and nothing else. A question whose
answers are no such object is asked with a form of one field.
"""

from collections.abc import Mapping
from typing import cast

import orjson

from workflows.runs.events import Json

ANSWER = "answer"
"""Field of the form for a question whose answers are no flat object."""
_PRIMITIVE = frozenset({"string", "number", "integer", "boolean"})
_YES_NO = {"yes": True, "y": True, "no": False, "n": False}
_IN_JSON = frozenset({"object", "array"})
"""Kinds of answers that a person types as JSON where no form has a field for each of their parts."""


def form_of(schema: Json) -> Json:
    """The form for answers of a schema: JSON schema of an object, without references and without null."""
    return _flat_form(schema) or _one_field(schema)


def answer_in(schema: Json, content: Json) -> object:
    """The answer in a form that was filled in.

    Args:
        schema: JSON schema of an answer.
        content: The form's fields by name.
    """
    form = _flat_form(schema)
    if form is not None:
        nulls = set(_required(_resolved(schema, schema))) - set(_required(form))
        return {**dict.fromkeys(nulls), **content}
    answer = content.get(ANSWER)
    if not isinstance(answer, str) or _resolved(schema, schema).get("type") not in _IN_JSON:
        return answer
    return _parsed(answer)


def typed_answer(schema: Json, typed: str) -> object:
    """The answer in what a person types on one line.

    An object is typed as JSON; where one field is asked for, its value alone will do. A text is what was typed, also
    where that could be JSON, and yes or no is a decision.

    Args:
        schema: JSON schema of an answer.
        typed: What was typed.
    """
    whole = _resolved(schema, schema)
    fields, given = _entries(whole.get("properties")), _parsed(typed)
    required = _required(whole) or list(fields)
    if isinstance(given, Mapping) or len(required) != 1 or required[0] not in fields:
        return _typed_value(whole, typed)
    return {required[0]: _typed_value(_field(_entries(fields[required[0]]), schema), typed)}


def _typed_value(kind: Json, typed: str) -> object:
    match kind.get("type"):
        case "string":
            return typed
        case "boolean" if typed.lower() in _YES_NO:
            return _YES_NO[typed.lower()]
        case _:
            return _parsed(typed)


def _parsed(typed: str) -> object:
    try:
        return orjson.loads(typed)
    except orjson.JSONDecodeError:
        return typed  # it does not fit the schema, and whoever judges that says so


def _flat_form(schema: Json) -> Json | None:
    """A schema as a form with a field for each of its fields; None if one of them is no primitive.

    What may be null is not required of a form: it can be left out.
    """
    whole = _resolved(schema, schema)
    given = {name: _resolved(field, schema) for name, field in _entries(whole.get("properties")).items()}
    fields = {name: _field(field, schema) for name, field in given.items()}
    if whole.get("type") != "object" or not fields:
        return None
    if any(field.get("type") not in _PRIMITIVE for field in fields.values()):
        return None
    required = [name for name in _required(whole) if name in given and _without_null(given[name]) is given[name]]
    rest = {key: value for key, value in whole.items() if key not in {"$defs", "required"}}
    return {**rest, "properties": fields, **({"required": required} if required else {})}


def _one_field(schema: Json) -> Json:
    kind = _resolved(schema, schema).get("type")
    field: dict[str, object] = {
        "type": kind if isinstance(kind, str) and kind in _PRIMITIVE else "string",
        "title": "Answer",
    }
    if kind in _IN_JSON:
        field["description"] = f"JSON that fits this schema: {orjson.dumps(dict(schema)).decode()}"
    return {"type": "object", "properties": {ANSWER: field}, "required": [ANSWER]}


def _field(field: Json, whole: Json) -> Json:
    """A field as a form has it."""
    shown = _resolved(_without_null(field), whole)
    return {key: value for key, value in shown.items() if key != "default" or value is not None}


def _resolved(part: object, whole: Json) -> Json:
    """A part of a schema with what it refers to in its place; what is said beside the reference holds as well.

    The title of what is referred to is left out: it is the name of a class, and no words for a form.
    """
    entry = _entries(part)
    reference = entry.get("$ref")
    if not isinstance(reference, str):
        return entry
    found: object = whole
    for step in reference.removeprefix("#/").split("/"):
        found = _entries(found).get(step)
    target = {key: value for key, value in _entries(found).items() if key != "title"}
    return {**target, **{key: value for key, value in entry.items() if key != "$ref"}}


def _without_null(field: Json) -> Json:
    """What may be something or null, as that something; any other field is returned itself."""
    choices = cast("object", field.get("anyOf"))
    every = cast("list[object]", choices) if isinstance(choices, list) else []
    others = [choice for choice in every if _entries(choice).get("type") != "null"]
    if len(others) != 1 or len(every) == 1:
        return field
    return {**_entries(others[0]), **{key: value for key, value in field.items() if key != "anyOf"}}


def _required(schema: Json) -> list[str]:
    return cast("list[str]", schema.get("required", []))


def _entries(value: object) -> Json:
    """A JSON object's entries; none of anything else."""
    return cast("Json", value) if isinstance(value, Mapping) else dict[str, object]()
