"""Which error a failed request of the CLI is: decided by its codes, most specific first, never by its text."""

from collections.abc import Callable
from typing import TypeAlias

from agents.claude.messages import ApiFailure
from agents.errors import (
    AgentError,
    BillingRefused,
    ContextOverflowed,
    ModelNotFound,
    NotLoggedIn,
    ProviderFailed,
    ProviderOverloaded,
    ProviderUnreachable,
    RateLimited,
    ReplyInvalid,
    RequestRejected,
)

_Build: TypeAlias = Callable[[str, str, int | None], AgentError]
"""Makes the error from a message, the text so far, and the HTTP status."""


def error_of_api(failure: ApiFailure, message: str, partial: str) -> AgentError:
    """Say which error a failed request is.

    Args:
        failure: Its codes, as the CLI gives them.
        message: Its text, for people.
        partial: What the agent had said before.

    Returns:
        The error, not raised.
    """
    build = (
        _BY_ERROR.get(failure.error)
        or _BY_CAUSE.get(failure.cause)
        or _BY_ERROR_TYPE.get(failure.error_type)
        or _BY_STATUS.get(failure.status)
        or _BY_VAGUE_ERROR.get(failure.error)
    )
    if build is None:
        # The CLI repeats what a server answers with 5xx; without any status nothing ever answered.
        build = _unreachable if failure.status is None and failure.error == "server_error" else _failed
    return build(message, partial, failure.status)


def _not_logged_in(message: str, partial: str, _status: int | None) -> AgentError:
    return NotLoggedIn(message, partial=partial)


def _unknown_model(message: str, partial: str, _status: int | None) -> AgentError:
    return ModelNotFound(message, partial=partial)


def _too_long_an_answer(message: str, partial: str, _status: int | None) -> AgentError:
    recovery = ("Split the task into smaller ones", "or raise CLAUDE_CODE_MAX_OUTPUT_TOKENS")
    return ReplyInvalid(f"The answer was cut off: {message}", recovery=recovery, partial=partial)


def _failed(message: str, partial: str, status: int | None) -> AgentError:
    return ProviderFailed(message, partial=partial, status=status)


def _rate_limited(message: str, partial: str, status: int | None) -> AgentError:
    return RateLimited(message, partial=partial, status=status)


def _overloaded(message: str, partial: str, status: int | None) -> AgentError:
    return ProviderOverloaded(message, partial=partial, status=status)


def _unreachable(message: str, partial: str, status: int | None) -> AgentError:
    return ProviderUnreachable(message, partial=partial, status=status)


def _billing(message: str, partial: str, status: int | None) -> AgentError:
    return BillingRefused(message, partial=partial, status=status)


def _rejected(message: str, partial: str, status: int | None) -> AgentError:
    return RequestRejected(message, partial=partial, status=status)


def _overflowed(message: str, partial: str, status: int | None) -> AgentError:
    return ContextOverflowed(message, partial=partial, status=status)


_BY_ERROR: dict[str, _Build] = {
    "authentication_failed": _not_logged_in,
    "oauth_org_not_allowed": _not_logged_in,
    "account_on_hold": _not_logged_in,
    "verification_required": _not_logged_in,
    "cloud_credential_error": _not_logged_in,
    "billing_error": _billing,
    "rate_limit": _rate_limited,
    "overloaded": _overloaded,
    "model_not_found": _unknown_model,
    "max_output_tokens": _too_long_an_answer,
}
_BY_CAUSE: dict[str, _Build] = {"connection_failed": _unreachable, "max_output_tokens": _too_long_an_answer}
_BY_ERROR_TYPE: dict[str, _Build] = {
    "authentication_error": _not_logged_in,
    "permission_error": _not_logged_in,
    "billing_error": _billing,
    "rate_limit_error": _rate_limited,
    "overloaded_error": _overloaded,
    "request_too_large": _overflowed,
    "not_found_error": _unknown_model,
    "invalid_request_error": _rejected,
}
_BY_STATUS: dict[int | None, _Build] = {
    400: _rejected,
    401: _not_logged_in,
    402: _billing,
    403: _not_logged_in,
    404: _unknown_model,
    413: _overflowed,
    422: _rejected,
    429: _rate_limited,
    529: _overloaded,
}
_BY_VAGUE_ERROR: dict[str, _Build] = {"invalid_request": _rejected}
