"""The port every chat model stands behind.

Above it stand `agents.model_agent`, which makes an agent of a model, and `retrying.py`, which repeats what failed in
passing. Below it stands one file for every provider. `request.py` has what a model is asked, `deltas.py` what it says.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agents.models.deltas import Delta
from agents.models.request import ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a model can be asked for.

    Attributes:
        tools: It can call tools.
        reply_schema: The provider holds it to a schema. Without this the schema is only told to the model.
        web_search: The provider searches the web for it.
        max_output_tokens: What it may write at once, thinking included; None where its provider decides.
    """

    tools: bool
    reply_schema: bool
    web_search: bool
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """What one request used, in the parts that are priced differently.

    Attributes:
        input_tokens: Tokens read that came from no cache and went into none.
        cache_read_tokens: Tokens read from the provider's cache.
        cache_write_tokens: Tokens read and put into the provider's cache for five minutes.
        cache_write_1h_tokens: Tokens read and put into the provider's cache for an hour.
        output_tokens: Tokens written, thinking included.
        web_searches: Searches that the provider did.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    web_searches: int = 0

    @property
    def all_input_tokens(self) -> int:
        """Tokens read, from wherever."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.cache_write_1h_tokens


PriceOf: TypeAlias = Callable[[str, TokenCount], float | None]
"""US dollars for what a request to the model of this name used; None where the model's price is unknown."""


def unknown_price(_model: str, _count: TokenCount) -> float | None:
    """Say that a price is unknown; the `PriceOf` of whoever has no price list."""
    return None


class Model(Protocol):
    """A chat model.

    One instance serves any number of requests, also at the same time.
    """

    @property
    def name(self) -> str:
        """For people and settings, provider first: `anthropic:<model>`."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What it can be asked for; known without a request."""
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
        """Send one request and tell the answer as it comes.

        Nothing is sent before the first delta is asked for. Whoever does not read to the end closes the generator
        (`contextlib.aclosing`). Closing it, or cancelling whoever reads it, closes the connection within 100 ms.

        Every answer that ends well ends with one `Stopped`, and with one or more `Used` before it.
        Where it fails, all that is known of what it has cost is told before the error is raised, and a `Used` of
        unknown cost where that is not all. A generator that is closed or cancelled can tell nothing more: what the
        answer has cost is then for its reader to call unknown.

        Args:
            request: What to ask.

        Yields:
            Deltas, each as soon as the provider has sent it.

        Raises:
            agents.errors.AgentError: There is no (whole) answer. `partial` is the text that was told before,
                `retry_safe` says whether the same request can be sent again. No message holds a key.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections; bounded. No request is made after it."""
        ...
