"""Models behind OpenAI's Chat Completions protocol: OpenRouter, and every server at an address of one's own.

`openai:<model>` at OpenAI itself is `openai_responses.py`: since GPT-5.6, OpenAI's reasoning models call tools through
that protocol only.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from agents.models.api_access import ApiAccess
from agents.models.chat_request import Dialect, body_of
from agents.models.chat_stream import ChatReader
from agents.models.deltas import Delta
from agents.models.late_connection import LateConnection
from agents.models.model import Abilities, PriceOf, unknown_price
from agents.models.request import ModelRequest

OPENAI_PREFIX = "openai:"
OPENROUTER_PREFIX = "openrouter:"
"""How names of these models begin in settings."""
OPENROUTER_URL = "https://openrouter.ai/api/v1"

_ANY_SERVER = Dialect()
_OPENROUTER = Dialect(effort=True, schema_beside_tools=True, reports_cost=True)


def compatible_access(environ: Mapping[str, str]) -> ApiAccess:
    """Access to the server that `OPENAI_BASE_URL` names; a key is sent if there is one."""
    return ApiAccess(
        provider="The server at OPENAI_BASE_URL",
        base_url=environ.get("OPENAI_BASE_URL", "").strip(),
        api_key=environ.get("OPENAI_API_KEY"),
        key_variable="OPENAI_API_KEY",
        address_variable="OPENAI_BASE_URL",
        needs_key=False,
    )


def openrouter_access(environ: Mapping[str, str]) -> ApiAccess:
    """Access to OpenRouter."""
    return ApiAccess(
        provider="OpenRouter",
        base_url=environ.get("OPENROUTER_BASE_URL", "").strip() or OPENROUTER_URL,
        api_key=environ.get("OPENROUTER_API_KEY"),
        key_variable="OPENROUTER_API_KEY",
        address_variable="OPENROUTER_BASE_URL",
    )


class ChatModel:
    """A model behind the Chat Completions protocol.

    It makes one attempt for every request; `RetryingModel` repeats.

    Args:
        model: Name of the model as the server knows it.
        access: Where the server is and who we are.
        prefix: How the name begins in settings.
        dialect: What the server knows.
        price_of: What the tokens cost, where the server does not say it itself.
    """

    def __init__(
        self,
        model: str,
        access: ApiAccess,
        *,
        prefix: str = OPENAI_PREFIX,
        dialect: Dialect = _ANY_SERVER,
        price_of: PriceOf = unknown_price,
    ) -> None:
        self._model = model
        self._prefix = prefix
        self._dialect = dialect
        self._price_of = price_of
        self._connection = LateConnection(access)

    @property
    def name(self) -> str:
        """For people and settings."""
        return f"{self._prefix}{self._model}"

    @property
    def abilities(self) -> Abilities:
        """Tools and schemas; it searches nothing by itself."""
        return Abilities(tools=True, reply_schema=True, web_search=False)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
        """See `agents.models.model.Model.stream`."""
        connection = await self._connection.get()
        reader = ChatReader(self._model, self._price_of)
        body = body_of(self._model, request, self._dialect)
        async with aclosing(connection.stream("/chat/completions", body, reader)) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._connection.aclose()


def openrouter_model(model: str, access: ApiAccess, *, price_of: PriceOf = unknown_price) -> ChatModel:
    """A model behind OpenRouter, which tells the cost of each request itself."""
    return ChatModel(model, access, prefix=OPENROUTER_PREFIX, dialect=_OPENROUTER, price_of=price_of)
