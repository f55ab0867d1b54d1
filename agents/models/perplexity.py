"""Perplexity: models that search the web and cite what they found, through its Agent API.

The Agent API speaks OpenAI's Responses protocol with events and items of its own for searches. Its predecessor, Sonar
over Chat Completions, ended on 27 September 2026.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from agents.json_fields import JsonObject, text_of
from agents.models.api_access import ApiAccess
from agents.models.deltas import Delta
from agents.models.late_connection import LateConnection
from agents.models.model import Abilities, PriceOf, unknown_price
from agents.models.request import ModelRequest
from agents.models.responses_request import common_body, json_schema_of, with_tool
from agents.models.responses_stream import ResponsesReader, text_of_message

PREFIX = "perplexity:"
"""How names of these models begin in settings."""
PERPLEXITY_URL = "https://api.perplexity.ai"

_MOST_STEPS = 100


def perplexity_access(environ: Mapping[str, str]) -> ApiAccess:
    """Access to Perplexity."""
    return ApiAccess(
        provider="Perplexity",
        base_url=environ.get("PERPLEXITY_BASE_URL", "").strip() or PERPLEXITY_URL,
        api_key=environ.get("PERPLEXITY_API_KEY"),
        key_variable="PERPLEXITY_API_KEY",
        address_variable="PERPLEXITY_BASE_URL",
    )


class PerplexityModel:
    """A model or a preset of Perplexity.

    It makes one attempt for every request; `RetryingModel` repeats. The API tells the cost of each request itself.

    Args:
        model: A model with its maker, as in `perplexity/sonar`; without a `/` the name of a preset, as in `high`;
            `sonar` alone stands for `perplexity/sonar`.
        access: Where the API is and who we are.
        price_of: What the tokens cost, where the API does not say it.
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
        reader = ResponsesReader(self._model, self._price_of, echo=plain_item)
        body = body_of(self._model, request)
        async with aclosing(connection.stream("/v1/responses", body, reader, optional=("reasoning",))) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._connection.aclose()


def plain_item(item: JsonObject) -> JsonObject | None:
    """An item of an answer in the form in which the API takes it back; None if it takes none of that kind back."""
    match text_of(item, "type"):
        case "message":
            return {"type": "message", "role": "assistant", "content": text_of_message(item)}
        case "function_call":
            kept = ("type", "call_id", "name", "arguments", "thought_signature")
            return {name: item[name] for name in kept if item.get(name) is not None}
        case _:
            return None


def body_of(model: str, request: ModelRequest) -> JsonObject:
    """The body of `POST /v1/responses`.

    Args:
        model: As in `PerplexityModel`.
        request: What to ask.
    """
    chosen: JsonObject = {"model": "perplexity/sonar"} if model == "sonar" else {"preset": model}
    if "/" in model:
        chosen = {"model": model}
    body: JsonObject = {**chosen, **common_body(request)}
    if request.effort is not None:
        body["reasoning"] = {"effort": request.effort}
    if request.reply_schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": json_schema_of(request.reply_schema)}
    if request.web_searches:
        with_tool(body, {"type": "web_search"})
        with_tool(body, {"type": "fetch_url"})
        body["max_steps"] = min(request.web_searches + 1, _MOST_STEPS)
    return body
