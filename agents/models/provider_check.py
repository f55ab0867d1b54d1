"""Asks a provider something small that needs a key and costs nothing, to see whether it would let us in."""

from collections.abc import Mapping
from urllib.parse import quote

from agents.models.api_access import ApiAccess
from agents.models.api_connection import ApiConnection
from agents.models.openai_compatible import compatible_access, openrouter_access
from agents.models.openai_responses import openai_access
from agents.models.perplexity import perplexity_access
from agents.models.providers import ProviderName, has_own_address

ANTHROPIC_URL = "https://api.anthropic.com"
CHECK_SECONDS = 10.0
"""How long an answer may take."""

_ANTHROPIC_VERSION = "2023-06-01"


async def check_provider(
    provider: ProviderName, model: str, environ: Mapping[str, str], *, seconds: float = CHECK_SECONDS
) -> None:
    """See whether a provider lets us in and, where it can be asked for one model, has it.

    Args:
        provider: Which.
        model: The model that is wanted.
        environ: Where keys and addresses stand.
        seconds: How long it may take.

    Raises:
        AgentError: It does not; says whose fault it is and what helps.
    """
    access, path, headers = _question(provider, model, environ)
    connection = ApiConnection(access)
    try:
        await connection.get(path, seconds, headers)
    finally:
        await connection.aclose()


def _question(
    provider: ProviderName, model: str, environ: Mapping[str, str]
) -> tuple[ApiAccess, str, Mapping[str, str]]:
    match provider:
        case "anthropic":
            headers = {"anthropic-version": _ANTHROPIC_VERSION}
            return anthropic_access(environ), f"/v1/models/{quote(model, safe='')}", headers
        case "openai" if has_own_address(environ):
            return compatible_access(environ), "/models", {}  # not all of these servers can be asked for one model
        case "openai":
            return openai_access(environ), f"/models/{quote(model, safe='')}", {}
        case "openrouter":
            return openrouter_access(environ), "/key", {}  # the list of models needs no key, and would prove nothing
        case "perplexity":
            return perplexity_access(environ), "/v1/models", {}


def anthropic_access(environ: Mapping[str, str]) -> ApiAccess:
    """Access to the Messages API without its SDK."""
    key = environ.get("ANTHROPIC_API_KEY", "").strip()
    return ApiAccess(
        provider="Anthropic",
        base_url=environ.get("ANTHROPIC_BASE_URL") or ANTHROPIC_URL,
        api_key=key or environ.get("ANTHROPIC_AUTH_TOKEN"),
        key_variable="ANTHROPIC_API_KEY",
        address_variable="ANTHROPIC_BASE_URL",
        key_header="x-api-key" if key else "authorization",
    )
