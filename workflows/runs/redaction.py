"""Masks secrets before anything enters a log.

Two nets: the values of variables in our own environment that are named like secrets, and shapes that only secrets have.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from workflows.runs.json_strings import map_strings
from workflows.runs.plain_json import plain_json

MASK = "***"

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?$", re.IGNORECASE)
_SHORTEST_SECRET = 8
"""Shorter values of such variables are words like `none` or `1`, and masking these would garble every text."""

# Every repetition is bounded: what is searched can be megabytes of anything.
_IN_URL = r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@\"'<>]{0,200}:"
_HEADER = r"\b(?:authorization|x-api-key|api-key|proxy-authorization)[\"']?\s*[:=]\s*[\"']?"
_QUOTED_NAME = (
    r"\\{0,4}[\"'][\w.-]{0,60}(?:password|passwd|passphrase|secret|(?:api|access|private|secret)[_-]?key|token)"
    r"\\{0,4}[\"']"
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A shape that only secrets have.

    Attributes:
        words: One of them, in small letters, is in every text that has the shape. Looking for a word takes a hundredth
            of the time that looking for a shape does, and texts can be megabytes.
        pattern: The shape; a named group holds what is kept in front of the secret.
    """

    words: tuple[str, ...]
    pattern: str


_SHAPES = (
    _Shape(("sk-",), r"sk-[A-Za-z0-9_-]{16,}"),  # Anthropic, OpenAI, OpenRouter
    _Shape(("pplx-",), r"pplx-[A-Za-z0-9]{16,}"),  # Perplexity
    _Shape(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{20,}"),  # GitHub
    _Shape(("github_pat_",), r"github_pat_\w{20,}"),
    _Shape(("xox",), r"xox[abprs]-[A-Za-z0-9-]{10,}"),  # Slack
    _Shape(("akia", "asia"), r"A(?:KIA|SIA)[A-Z0-9]{16}"),  # AWS
    _Shape(("aiza",), r"AIza[A-Za-z0-9_-]{30,}"),  # Google
    _Shape(  # JSON Web Token
        ("eyj",), r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    ),
    _Shape(("://",), rf"(?P<url>{_IN_URL})[^\s/@\"'<>]{{1,200}}(?=@)"),
    _Shape(
        ("password", "passwd", "passphrase", "secret", "key", "token"),
        rf"(?P<named>{_QUOTED_NAME}\s{{0,20}}[:=]\s{{0,20}}\\{{0,4}}[\"'])(?!\*\*\*)[^\n\"'\\]{{4,}}",
    ),
    _Shape(("bearer", "basic"), r"(?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{12,}"),
    _Shape(("authorization", "api-key"), rf"(?P<header>{_HEADER})(?!(?:Bearer|Basic)\b)[^\s\"',;]{{8,}}"),
    _Shape(
        ("private key",),
        r"(?P<block>-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    ),
)
# As in a shell or an .env file: capitals, and no white space around the sign, which in code is an assignment.
_ASSIGNMENT = (
    r"\b(?:[A-Z0-9_]{1,80}_(?:KEY|CREDENTIAL)|(?:[A-Z0-9_]{1,80}_)?(?:TOKEN|SECRET|(?:PG)?PASSWORD|PASSWD))S?=[\"']?"
)
_MAY_ASSIGN = re.compile(r"(?:KEY|CREDENTIAL|TOKEN|SECRET|PASSWORD|PASSWD)S?=")
"""Is in every text that has such an assignment; found in a tenth of the time."""
_ASSIGNED = re.compile(rf"(?P<name>{_ASSIGNMENT})(?!\d+\b|\*\*\*)(?P<value>[^\s\"'$<{{(\[][^\s\"']{{3,}})")

_ANY_WORD = re.compile("|".join(re.escape(word) for shape in _SHAPES for word in shape.words))
_SHORT_TEXT = 100
"""Characters up to which one search for all words is quicker than one for each; most values of events are so short."""

_MAY_BEGIN = re.compile(
    rf"""(?:
      [!-~]*                                                    # a word that is not over
    | \b(?:Bearer|Basic)\s+[!-~]*
    | {_HEADER}(?:(?:Bearer|Basic)\s+)?[!-~]*
    | {_QUOTED_NAME}\s{{0,20}}(?:[:=]\s{{0,20}}(?:\\{{0,4}}["'][^\n"']*)?)?
    )\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_OPEN_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?![\s\S]*-----END [A-Z ]*PRIVATE KEY-----)", re.IGNORECASE
)
_BLOCK_BEGINS = re.compile(r"-----BEGIN [A-Z ]*-{0,5}\Z", re.IGNORECASE)


class Redactor:
    """Masks secrets in text.

    Args:
        environ: Whose secrets' values are masked wherever they appear.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        values = {
            value
            for name, value in environ.items()
            if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET and not _is_path(value)
        }
        for value in environ.values():
            values |= {found for found in _passwords(value) if len(found) >= _SHORTEST_SECRET}
        longest_first = sorted(values, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._long_winded = [value for value in longest_first if not re.fullmatch(r"[!-~]+", value)]

    def redact(self, text: str) -> str:
        """The text with every secret replaced by `***`."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        shapes = _shapes_in(text)
        if shapes is not None:
            text = shapes.sub(_mask, text)
        return _ASSIGNED.sub(_mask_assigned, text) if _MAY_ASSIGN.search(text) else text

    def redact_json(self, value: object) -> object:
        """A value as plain JSON, with every secret in it replaced, in keys too."""
        return map_strings(plain_json(value), lambda text, _: self.redact(text), change_key=self.redact)

    def held_from(self, text: str) -> int:
        """Where the end of a text begins that could be the beginning of a secret; the text's length if nowhere.

        That is its last word, if no white space follows it, with what in front of it says that a secret comes.
        """
        block = _OPEN_BLOCK.search(text) or _BLOCK_BEGINS.search(text)
        begins = [block.start()] if block else []
        match = _MAY_BEGIN.search(text)
        if match is not None:
            begins.append(match.start())
        for value in self._long_winded:
            lengths = range(min(len(value) - 1, len(text)), 0, -1)
            begins += [len(text) - length for length in lengths if text.endswith(value[:length])][:1]
        begin = min(begins, default=len(text))
        for start, end in sorted(self._secrets(text), reverse=True):
            if start < begin < end:  # no cut goes through a secret
                begin = start
        return begin

    def _secrets(self, text: str) -> Iterator[tuple[int, int]]:
        for pattern in (self._values, _shapes_in(text), _ASSIGNED):
            if pattern is not None:
                yield from (match.span() for match in pattern.finditer(text))


def in_private_key(text: str) -> bool:
    """Whether a text ends inside a private key."""
    return _OPEN_BLOCK.search(text) is not None


def _is_path(value: str) -> bool:
    return value.startswith("/") and os.path.exists(value)  # noqa: PTH110 - Path.exists raises for a long name


def _passwords(value: str) -> list[str]:
    return re.findall(rf"{_IN_URL}([^\s/@\"'<>]{{1,200}})@", value, re.IGNORECASE)


def _shapes_in(text: str) -> "re.Pattern[str] | None":
    """What finds the shapes that the text can have at all; None if it can have none."""
    small = text.casefold()
    if len(small) < _SHORT_TEXT and _ANY_WORD.search(small) is None:
        return None
    return _compiled(tuple(any(word in small for word in shape.words) for shape in _SHAPES))


@cache
def _compiled(chosen: tuple[bool, ...]) -> "re.Pattern[str] | None":
    patterns = [shape.pattern for shape, is_chosen in zip(_SHAPES, chosen, strict=True) if is_chosen]
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else None


def _mask(match: "re.Match[str]") -> str:
    kept = match[match.lastgroup] if match.lastgroup and match.lastgroup != "block" else ""
    return kept + MASK


def _mask_assigned(match: "re.Match[str]") -> str:
    return match["name"] + MASK
