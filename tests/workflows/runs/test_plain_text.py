import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.plain_text import ending, one_line, plain_text, shorten

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.characters(categories=("Cs", "Cc", "Cf", "Mn", "Zs")),
        st.sampled_from("\x1b\x9b\x9d[]m;0123456789\x07\n\r\t👩🏽\u200d💻é\u0301"),
    ),
    max_size=400,
)


@given(HOSTILE)
def test_plain_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    plain = plain_text(text)

    assert not [c for c in plain if unicodedata.category(c) in {"Cc", "Cs"} and c != "\n"]
    assert not [c for c in plain if unicodedata.category(c) == "Cf" and c not in "\u200c\u200d"]
    plain.encode()  # no half characters


@given(HOSTILE, st.integers(min_value=1, max_value=200))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)

    assert len(line) <= limit
    assert line.splitlines() in ([], [line])
    assert line == line.strip()


@given(HOSTILE, st.integers(min_value=2, max_value=200))
def test_an_ending_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = ending(text, limit)

    assert len(line) <= limit
    assert line.splitlines() in ([], [line])


@given(HOSTILE)
def test_making_text_plain_twice_changes_nothing_more(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;never closed", "0;never closed"),
        ("\x9b2Jgone", "gone"),
        ("abc\x1b[2", "abc"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\tb", "a    b"),
        ("half \ud83d", "half \ufffd"),
        ("👩🏽\u200d💻 ⚙️", "👩🏽\u200d💻 ⚙️"),
        ("[bold]stays[/bold]", "[bold]stays[/bold]"),
    ],
)
def test_what_becomes_of_foreign_text(text: str, plain: str) -> None:
    assert plain_text(text) == plain


def test_a_text_is_never_cut_inside_a_character_of_several_parts() -> None:
    assert shorten("ab👩🏽\u200d💻cd", 4) == "ab…"
    assert shorten("e\u0301e\u0301e\u0301", 4) == "e\u0301…"


def test_a_short_text_is_not_cut() -> None:
    assert shorten("four", 4) == "four"
    assert shorten("fives", 4) == "fiv…"
    assert shorten("x", 0) == ""


def test_an_ending_begins_with_a_sentence_where_one_begins() -> None:
    text = "This was long before. " * 5 + "Now the header moves. Then the tests"

    assert ending(text, 60) == "Now the header moves. Then the tests"


def test_an_ending_begins_with_a_line_where_one_begins() -> None:
    assert ending("x" * 100 + "\n- the second point is longer", 60) == "- the second point is longer"


def test_an_ending_without_a_sentence_begins_with_a_word_after_an_ellipsis() -> None:
    assert ending("abcde " * 10, 20) == "… abcde abcde abcde"


def test_a_text_that_fits_is_its_own_ending() -> None:
    assert ending("all of\nit", 20) == "all of it"
