"""Which error a failed request to the Messages API is: decided by its codes, most specific first.

The one thing that has no code is a conversation that is too long: an `invalid_request_error` whose message begins with
"prompt is too long".
"""

import json
from collections.abc import Iterable, Mapping

import httpx2
from anthropic import APIConnectionError, APIStatusError, APITimeoutError, CredentialsError

from agents.errors import (
    AgentError,
    BillingRefused,
    ContextOverflowed,
    ModelNotFound,
    NotLoggedIn,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimedOut,
    ProviderUnreachable,
    RateLimited,
    RequestRejected,
    ResponseMalformed,
    StreamCut,
)
from agents.models.secrets import without_secrets

LOGIN_RECOVERY = ("Set ANTHROPIC_API_KEY to a valid key where the server is registered",)
_UNREACHABLE_RECOVERY = ("Check the network, the proxy and ANTHROPIC_BASE_URL, then try again",)
_TOO_LONG = "prompt is too long"
_OK = 200
_SERVER_ERROR = 500

_BY_TYPE: Mapping[str, type[AgentError]] = {
    "authentication_error": NotLoggedIn,
    "permission_error": NotLoggedIn,
    "billing_error": BillingRefused,
    "rate_limit_error": RateLimited,
    "overloaded_error": ProviderOverloaded,
    "timeout_error": ProviderTimedOut,
    "not_found_error": ModelNotFound,
    "request_too_large": ContextOverflowed,
    "invalid_request_error": RequestRejected,
}
_BY_STATUS: Mapping[int, type[AgentError]] = {
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
    529: ProviderOverloaded,
}


def error_of(error: Exception, partial: str, *, begun: bool, secrets: Iterable[str | None] = ()) -> AgentError:
    """Say which error a failure is.

    Args:
        error: What the SDK, or reading its stream, has raised.
        partial: The text that had come before.
        begun: Whether the answer had begun.
        secrets: Keys that the message must not show.

    Returns:
        The error, not raised.
    """
    match error:
        case APIStatusError():
            return _refused(error, partial, secrets)
        case APITimeoutError() | httpx2.TimeoutException():
            return ProviderTimedOut("The Messages API did not answer in time.", partial=partial)
        case httpx2.HTTPError() if begun:
            return StreamCut("The connection to the Messages API broke in the middle of the answer.", partial=partial)
        case APIConnectionError() | httpx2.HTTPError():
            return ProviderUnreachable(
                "The Messages API cannot be reached.", recovery=_UNREACHABLE_RECOVERY, partial=partial
            )
        case json.JSONDecodeError() | UnicodeDecodeError():
            return ResponseMalformed("The Messages API sent an event that is no JSON.", partial=partial)
        case CredentialsError():
            words = "The login for the Messages API cannot be used."
            return NotLoggedIn(words, recovery=LOGIN_RECOVERY, partial=partial)
        case _:
            return ProviderFailed(f"The Messages API failed: {type(error).__name__}.", partial=partial)


def _refused(error: APIStatusError, partial: str, secrets: Iterable[str | None]) -> AgentError:
    """An error that the API itself tells: by status, or in the middle of a stream (then the status is 200)."""
    status = error.status_code if error.status_code != _OK else None
    words = without_secrets(error.api_message or f"status {error.status_code}", secrets)
    kind = _BY_TYPE.get(error.type or "") or _BY_STATUS.get(error.status_code) or ProviderFailed
    if kind is RequestRejected and words.lower().startswith(_TOO_LONG):
        kind = ContextOverflowed
    message = f"The Messages API says: {words}"
    if issubclass(kind, ProviderFailed):
        return kind(message, partial=partial, status=status, retry_after_seconds=_retry_after(error))
    return kind(message, recovery=LOGIN_RECOVERY if kind is NotLoggedIn else (), partial=partial)


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds the API asks to wait; it sends them as a number."""
    try:
        return float(error.response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
