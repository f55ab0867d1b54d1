"""Masks secrets before anything enters a log.

Two nets: the values of variables in our own environment that are named like secrets, and shapes that only secrets have.
"""

import re
from collections.abc import Mapping

MASK = "***"

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?$", re.IGNORECASE)
_SHORTEST_SECRET = 8
"""Shorter values of such variables are words like `none` or `1`, and masking these would garble every text."""

_SHAPES = re.compile(
    r"""
      (?P<key>
          sk-[A-Za-z0-9_-]{16,}                            # Anthropic, OpenAI, OpenRouter
        | pplx-[A-Za-z0-9]{16,}                            # Perplexity
        | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,}  # GitHub
        | xox[abprs]-[A-Za-z0-9-]{10,}                     # Slack
        | A(?:KIA|SIA)[A-Z0-9]{16}                         # AWS
        | AIza[A-Za-z0-9_-]{30,}                           # Google
        | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}  # JSON Web Token
      )
    | (?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{12,}
    | (?P<header>\b(?:authorization|x-api-key|api-key|proxy-authorization)["']?\s*[:=]\s*["']?)[^\s"',;]{8,}
    | (?P<block>-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----)[\s\S]*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|$)
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Redactor:
    """Masks secrets in text.

    Args:
        environ: Whose secrets' values are masked wherever they appear.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        values = {
            value
            for name, value in environ.items()
            if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET and not value.startswith("/")
        }
        longest_first = sorted(values, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def redact(self, text: str) -> str:
        """The text with every secret replaced by `***`."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        return _SHAPES.sub(_mask, text)


def _mask(match: "re.Match[str]") -> str:
    kept = match.group("scheme") or match.group("header") or ""
    return kept + MASK
