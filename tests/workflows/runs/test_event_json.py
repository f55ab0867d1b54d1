from dataclasses import fields, replace
from typing import Any, cast, get_args

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.errors import LogUnavailable
from workflows.runs.event_json import decode, encode, storable, to_json_object
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    RunEvent,
    StageInfo,
    SupervisorEvent,
    ToolEnd,
    Truncation,
    WorkflowError,
    WorkflowStarted,
)

BODIES = cast("tuple[type[Any], ...]", get_args(EventBody))

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
values = {
    "str": text,
    "int": st.integers(0, 10**9),
    "float": st.floats(0, 1e9),
    "bool": st.booleans(),
    "object": plain,
    "float | None": st.none() | st.floats(0, 1),
    "Json": st.dictionaries(text, plain, max_size=3),
    "Sequence[str]": st.lists(text, max_size=3).map(tuple),
    "Sequence[StageInfo]": st.lists(st.builds(StageInfo, name=text, title=text), max_size=3).map(tuple),
}


def bodies() -> st.SearchStrategy[EventBody]:
    """Every kind of body, with every kind of value in it."""
    return st.one_of([st.builds(body, **values_of(body)) for body in BODIES])


def values_of(body: type[Any]) -> dict[str, st.SearchStrategy[object]]:
    return {field.name: value_of(body, field.name) for field in fields(body) if field.name != "type"}


def value_of(body: type[Any], name: str) -> st.SearchStrategy[object]:
    annotation = body.__annotations__[name]
    literal = get_args(annotation)
    if literal and all(isinstance(value, str) for value in literal):
        return st.sampled_from(literal)
    readable = annotation.__name__ if isinstance(annotation, type) and not literal else str(annotation)
    for module in ("typing.", "collections.abc.", "workflows.runs.events."):
        readable = readable.replace(module, "")
    return values["Json" if readable == "Mapping[str, object]" else readable]


events = st.builds(
    RunEvent,
    run_id=text,
    seq=st.integers(1, 2**40),
    time=text,
    message=text,
    progress=st.floats(0, 100),
    body=bodies(),
    truncated=st.lists(st.builds(Truncation, field=text, uri=text, bytes=st.integers(0, 2**40)), max_size=2).map(tuple),
)


def event_of(body: EventBody) -> RunEvent:
    return RunEvent(run_id="r", seq=7, time="2026-01-01T00:00:00.000+00:00", message="m", progress=12.5, body=body)


TOOL_END = ToolEnd(agent="coder", tool="Edit", call_id="c1", seconds=0.5, ok=True, output="done")


@given(events)
def test_every_event_comes_back_as_it_was(event: RunEvent) -> None:
    encoded = encode(event)

    assert decode(encoded) == event
    assert decode(encoded.decode()) == event
    assert b"\n" not in encoded


@given(events)
def test_the_json_object_is_what_is_encoded(event: RunEvent) -> None:
    assert orjson.loads(encode(event)) == orjson.loads(orjson.dumps(to_json_object(event)))


def test_an_event_is_one_flat_object() -> None:
    event = msgspec.structs.replace(
        event_of(TOOL_END), truncated=(Truncation(field="output", uri="runs://r/artifacts/a", bytes=5000),)
    )

    assert encode(event) == (
        b'{"run_id":"r","seq":7,"time":"2026-01-01T00:00:00.000+00:00","type":"tool_end","message":"m","progress":12.5,'
        b'"agent":"coder","tool":"Edit","call_id":"c1","seconds":0.5,"ok":true,"output":"done",'
        b'"truncated":[{"field":"output","uri":"runs://r/artifacts/a","bytes":5000}]}'
    )


def test_truncated_is_there_only_where_something_was_cut() -> None:
    assert "truncated" not in to_json_object(event_of(TOOL_END))


def test_no_body_has_a_field_of_the_envelope() -> None:
    envelope = set(RunEvent.__struct_fields__) - {"body"}

    assert {name: envelope & set(body.__dataclass_fields__) for body in BODIES for name in [body.__name__]} == {
        body.__name__: set() for body in BODIES
    }


def test_sequences_of_a_body_are_tuples_again() -> None:
    body = WorkflowStarted(workflow="ask", input={}, stages=[StageInfo(name="a", title="A")], offline=False)

    decoded = decode(encode(event_of(body))).body

    assert decoded == replace(body, stages=(StageInfo(name="a", title="A"),))


def test_a_field_from_a_newer_version_is_passed_over() -> None:
    entry = {**to_json_object(event_of(TOOL_END)), "colour": "red"}

    assert decode(orjson.dumps(entry)) == event_of(TOOL_END)


def test_a_field_that_an_older_version_did_not_have_takes_its_default() -> None:
    body = SupervisorEvent(event_type="analysis", reasoning="why")
    entry = to_json_object(event_of(body))
    del entry["confidence"], entry["next_agent"]

    assert decode(orjson.dumps(entry)).body == body


def test_a_type_from_a_newer_version_is_an_error_that_says_so() -> None:
    entry = {**to_json_object(event_of(TOOL_END)), "type": "hologram"}

    with pytest.raises(LogUnavailable, match=r"'hologram'.*newer version") as raised:
        decode(orjson.dumps(entry))

    assert "pip install --upgrade" in raised.value.recovery[0]


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (b"", "no JSON"),
        (b'{"run_id":', "no JSON"),
        (b"[1]", "no JSON object"),
        (b"{}", "no 'run_id'"),
        (b'{"run_id":"r","seq":1,"time":"t","message":"m","progress":1}', "no 'type'"),
        (b'{"run_id":"r","seq":1,"time":"t","message":"m","progress":1,"type":"tool_end"}', "tool"),
        (b'{"run_id":"r","seq":1,"time":"t","message":"m","progress":1,"type":[]}', "unhashable"),
    ],
)
def test_damage_is_an_error_that_says_where(damaged: bytes, problem: str) -> None:
    with pytest.raises(LogUnavailable, match=problem) as raised:
        decode(damaged)

    assert raised.value.recovery


def test_a_damaged_truncation_is_an_error_too() -> None:
    entry = {**to_json_object(event_of(TOOL_END)), "truncated": [3]}

    with pytest.raises(LogUnavailable, match="cannot be read"):
        decode(orjson.dumps(entry))


@pytest.mark.parametrize("value", [object(), 2**64, "\ud83d", {1: "a"}, {1, 2}, StageInfo(name="a", title="b")])
def test_what_is_no_plain_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode(event_of(AgentEvent(agent="coder", event_type="think", details={"value": value})))


def test_an_event_is_made_storable() -> None:
    body = WorkflowError(
        kind="k", error="\udc80!", blame="server", recovery=["a\ud83d"], partial={"n": {1: (2**64, b"b")}}
    )

    mended = storable(msgspec.structs.replace(event_of(body), message="half \ud83d"))

    assert mended.message == "half ?"
    assert mended.body == WorkflowError(
        kind="k", error="?!", blame="server", recovery=("a?",), partial={"n": {"1": [str(2**64), "b"]}}
    )
    assert decode(encode(mended)) == mended
