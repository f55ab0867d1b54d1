"""The providers behind `httpx2` keep the contract of models."""

from agents.models.api_access import ApiAccess
from agents.models.model import PriceOf
from agents.models.openai_compatible import ChatModel, openrouter_model
from agents.models.openai_responses import OpenAIModel
from agents.models.perplexity import PerplexityModel
from tests.agents.models.model_contract import ModelContract
from tests.agents.models.served_provider import serving
from tests.fakes.messages_script import Status
from tests.fakes.openai_api import ChatCompletions, Responses
from tests.fakes.perplexity_api import AgentApi


def _compatible(access: ApiAccess, price_of: PriceOf) -> ChatModel:
    return ChatModel("test-model", access, price_of=price_of)


def _openrouter(access: ApiAccess, price_of: PriceOf) -> ChatModel:
    return openrouter_model("maker/test-model", access, price_of=price_of)


def _openai(access: ApiAccess, price_of: PriceOf) -> OpenAIModel:
    return OpenAIModel("gpt-test", access, price_of=price_of)


def _perplexity(access: ApiAccess, price_of: PriceOf) -> PerplexityModel:
    return PerplexityModel("perplexity/sonar", access, price_of=price_of)


class TestCompatibleServer(ModelContract):
    serve = serving(ChatCompletions, _compatible)
    # vLLM's words; it has no code for this
    overflow = Status(400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.")


class TestOpenRouter(ModelContract):
    serve = serving(lambda: ChatCompletions("reasoning"), _openrouter)
    overflow = Status(400, "This endpoint's maximum context length is 131072 tokens.")


class TestOpenAI(ModelContract):
    serve = serving(Responses, _openai)
    overflow = Status(400, "Your input is too long.", type="context_length_exceeded")


class TestPerplexity(ModelContract):
    serve = serving(AgentApi, _perplexity)
    overflow = Status(400, "The input exceeds the context window of the model.")
