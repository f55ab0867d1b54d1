"""A model by its provider and name, with the keys and addresses of an environment. Imported when a role first works."""

from collections.abc import Mapping

from agents.models.anthropic_access import AnthropicAccess
from agents.models.anthropic_api import AnthropicModel
from agents.models.model import Model
from agents.models.openai_compatible import ChatModel, compatible_access, openrouter_access, openrouter_model
from agents.models.openai_responses import OpenAIModel, openai_access
from agents.models.perplexity import PerplexityModel, perplexity_access
from agents.models.prices import list_price_of
from agents.models.providers import ProviderName, has_own_address
from agents.models.retrying import RetryingModel


def model_by_name(provider: ProviderName, model: str, environ: Mapping[str, str]) -> Model:
    """A model that repeats what fails in passing, and knows what it costs.

    Args:
        provider: Whose.
        model: Its name.
        environ: Where keys and addresses stand.
    """
    return RetryingModel(_one_attempt(provider, model, environ))


def _one_attempt(provider: ProviderName, model: str, environ: Mapping[str, str]) -> Model:
    price_of = list_price_of(provider)
    match provider:
        case "anthropic":
            access = AnthropicAccess(
                api_key=environ.get("ANTHROPIC_API_KEY") or None, base_url=environ.get("ANTHROPIC_BASE_URL") or None
            )
            return AnthropicModel(model, access, price_of=price_of)
        case "openai" if has_own_address(environ):
            return ChatModel(model, compatible_access(environ))  # a price that goes by the name alone would be a guess
        case "openai":
            return OpenAIModel(model, openai_access(environ), price_of=price_of)
        case "openrouter":
            return openrouter_model(model, openrouter_access(environ))
        case "perplexity":
            return PerplexityModel(model, perplexity_access(environ), price_of=price_of)
