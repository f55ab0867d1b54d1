import dataclasses
from dataclasses import fields
from typing import Any, cast, get_args

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.http.event_schema import FILE, event_schema, schema_text
from workflows.runs.event_json import to_json_object
from workflows.runs.events import EventBody, RunEvent, Truncation

BODIES = cast("tuple[type[Any], ...]", get_args(EventBody))
VALIDATOR: Any = jsonschema.Draft202012Validator(event_schema())

json_values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_the_file_is_what_is_generated() -> None:
    assert FILE.read_bytes() == schema_text(), "run: python -m mcp_server.http.event_schema"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(event_schema())


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_event_fits_its_schema(body: type[Any], data: st.DataObject) -> None:
    event = RunEvent(
        run_id="r",
        seq=data.draw(st.integers(1, 2**53)),
        time="2026-11-21T12:00:00.000+00:00",
        message=data.draw(st.text()),
        progress=data.draw(st.floats(0, 100)),
        body=data.draw(instances(body)),
        truncated=data.draw(st.sampled_from([(), (Truncation(field="a", uri="b", bytes=3),)])),
    )

    VALIDATOR.validate(plain(to_json_object(event)))


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_an_event_that_lacks_a_field_does_not_fit(body: type[Any]) -> None:
    for field in fields(body):
        entry = plain(to_json_object(smallest(body)))
        del entry[field.name]
        assert not VALIDATOR.is_valid(entry), field.name


def test_every_field_is_described() -> None:
    definitions = event_schema()["$defs"]
    silent = [
        f"{body.__name__}.{name}"
        for body in BODIES
        for name, schema in definitions[body.__name__]["properties"].items()
        if not schema.get("description") and name != "type"
    ]

    assert silent == []


def instances(body: type[Any]) -> st.SearchStrategy[Any]:
    """Instances of a body, with plain JSON where it may hold anything."""
    overridden = {
        field.name: st.dictionaries(st.text(), json_values, max_size=3)
        for field in fields(body)
        if "Json" in str(field.type) or "Mapping" in str(field.type)
    }
    overridden |= {field.name: json_values for field in fields(body) if field.type in (object, "object")}
    overridden |= {
        field.name: st.floats(allow_nan=False, allow_infinity=False) for field in fields(body) if field.type is float
    }
    return st.builds(body, **overridden)


def smallest(body: type[Any]) -> RunEvent:
    values = {field.name: _least(field) for field in fields(body) if field.name != "type"}
    return RunEvent(run_id="r", seq=1, time="2026-11-21T12:00:00Z", message="", progress=0, body=body(**values))


LEAST: tuple[tuple[str, object], ...] = (
    ("Mapping", {}),
    ("Sequence", ()),
    ("str", ""),
    ("int", 1),
    ("float", 1.0),
    ("bool", True),
)
"""What stands for a type of which the name holds this word; the first that fits."""


def _least(field: "dataclasses.Field[Any]") -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    shape = str(field.type)
    if "Literal" in shape:
        return get_args(field.type)[0]
    for word, value in LEAST:
        if word in shape:
            return value
    return {}


def plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, Any]", value).items()}
    return [plain(item) for item in cast("list[Any]", value)] if isinstance(value, list | tuple) else value
