"""OpenAI's own models, through the Responses protocol: it shows a summary of what they think, and searches the web."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from agents.json_fields import JsonObject
from agents.models.api_access import ApiAccess
from agents.models.deltas import Delta
from agents.models.late_connection import LateConnection
from agents.models.model import Abilities, PriceOf, unknown_price
from agents.models.request import ModelRequest
from agents.models.responses_request import common_body, json_schema_of, with_tool
from agents.models.responses_stream import ResponsesReader

PREFIX = "openai:"
"""How names of these models begin in settings."""
OPENAI_URL = "https://api.openai.com/v1"

_OPTIONAL = ("reasoning", "include")
"""What models that do not reason refuse, and some for accounts that are not verified."""


def openai_access(environ: Mapping[str, str]) -> ApiAccess:
    """Access to OpenAI."""
    return ApiAccess(
        provider="OpenAI",
        base_url=environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_URL,
        api_key=environ.get("OPENAI_API_KEY"),
        key_variable="OPENAI_API_KEY",
        address_variable="OPENAI_BASE_URL",
    )


class OpenAIModel:
    """A model of OpenAI.

    It makes one attempt for every request; `RetryingModel` repeats.

    Args:
        model: Name of the model as the API knows it.
        access: Where the API is and who we are.
        price_of: What the tokens cost.
    """

    def __init__(self, model: str, access: ApiAccess, *, price_of: PriceOf = unknown_price) -> None:
        self._model = model
        self._price_of = price_of
        self._connection = LateConnection(access)

    @property
    def name(self) -> str:
        """For people and settings."""
        return f"{PREFIX}{self._model}"

    @property
    def abilities(self) -> Abilities:
        """All of them."""
        return Abilities(tools=True, reply_schema=True, web_search=True)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
        """See `agents.models.model.Model.stream`."""
        connection = await self._connection.get()
        reader = ResponsesReader(self._model, self._price_of)
        body = body_of(self._model, request)
        async with aclosing(connection.stream("/responses", body, reader, optional=_OPTIONAL)) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._connection.aclose()


def body_of(model: str, request: ModelRequest) -> JsonObject:
    """The body of `POST /responses`.

    Args:
        model: Name of the model.
        request: What to ask.
    """
    reasoning: JsonObject = {"summary": "auto"}
    if request.effort is not None:
        reasoning["effort"] = request.effort
    body: JsonObject = {
        "model": model,
        **common_body(request),
        "reasoning": reasoning,
        "include": ["reasoning.encrypted_content"],  # to send it back: nothing is kept there
    }
    if request.reply_schema is not None:
        body["text"] = {"format": {"type": "json_schema", **json_schema_of(request.reply_schema)}}
    if request.web_searches:
        with_tool(body, {"type": "web_search"})
        if not request.tools:  # the limit counts every kind of call
            body["max_tool_calls"] = request.web_searches
    return body
