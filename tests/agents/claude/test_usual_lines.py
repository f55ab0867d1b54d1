"""The short cut for usual lines says the same as the parsers that take anything."""

import json
import random
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.claude.messages import CliMessage
from agents.claude.parser import _parse_anything as parse_slowly  # pyright: ignore[reportPrivateUsage] - the other half
from agents.claude.parser import parse_message
from agents.claude.usual_lines import parse_usual_line
from tests.agents.claude.mutations import Path, distinct_objects, mutated_lines, paths, replaced
from tests.agents.claude.recorded import lines_of, recordings

OBJECTS = [fields for fields in distinct_objects() if fields["type"] in {"stream_event", "assistant", "user", "system"}]
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e300, 1e300) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def assert_same(line: bytes) -> CliMessage | None:
    """Where the short cut is taken, it leads to the same place."""
    quickly = parse_usual_line(line)
    if quickly is not None:
        assert quickly == parse_slowly(line)
        assert type(quickly) is type(parse_slowly(line))
    return quickly


@pytest.mark.parametrize("number", sorted(recordings()))
def test_every_recorded_line_means_the_same_to_both(number: str) -> None:
    for line in lines_of(recordings()[number].bytes):
        assert_same(line)


def test_most_lines_of_a_streamed_run_are_usual() -> None:
    lines = lines_of(recordings()["06"].bytes)
    usual = [line for line in lines if parse_usual_line(line) is not None]

    assert len(usual) > 0.9 * len(lines)


@pytest.mark.parametrize("kind", ["stream_event", "assistant", "user"])
def test_recorded_lines_that_are_not_as_declared_mean_the_same_to_both(kind: str) -> None:
    taken = sum(assert_same(line) is not None for line in mutated_lines(kind))

    assert taken > 60  # else nothing was compared


@st.composite
def changed_lines(draw: st.DrawFn) -> bytes:
    """A recorded line with several of its fields replaced, in another spelling of JSON."""
    fields = draw(st.sampled_from(OBJECTS))
    places: list[Path] = list(paths(fields))
    for _ in range(draw(st.integers(0, 3))):
        line = replaced(fields, draw(st.sampled_from(places)), draw(ANYTHING))
        fields = orjson.loads(line)
        places = list(paths(fields)) or places
    spelled = json.dumps(
        fields,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 1])),
        separators=draw(st.sampled_from([(",", ":"), (" , ", " : ")])),
    )
    return spelled.encode(errors="surrogatepass")


@given(changed_lines())
def test_changed_lines_mean_the_same_to_both(line: bytes) -> None:
    assert_same(line)


@given(changed_lines(), st.integers(0), st.binary(max_size=4), st.integers(0, 4))
def test_damaged_lines_mean_the_same_to_both(line: bytes, at: int, put: bytes, cut: int) -> None:
    at %= len(line) + 1

    assert_same(line[:at] + put + line[at + cut :])


@given(st.text(), st.integers(0, 2**53), st.text(min_size=1))
@example("\u2028\x85\0", 0, "m")
@example('\ud800"\\', 1, "m")
def test_live_text_means_the_same_to_both(text: str, index: int, message_id: str) -> None:
    delta = {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
    line = json.dumps({"type": "stream_event", "event": delta, "api_message_id": message_id, "session_id": "s"})

    assert_same(line.encode())


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_fields_is_nothing_to_either(seed: int) -> None:
    shuffle = random.Random(seed).shuffle
    for fields in OBJECTS:
        items = list(fields.items())
        shuffle(items)
        line = orjson.dumps(dict(items))
        assert_same(line)
        assert parse_message(line) == parse_message(orjson.dumps(fields))


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"assistant","type":"user","message":{"content":[]}}',
        b'{"type":"user","message":{"content":[]},"message":{"content":[{"type":"text","text":"x"}]}}',
        b'{"type":"user","message":{"content":[{"type":"text","type":"image","text":"x"}]}}',
        b'{"type":"system","subtype":"init","subtype":"status","status":"requesting"}',
        b'{"type":"stream_event","event":{"type":"content_block_stop","index":1.0},"api_message_id":"m"}',
        b'{"type":"stream_event","event":{"type":"content_block_stop","index":1e0},"api_message_id":"m"}',
        b'{"type":"stream_event","event":{"type":"content_block_stop","index":-0},"api_message_id":"m"}',
        b'\xef\xbb\xbf{"type":"system","subtype":"status","status":null}',
        b'{"type":"system","subtype":"status","status":null} {}',
        b'{"type":"user","message":{"content":[]},"parent_tool_use_id":""}',
        b'{"type":"assistant","message":{"id":"m","content":[]}}',
        b'{"type":"assistant","message":{"id":null,"content":[]}}',
    ],
)
def test_odd_lines_mean_the_same_to_both(line: bytes) -> None:
    assert_same(line)
