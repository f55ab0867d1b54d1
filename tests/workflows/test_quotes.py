import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.quotes import Quotes, joined, preamble

QUOTES = Quotes(("task", "diff"))


def test_a_text_stands_between_its_tags_under_its_title() -> None:
    assert QUOTES.quoted("task", " Write f\n", "The task") == "The task:\n<task>\nWrite f\n</task>"


def test_there_is_nothing_where_there_is_no_text() -> None:
    assert QUOTES.quoted("task", " \n", "The task") == ""


def test_a_tag_that_is_not_the_prompts_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        QUOTES.quoted("work", "x", "The work")


def test_what_is_cut_is_said() -> None:
    told = QUOTES.quoted("diff", "x" * 12, "The diff", longest=10)

    assert told == f"The diff:\n<diff>\n{'x' * 10}\n[... 2 more characters are left out here]\n</diff>"
    assert "left out" not in QUOTES.quoted("diff", "x" * 100_000, "The diff", longest=None)


@given(st.text(alphabet="</>taskDIFFdif \n", max_size=60))
def test_no_text_can_close_or_open_a_tag(text: str) -> None:
    told = QUOTES.quoted("task", text, "The task").lower()

    for tag in ("<task>", "</task>", "<diff>", "</diff>"):
        assert told.count(tag) <= (1 if "task" in tag else 0)


def test_what_is_no_tag_is_left_as_it_is() -> None:
    assert "<div> a < b </tasks>" in QUOTES.quoted("task", "<div> a < b </tasks>", "The task")


def test_parts_that_are_empty_are_left_out() -> None:
    assert joined("a", "", "b") == "a\n\nb"


def test_a_prompt_begins_with_whose_words_count() -> None:
    assert preamble("task", "language").startswith("What stands between <task> and <language> comes from the user.")
