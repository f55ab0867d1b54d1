"""Providers on `httpx2`, as the contract of models wants them."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from agents.models.api_access import ApiAccess
from agents.models.model import Model, PriceOf, unknown_price
from tests.agents.models.model_contract import KEY, Serve
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Script
from tests.fakes.provider_api import ProviderApi, WireFormat, provider_api

MakeModel = Callable[[ApiAccess, PriceOf], Model]


def access_to(url: str, *, key: str = KEY, silent_seconds: float = 5.0) -> ApiAccess:
    """Access to a fake."""
    return ApiAccess(
        provider="The provider",
        base_url=url,
        api_key=key,
        key_variable="TEST_API_KEY",
        address_variable="TEST_BASE_URL",
        silent_seconds=silent_seconds,
    )


class ServedProvider:
    """A fake provider that is up, and models that ask it."""

    def __init__(self, api: ProviderApi, make: MakeModel) -> None:
        self.api = api
        self.models: list[Model] = []
        self._make = make

    @property
    def client_gone(self) -> anyio.Event:
        return self.api.client_gone

    @property
    def requests(self) -> Sequence[ModelRequest]:
        return self.api.requests

    @property
    def counted(self) -> tuple[int, int]:
        return self.api.counted

    def model(
        self, *, key: str = KEY, silent_seconds: float = 5.0, url: str = "", price_of: PriceOf = unknown_price
    ) -> Model:
        model = self._make(access_to(url or self.api.url, key=key, silent_seconds=silent_seconds), price_of)
        self.models.append(model)
        return model


@asynccontextmanager
async def served(
    wire: WireFormat, make: MakeModel, script: Script | Sequence[Answer]
) -> AsyncGenerator[ServedProvider]:
    """Bring a provider up."""
    async with provider_api(wire, script) as api:
        provider = ServedProvider(api, make)
        try:
            yield provider
        finally:
            for model in provider.models:
                await model.aclose()


def serving(wire: Callable[[], WireFormat], make: MakeModel) -> Serve:
    """What brings a provider up."""
    return lambda script: served(wire(), make, script)
