from pathlib import PurePosixPath

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.plain_json import plain_json, whole_text

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(st.characters()) | st.integers(), inner)
    ),
    max_leaves=15,
)


@given(anything)
def test_whatever_comes_in_goes_into_json(value: object) -> None:
    orjson.dumps(plain_json(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, True, None, "ä"]}, {"a": [1, 2.5, True, None, "ä"]}),
        ("cut \ud83d", "cut ?"),
        ((1, 2), [1, 2]),
        ({3}, [3]),
        ({1: "one"}, {"1": "one"}),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (b"caf\xc3\xa9 \xff", "café �"),
        (PurePosixPath("src/a.py"), "src/a.py"),
    ],
)
def test_what_json_cannot_hold_is_replaced_by_what_comes_nearest(value: object, expected: object) -> None:
    assert plain_json(value) == expected


def test_a_value_that_contains_itself_comes_to_an_end() -> None:
    circle: list[object] = []
    circle.append(circle)

    assert b"[...]" in orjson.dumps(plain_json(circle))


def test_whole_characters_stay() -> None:
    assert whole_text("👩‍💻 ä\n") == "👩‍💻 ä\n"
