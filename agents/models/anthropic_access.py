"""Where the Messages API is, who we are, and what it is asked for where a request does not say."""

from dataclasses import dataclass, field

MAX_OUTPUT_TOKENS = 32_000
"""Limit of one answer, thinking included, where the request names none: what every model that is served can write."""
SILENT_SECONDS = 300.0
"""How long the API may say nothing at all, not even the `ping` it sends while a model thinks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnthropicAccess:
    """Where the API is and who we are. What is left out, the SDK takes from its own usual environment variables.

    Attributes:
        api_key: The key; shown nowhere.
        base_url: Address of the API.
        silent_seconds: How long it may say nothing before the request is given up.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    silent_seconds: float = SILENT_SECONDS
