"""Keeps our own keys out of what a provider says: some repeat a wrong key in their error."""

from collections.abc import Iterable

HIDDEN = "***"
_SHORTEST = 4
"""What is shorter is no key, and would be found everywhere."""


def without_secrets(text: str, secrets: Iterable[str | None]) -> str:
    """The text with every key in it replaced.

    Args:
        text: Anything.
        secrets: The keys; None and very short ones are left out.
    """
    for secret in secrets:
        if secret is not None and len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text
