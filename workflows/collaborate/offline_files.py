"""What the scripted agents of `offline` write: a small module with two faults, their repair, its tests, its README."""

MODULE = '''"""Spans of time in words."""

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def in_words(seconds: int) -> str:
    """Say how long a span of time is, in its two largest units.

    Args:
        seconds: Whole seconds.

    Returns:
        For example `2 hours, 5 minutes`; `0 seconds` for nothing.
    """
    parts: list[str] = []
    for name, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {name}s")
    return ", ".join(parts[:2]) or "0 seconds"
'''

FAULTY_BEGIN = """    parts: list[str] = []
"""
FAULTY_PART = """            parts.append(f"{count} {name}s")
"""
RETURNS = """`0 seconds` for nothing.
    \"\"\"
"""

RETURNS_AFTER = """`0 seconds` for nothing.

    Raises:
        ValueError: `seconds` is below 0.
    \"\"\"
"""
BEGIN_AFTER = """    if seconds < 0:
        raise ValueError(f"seconds must be at least 0, not {seconds}")
    parts: list[str] = []
"""
PART_AFTER = """            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
"""

TESTS = '''"""Tests of in_words."""

import unittest

from durations import in_words


class InWordsTest(unittest.TestCase):
    def test_the_two_largest_units_are_told(self) -> None:
        self.assertEqual(in_words(2 * 86_400 + 3 * 3_600 + 59), "2 days, 3 hours")

    def test_a_unit_of_which_there_is_nothing_is_left_out(self) -> None:
        self.assertEqual(in_words(2 * 3_600 + 5), "2 hours, 5 seconds")

    def test_one_of_a_unit_has_no_plural(self) -> None:
        self.assertEqual(in_words(3_661), "1 hour, 1 minute")

    def test_nothing_is_no_seconds(self) -> None:
        self.assertEqual(in_words(0), "0 seconds")

    def test_a_span_below_zero_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            in_words(-5)


if __name__ == "__main__":
    unittest.main()
'''

DESIGN = """# Spans of time in words

{no_model}

## Components

- **in_words** (`{module}`): says how long a span of time is

## Interfaces

`in_words(seconds: int) -> str`, a pure function. Raises `ValueError` for a span below zero.

## Behaviour

- The two largest units are told: days, hours, minutes, seconds.
- A unit of which there is nothing is left out; one of a unit has no plural.
- Nothing is `0 seconds`.

## Tests

One for each rule: `{command}`
"""

README = """# Spans of time in words

`in_words` says how long a span of time is, in its two largest units.

```python
from durations import in_words

in_words(7265)  # 2 hours, 1 minute
```

It takes whole seconds. One of a unit has no plural, and nothing is `0 seconds`; a span below zero raises `ValueError`.
"""
EXAMPLE_SECONDS = 7265
EXAMPLE_WORDS = "2 hours, 1 minute"
