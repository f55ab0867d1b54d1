from typing import Any

import pytest

from agents.claude.outcome import judge
from agents.errors import (
    AgentError,
    BillingRefused,
    ContextOverflowed,
    NotLoggedIn,
    ProviderFailed,
    ProviderOverloaded,
    ProviderUnreachable,
    ReplyInvalid,
    RequestRejected,
)
from tests.agents.claude.teller import Teller


def failed_request(**codes: Any) -> Teller:
    """A run that ended with a failed request: the codes stand where the CLI puts them."""
    error = codes.pop("error", "unknown")
    teller = Teller()
    teller.system("init", session_id="s", model="m")
    teller.assistant({"type": "text", "text": "Failed."}, error=error, is_api_error_message=True, **codes)
    teller.turn_ended(is_error=True, result="Failed.", terminal_reason="api_error", **codes)
    return teller


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ({"error": "billing_error", "api_error_status": 400}, BillingRefused),
        ({"api_error_status": 402}, BillingRefused),
        ({"error": "oauth_org_not_allowed"}, NotLoggedIn),
        ({"error": "server_error", "api_error_status": 500}, ProviderFailed),
        ({"error": "server_error", "api_error_status": 503, "api_error_type": "api_error"}, ProviderFailed),
        ({"error": "server_error"}, ProviderUnreachable),
        ({"error": "overloaded"}, ProviderOverloaded),
        ({"error": "server_error", "api_error_type": "overloaded_error"}, ProviderOverloaded),
        ({"error": "unknown", "api_error_status": 413}, ContextOverflowed),
        ({"error": "invalid_request"}, RequestRejected),
        ({"error": "max_output_tokens"}, ReplyInvalid),
        ({"error": "unknown", "api_error": "max_output_tokens"}, ReplyInvalid),
        ({"error": "unknown"}, ProviderFailed),
        ({"error": "of_a_later_release", "api_error_status": 599}, ProviderFailed),
    ],
)
def test_a_failed_request_is_told_apart_by_its_codes(codes: dict[str, Any], kind: type[AgentError]) -> None:
    with pytest.raises(AgentError) as raised:
        judge(failed_request(**codes).narrator, exit_code=1, stderr="", wants_reply_model=None)
    error = raised.value
    assert type(error) is kind
    assert "Failed." in error.message
    if isinstance(error, ProviderFailed):
        assert error.status == codes.get("api_error_status")
