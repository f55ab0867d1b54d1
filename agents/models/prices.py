"""What requests cost, by the public list prices in `prices.toml`. A model that is not in it costs an unknown amount."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agents.models.model import PriceOf, TokenCount

_MILLION = 1_000_000
_VERSION = re.compile(r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


class Rates(BaseModel):
    """US dollars for a million tokens.

    Attributes:
        input: Of tokens read that came from no cache and went into none.
        output: Of tokens written.
        cache_read: Of tokens read from the cache; None: as `input`.
        cache_write: Of tokens put into the cache; None: as `input`.
        cache_write_1h: Of tokens put into the cache for an hour; None: as `cache_write`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)
    cache_write_1h: float | None = Field(default=None, ge=0)

    def cost_of(self, count: TokenCount) -> float:
        """US dollars for these tokens."""
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        write_1h = write if self.cache_write_1h is None else self.cache_write_1h
        cost = (
            count.input_tokens * self.input
            + count.cache_read_tokens * read
            + count.cache_write_tokens * write
            + count.cache_write_1h_tokens * write_1h
            + count.output_tokens * self.output
        )
        return cost / _MILLION


class ModelPrice(Rates):
    """The price of a model.

    Attributes:
        web_search: US dollars for one search; None: unknown.
        since: From when on it holds, where it has changed.
        long_above: Above how many tokens read, of a request, all its tokens are charged at `long`.
        long: Rates of such a request.
    """

    web_search: float | None = Field(default=None, ge=0)
    since: date | None = None
    long_above: int | None = None
    long: Rates | None = None

    def price_of(self, count: TokenCount) -> float | None:
        """US dollars for a request; None where a part of it has no known price."""
        if count.web_searches and self.web_search is None:
            return None
        is_long = self.long_above is not None and count.all_input_tokens > self.long_above
        rates = self.long if is_long and self.long is not None else self
        return rates.cost_of(count) + count.web_searches * (self.web_search or 0.0)


class ProviderPrices(BaseModel):
    """The prices of a provider.

    Attributes:
        source: Where it publishes them.
        read: When they were taken down.
        models: By name of the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    read: date
    models: Mapping[str, ModelPrice]

    def find(self, model: str) -> ModelPrice | None:
        """The price of a model: by its name, or by the name without its version's date."""
        return self.models.get(model) or self.models.get(_VERSION.sub("", model))


@dataclass(frozen=True, slots=True)
class _ListPrice:
    provider: str

    def __call__(self, model: str, count: TokenCount) -> float | None:
        prices = price_list().get(self.provider)
        price = prices.find(model) if prices is not None else None
        return None if price is None else price.price_of(count)


@cache
def price_list() -> Mapping[str, ProviderPrices]:
    """The whole list, by provider; read once."""
    text = files("agents.models").joinpath("prices.toml").read_text("utf-8")
    return TypeAdapter(dict[str, ProviderPrices]).validate_python(tomllib.loads(text))


def list_price_of(provider: str) -> PriceOf:
    """What tokens of a provider's models cost.

    Args:
        provider: As in settings, for example `anthropic`; one without prices gives unknown costs.
    """
    return _ListPrice(provider)
