"""The Messages API, through the real SDK, keeps the contract of models."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module

import anyio

from agents.models.anthropic_access import AnthropicAccess
from agents.models.anthropic_api import AnthropicModel
from agents.models.model import PriceOf, unknown_price
from tests.agents.models.model_contract import KEY, ModelContract
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Script, Status

import_module("agents.models.anthropic_connection")  # takes seconds, which are no test's


class ServedMessagesApi:
    """The fake Messages API, as the contract wants it."""

    def __init__(self, api: MessagesApi) -> None:
        self.api = api
        self.models: list[AnthropicModel] = []

    @property
    def client_gone(self) -> anyio.Event:
        return self.api.client_gone

    @property
    def requests(self) -> Sequence[ModelRequest]:
        return self.api.requests

    @property
    def counted(self) -> tuple[int, int]:
        delivered = self.api.delivered
        return sum(one.input_tokens for one in delivered), sum(one.output_tokens for one in delivered)

    def model(
        self, *, key: str | None = KEY, silent_seconds: float = 5.0, url: str = "", price_of: PriceOf = unknown_price
    ) -> AnthropicModel:
        access = AnthropicAccess(api_key=key, base_url=url or self.api.url, silent_seconds=silent_seconds)
        model = AnthropicModel("claude-test-5", access, price_of=price_of)
        self.models.append(model)
        return model


@asynccontextmanager
async def served_messages_api(script: Script | Sequence[Answer]) -> AsyncGenerator[ServedMessagesApi]:
    async with messages_api(script) as api:
        served = ServedMessagesApi(api)
        try:
            yield served
        finally:
            for model in served.models:
                await model.aclose()


class TestAnthropic(ModelContract):
    serve = served_messages_api
    overflow = Status(400, "prompt is too long: 1000001 tokens > 1000000 maximum")
