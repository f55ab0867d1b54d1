"""Claude through the Messages API.

The SDK takes seconds to import, so this file does not: what needs it is in `anthropic_connection.py`, which is loaded
in a thread when the first request is made.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from agents.models.anthropic_access import MAX_OUTPUT_TOKENS, AnthropicAccess
from agents.models.deltas import Delta
from agents.models.model import Abilities, PriceOf, unknown_price
from agents.models.request import ModelRequest

if TYPE_CHECKING:
    from agents.models.anthropic_connection import AnthropicConnection

PREFIX = "anthropic:"
"""How names of these models begin in settings."""
_CLOSE_SECONDS = 2.0
_DEFAULT_ACCESS = AnthropicAccess()


class AnthropicModel:
    """A model of the Messages API.

    It makes one attempt for every request; `RetryingModel` repeats.

    Args:
        model: Name of the model as the API knows it.
        access: Where the API is and who we are.
        price_of: What the tokens cost.
    """

    def __init__(
        self, model: str, access: AnthropicAccess = _DEFAULT_ACCESS, *, price_of: PriceOf = unknown_price
    ) -> None:
        self._model = model
        self._access = access
        self._price_of = price_of
        self._connection: AnthropicConnection | None = None

    @property
    def name(self) -> str:
        """For people and settings."""
        return f"{PREFIX}{self._model}"

    @property
    def abilities(self) -> Abilities:
        """All of them."""
        return Abilities(tools=True, reply_schema=True, web_search=True, max_output_tokens=MAX_OUTPUT_TOKENS)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
        """See `agents.models.model.Model.stream`."""
        if self._connection is None:
            # Importing the SDK takes seconds, for which nobody who is cancelled has to wait.
            connection = await anyio.to_thread.run_sync(self._connect, abandon_on_cancel=True)
            if self._connection is None:  # another request may have been quicker
                self._connection = connection
        async with aclosing(self._connection.stream(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        """Give back the connections."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
                await connection.aclose()

    def _connect(self) -> "AnthropicConnection":
        from agents.models.anthropic_connection import AnthropicConnection

        return AnthropicConnection(self._model, self._access, self._price_of)
