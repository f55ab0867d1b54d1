"""Which error a provider's refusal is: decided by its codes, most specific first.

Providers that speak OpenAI's protocols agree on the shape (`error` with `message`, `code`, `type`, `param`) and little
else: OpenRouter's and vLLM's `code` is the HTTP status, and some servers send one text. A conversation that is too long
has no code at many of them, so that alone is also recognised by its words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

import orjson

from agents.errors import (
    AgentError,
    BillingRefused,
    ContextOverflowed,
    ModelNotFound,
    ModelRefused,
    NotLoggedIn,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimedOut,
    RateLimited,
    RequestRejected,
)
from agents.json_fields import Json, JsonObject, object_of, optional_int_of, text_of
from agents.models.api_access import ApiAccess
from agents.models.secrets import without_secrets

_WORDS_CHARACTERS = 600
_TOO_LONG = re.compile(
    r"maximum context|context[ _](?:length|window|size)|prompt is too long|too many (?:input )?tokens",
    re.IGNORECASE,
)
_MAY_BE_TOO_LONG = frozenset({None, 400, 413, 422})

_BY_CODE: Mapping[str, type[AgentError]] = MappingProxyType(
    {
        "invalid_api_key": NotLoggedIn,
        "authentication_error": NotLoggedIn,
        "insufficient_quota": BillingRefused,  # comes with status 429, and no wait helps
        "billing_not_active": BillingRefused,
        "billing_hard_limit_reached": BillingRefused,
        "payment_required": BillingRefused,
        "model_not_found": ModelNotFound,
        "rate_limit_exceeded": RateLimited,
        "rate_limit_error": RateLimited,
        "context_length_exceeded": ContextOverflowed,
        "exceed_context_size_error": ContextOverflowed,  # llama.cpp
        "content_filter": ModelRefused,
        "content_policy_violation": ModelRefused,
        "server_is_overloaded": ProviderOverloaded,
        "overloaded_error": ProviderOverloaded,
        "slow_down": ProviderOverloaded,
    }
)
_BY_STATUS: Mapping[int | None, type[AgentError]] = MappingProxyType(
    {
        400: RequestRejected,
        401: NotLoggedIn,
        402: BillingRefused,
        403: NotLoggedIn,
        404: ModelNotFound,
        408: ProviderTimedOut,
        413: ContextOverflowed,
        422: RequestRejected,
        429: RateLimited,
        503: ProviderOverloaded,
        504: ProviderTimedOut,
        524: ProviderTimedOut,
        529: ProviderOverloaded,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a provider says when it does not answer.

    Attributes:
        status: HTTP status, or what it says in its place in the middle of a stream; None if it says none.
        codes: Machine names, most specific first.
        parameter: The part of the request it refuses, or empty.
        words: Its message, for people.
        retry_after_seconds: How long it asks to wait, or None.
        moderated: Whether it says that the request itself was found objectionable.
    """

    status: int | None
    codes: tuple[str, ...] = ()
    parameter: str = ""
    words: str = ""
    retry_after_seconds: float | None = None
    moderated: bool = False


def refusal_of_response(status: int, body: bytes, headers: Mapping[str, str]) -> Refusal:
    """Read a response that is an error.

    Args:
        status: HTTP status.
        body: The body or the beginning of it; may be anything.
        headers: Its headers, whose names may be asked for in lower case.
    """
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None  # a page of some proxy; its words are of no use
    told = _error_in(parsed)
    refusal = refusal_of_error(told) if told else Refusal(status=status)
    return Refusal(
        status=status,
        codes=refusal.codes,
        parameter=refusal.parameter,
        words=refusal.words,
        retry_after_seconds=_retry_after(headers),
        moderated=refusal.moderated,
    )


def refusal_of_error(error: JsonObject) -> Refusal:
    """Read the `error` object of a response, or of an event in the middle of a stream."""
    metadata = object_of(error, "metadata")
    words = text_of(error, "message") or text_of(error, "detail")
    if raw := text_of(metadata, "raw"):  # OpenRouter: what the provider behind it has said
        words = f"{words}: {raw}"
    return Refusal(
        status=optional_int_of(error, "code"),
        codes=tuple(code for code in (text_of(error, "code"), text_of(error, "type")) if code),
        parameter=text_of(error, "param"),
        words=" ".join(words.split())[:_WORDS_CHARACTERS],
        moderated=bool(metadata.get("reasons")),
    )


def error_of(refusal: Refusal, access: ApiAccess, partial: str = "") -> AgentError:
    """Say which error a refusal is.

    Args:
        refusal: What the provider says.
        access: Whose provider it is; its key is kept out of the message.
        partial: The text that had come before.

    Returns:
        The error, not raised.
    """
    kind = _kind_of(refusal)
    said = refusal.words or (f"status {refusal.status}" if refusal.status else "it failed")
    message = without_secrets(f"{access.provider} says: {said}", access.secrets)
    partial = without_secrets(partial, access.secrets)
    if issubclass(kind, ProviderFailed):
        wait = refusal.retry_after_seconds
        return kind(message, partial=partial, status=refusal.status, retry_after_seconds=wait)
    recovery = access.login_recovery if kind is NotLoggedIn else access.model_recovery
    return kind(message, recovery=recovery, partial=partial)


def _kind_of(refusal: Refusal) -> type[AgentError]:
    if refusal.moderated:
        return ModelRefused
    for code in refusal.codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if refusal.status in _MAY_BE_TOO_LONG and _TOO_LONG.search(refusal.words):
        return ContextOverflowed
    return _BY_STATUS.get(refusal.status, ProviderFailed)


def _error_in(parsed: Json) -> JsonObject:
    """The error in a body: under `error`, as an object or a text, or the body itself (vLLM, FastAPI)."""
    match parsed:
        case {"error": str(words)}:
            return {"message": words}
        case {"error": dict() as error}:
            return error
        case {"message": str()} | {"detail": str()}:
            return parsed
        case _:
            return {}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: as milliseconds (OpenAI), as seconds, or as a date."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        if (said := headers.get("retry-after")) is None:
            return None
        if said.strip().replace(".", "", 1).isdigit():
            return float(said)
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
