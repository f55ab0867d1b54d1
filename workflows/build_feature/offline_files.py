"""What the scripted agents of `offline` write: a small module, its tests, and the changes of the second round."""

MODULE = '''"""Titles as URL slugs: lower-case words and digits, joined by hyphens."""

import re


def slugify(title: str, max_length: int = 60) -> str:
    """Turn a title into a slug.

    Args:
        title: Any text.
        max_length: The most characters a slug may have. A longer one is cut between two
            words, or inside the first word if that alone is longer.

    Returns:
        Letters from a to z, digits and single hyphens; empty if the title has no letter or digit.

    Raises:
        ValueError: `max_length` is below 1.
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1, not {max_length}")
    text = title.lower()
    text = re.sub("['\\u2019]", "", text)  # an apostrophe does not end a word
    slug = re.sub("[^a-z0-9]+", "-", text).strip("-")
    if len(slug) <= max_length:
        return slug
    cut = slug[:max_length]
    if slug[max_length] != "-" and "-" in cut:
        cut = cut.rpartition("-")[0]
    return cut.rstrip("-")
'''

TESTS = '''"""Tests of slugify."""

import unittest

from slugify import slugify


class SlugifyTest(unittest.TestCase):
    def test_words_are_joined_by_hyphens(self) -> None:
        self.assertEqual(slugify("Hello, World!"), "hello-world")

    def test_a_run_of_other_characters_becomes_one_hyphen(self) -> None:
        self.assertEqual(slugify("  Rock & Roll -- live!  "), "rock-roll-live")

    def test_digits_are_kept(self) -> None:
        self.assertEqual(slugify("Top 10 of 2024"), "top-10-of-2024")

    def test_an_apostrophe_does_not_end_a_word(self) -> None:
        self.assertEqual(slugify("What's new? What\\u2019s old?"), "whats-new-whats-old")

    def test_nothing_comes_of_nothing(self) -> None:
        self.assertEqual(slugify("?!"), "")

    def test_a_long_slug_is_cut_between_words(self) -> None:
        for max_length in (5, 6, 10):
            self.assertEqual(slugify("Hello, World!", max_length), "hello")

    def test_a_word_that_is_too_long_is_cut(self) -> None:
        self.assertEqual(slugify("Internationalisation", 5), "inter")

    def test_a_slug_stays_as_it_is(self) -> None:
        slug = slugify("Once & for all: 100 % done")
        self.assertEqual(slugify(slug), slug)

    def test_a_length_below_one_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "at least 1"):
            slugify("Hello", 0)


if __name__ == "__main__":
    unittest.main()
'''

# Second round: the tests come first.
TEST_ANCHOR = """    def test_nothing_comes_of_nothing(self) -> None:
"""
TEST_ANCHOR_AFTER = """    def test_accents_are_dropped_and_their_letters_kept(self) -> None:
        self.assertEqual(slugify("Cr\\u00e8me Br\\u00fbl\\u00e9e"), "creme-brulee")

    def test_letters_without_an_accent_to_drop_are_spelled_out(self) -> None:
        self.assertEqual(slugify("Stra\\u00dfe in \\u0141\\u00f3d\\u017a"), "strasse-in-lodz")

    def test_a_dash_between_words_stays_a_hyphen(self) -> None:
        self.assertEqual(slugify("na\\u00efve\\u2014caf\\u00e9"), "naive-cafe")

    def test_nothing_comes_of_nothing(self) -> None:
"""

IMPORT = """import re

"""
IMPORT_AFTER = """import re
import unicodedata

_SPELLED_OUT = str.maketrans(
    {
        "\\u00e6": "ae",
        "\\u0153": "oe",
        "\\u00f8": "o",
        "\\u0142": "l",
        "\\u0111": "d",
        "\\u00f0": "d",
        "\\u00fe": "th",
    }
)

"""

LOWER = """    text = title.lower()
"""
LOWER_AFTER = """    text = _without_accents(title)
"""

END = """    return cut.rstrip("-")
"""
END_AFTER = '''    return cut.rstrip("-")


def _without_accents(text: str) -> str:
    """The text in lower case, each letter without its accents."""
    letters = unicodedata.normalize("NFKD", text).casefold().translate(_SPELLED_OUT)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
'''

# What the reviewer fixes by itself.
RETURNS = """        Letters from a to z, digits and single hyphens; empty if the title has no letter or digit.
"""
RETURNS_AFTER = """        Letters from a to z, digits and single hyphens. Letters of other scripts are left
        out; the slug is empty if nothing remains.
"""

DESIGN = """\
# Design: slugs

One pure function in a folder of its own. Nothing that is already in the workspace is changed.

## Components

- **slugify** (`{folder}/slugify.py`): turns a title into a URL slug
- **tests** (`{folder}/test_slugify.py`): one test per rule, with the standard library's unittest

## Interfaces

`slugify(title: str, max_length: int = 60) -> str`; raises `ValueError` for a `max_length` below 1.

## Behaviour

- lower case; every run of characters that are no letters or digits becomes one hyphen, none at the ends
- an apostrophe does not end a word: `What's new` becomes `whats-new`
- a slug that is too long is cut between words, or inside the first word if that alone is too long
- a title without letters and digits gives an empty slug

## Tests

`{tests}`
"""
