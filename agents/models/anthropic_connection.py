"""One request to the Messages API, through the SDK. Imported when the first one is made: it brings the SDK along."""

import json
from collections.abc import AsyncGenerator

import httpx2
from anthropic import AnthropicError, AsyncAnthropic, AsyncStream
from anthropic.types import RawMessageStreamEvent

from agents.errors import AgentError, NotLoggedIn, ResponseMalformed, StreamCut
from agents.models.anthropic_access import AnthropicAccess
from agents.models.anthropic_failures import LOGIN_RECOVERY, error_of
from agents.models.anthropic_request import parameters_of
from agents.models.anthropic_stream import AnswerReader
from agents.models.deltas import Delta
from agents.models.model import PriceOf
from agents.models.request import ModelRequest

_CONNECT_SECONDS = 10.0


class AnthropicConnection:
    """The SDK's client.

    Args:
        model: Name of the model as the API knows it.
        access: Where the API is and who we are.
        price_of: What the tokens cost.

    Raises:
        NotLoggedIn: The SDK finds what it should log in with, and cannot read it.
    """

    def __init__(self, model: str, access: AnthropicAccess, price_of: PriceOf) -> None:
        self._model = model
        self._price_of = price_of
        try:
            self._client = AsyncAnthropic(
                api_key=access.api_key,
                base_url=access.base_url,
                timeout=httpx2.Timeout(access.silent_seconds, connect=_CONNECT_SECONDS),
                max_retries=0,  # `RetryingModel` repeats, and tells it
            )
        except AnthropicError as error:
            raise NotLoggedIn(
                f"The login for the Messages API cannot be read: {error}", recovery=LOGIN_RECOVERY
            ) from None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
        """See `agents.models.model.Model.stream`."""
        reader = AnswerReader(self._model, self._price_of)
        try:
            async with await self._send(request) as events:
                async for event in events:
                    for delta in reader.read(event):
                        yield delta
            if not reader.is_whole:
                raise _unfinished(reader)
            for delta in reader.finish():
                yield delta
        except (AnthropicError, httpx2.HTTPError, json.JSONDecodeError, UnicodeDecodeError, AgentError) as error:
            if (used := reader.use_of_a_broken_answer()) is not None:
                yield used
            if isinstance(error, AgentError):
                raise
            # Not `from error`: it may repeat the key, and whoever logs this error would log that one too.
            raise error_of(error, reader.text, begun=reader.has_begun, secrets=self._secrets) from None

    @property
    def _secrets(self) -> tuple[str | None, ...]:
        return self._client.api_key, self._client.auth_token

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._client.close()

    async def _send(self, request: ModelRequest) -> AsyncStream[RawMessageStreamEvent]:
        if self._client.credentials is None and not any(self._secrets):
            raise NotLoggedIn("The Messages API needs a key, and none is set.", recovery=LOGIN_RECOVERY)
        return await self._client.messages.create(**parameters_of(self._model, request), stream=True)


def _unfinished(reader: AnswerReader) -> AgentError:
    if reader.has_begun:
        return StreamCut("The answer of the Messages API broke off before its end.", partial=reader.text)
    return ResponseMalformed("The Messages API answered with something that is no stream of events.")
