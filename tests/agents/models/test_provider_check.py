"""Asking providers whether they would let us in."""

import anyio
import pytest

from agents.errors import AgentError, ModelNotFound, NotLoggedIn, ProviderTimedOut, ProviderUnreachable, RequestRejected
from agents.models.provider_check import check_provider
from agents.models.providers import ProviderName
from tests.agents.models.model_contract import KEY
from tests.fakes.messages_script import Silent, Status
from tests.fakes.openai_api import ChatCompletions, Responses
from tests.fakes.perplexity_api import AgentApi
from tests.fakes.provider_api import WireFormat, provider_api

pytestmark = pytest.mark.anyio


def environ_of(provider: ProviderName, url: str) -> dict[str, str]:
    return {f"{provider.upper()}_API_KEY": KEY, f"{provider.upper()}_BASE_URL": url}


async def failure_of(provider: ProviderName, url: str, seconds: float = 5.0) -> AgentError:
    with pytest.raises(AgentError) as failure, anyio.fail_after(5):
        await check_provider(provider, "test-model", environ_of(provider, url), seconds=seconds)
    return failure.value


@pytest.mark.parametrize(("provider", "wire"), [("openai", ChatCompletions()), ("perplexity", AgentApi())])
async def test_a_provider_that_lists_its_models_lets_us_in(provider: ProviderName, wire: WireFormat) -> None:
    async with provider_api(wire, []) as api:
        await check_provider(provider, "test-model", environ_of(provider, api.url))

    assert api.listed == 1
    assert api.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_a_model_that_is_not_there_is_named() -> None:
    async with provider_api(Responses(), []) as api:  # which has no path for a model
        failure = await failure_of("anthropic", api.url)

    assert type(failure) is ModelNotFound
    assert "/v1/models/test-model" in failure.message
    assert api.headers[0]["x-api-key"] == KEY
    assert "authorization" not in api.headers[0]
    assert api.headers[0]["anthropic-version"] == "2023-06-01"


async def test_openrouter_is_asked_for_the_key_because_its_list_of_models_needs_none() -> None:
    async with provider_api(Responses(), []) as api:
        failure = await failure_of("openrouter", api.url)

    assert "GET /key" in failure.message


async def test_nobody_at_home_is_unreachable() -> None:
    failure = await failure_of("openai", "http://127.0.0.1:9")

    assert type(failure) is ProviderUnreachable
    assert "OPENAI_BASE_URL" in failure.recovery[0]


async def test_without_a_key_nobody_is_asked() -> None:
    with pytest.raises(NotLoggedIn, match="Perplexity needs a key"):
        await check_provider("perplexity", "sonar", {"PERPLEXITY_BASE_URL": "http://127.0.0.1:9"})


async def test_an_answer_that_does_not_come_is_a_time_out() -> None:
    async with provider_api(ChatCompletions(), []) as api:
        api.listing = Silent()
        failure = await failure_of("openai", api.url, seconds=0.1)

    assert type(failure) is ProviderTimedOut


async def test_a_key_that_is_repeated_is_not_shown() -> None:
    async with provider_api(ChatCompletions(), []) as api:
        api.listing = Status(400, f"no such key: {KEY}")
        failure = await failure_of("openai", api.url)

    assert type(failure) is RequestRejected
    assert "no such key: ***" in failure.message
