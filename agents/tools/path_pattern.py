"""Patterns of paths, as models write them: `**/*.py`, `src/*.{ts,tsx}`."""

from dataclasses import dataclass

import regex
from wcmatch import glob

from agents.tools.tool import ToolFailed

MATCH_SECONDS = 1.0
"""How long one path may take: a pattern of many stars can take for ever on a long name."""
_FLAGS = glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB | glob.FORCEUNIX
_LONGEST = 200
_MOST_BRACES = 2
_NO_LIMIT = 0  # what a pattern of this length and so few braces can expand to is bounded


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern that is ready to use."""

    expressions: tuple["regex.Pattern[str]", ...]

    def matches(self, path: str) -> bool:
        """Whether a path is meant.

        Args:
            path: Relative, with forward slashes.

        Raises:
            ToolFailed: The pattern takes too long.
        """
        try:
            return any(e.fullmatch(path, timeout=MATCH_SECONDS, concurrent=True) for e in self.expressions)
        except TimeoutError as error:
            raise ToolFailed(f"the pattern took over {MATCH_SECONDS:.0f} s on one path; use fewer stars") from error


def path_pattern(text: str) -> PathPattern:
    """Read a pattern.

    Args:
        text: With `*`, `?`, `[...]`, `**` for any directories, and `{a,b}`.

    Raises:
        ToolFailed: It cannot be used.
    """
    if len(text) > _LONGEST or text.count("{") > _MOST_BRACES or ".." in text:
        raise ToolFailed(
            f"a pattern has at most {_LONGEST} characters and {_MOST_BRACES} pairs of braces, and no `..`: {text[:80]}"
        )
    try:
        expressions, _ = glob.translate(text, flags=_FLAGS, limit=_NO_LIMIT)
        return PathPattern(tuple(regex.compile(expression) for expression in expressions))
    except (ValueError, regex.error) as error:
        raise ToolFailed(f"the pattern {text} cannot be used: {error}") from error
