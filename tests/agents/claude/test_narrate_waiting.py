from typing import Any

import pytest

from agents.events import (
    AgentSaid,
    Progressed,
    StreamWithdrawn,
    TextStreamed,
    Waiting,
)
from tests.agents.claude.recorded import recordings, story_of
from tests.agents.claude.teller import Teller

AGENT = ("general-purpose",)
EVERY_RUN = sorted(recordings())


def test_a_request_in_flight_is_a_wait_for_the_model() -> None:
    assert story_of("02").events[2] == Waiting(reason="model", message="waiting for the model")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("40", [("rate_limit", "rate limited, next try in 1 s")]),
        ("41", 2 * [("rate_limit", "provider overloaded, next try in 1 s")]),
        (
            "42",
            [
                ("rate_limit", "rate limited, next try in 1 s"),
                ("rate_limit", "rate limited, next try in 1 s"),
                ("rate_limit", "rate limited, next try in 2 s"),
            ],
        ),
        (
            "44",
            [
                ("retry", "connection lost, try 1 of 2 in 1 s"),
                ("retry", "connection lost, try 2 of 2 in 1 s"),
            ],
        ),
    ],
)
def test_a_retry_says_why_and_how_long_it_waits(number: str, expected: list[tuple[str, str]]) -> None:
    assert [(wait.reason, wait.message) for wait in story_of(number).of_type(Waiting)] == expected


def test_a_retry_after_a_server_error_names_its_status() -> None:
    retry = {"attempt": 3, "max_retries": 10, "retry_delay_ms": 8153, "error_status": 500, "error": "server_error"}
    assert Teller().system("api_retry", **retry) == [
        Waiting(reason="retry", message="request failed with HTTP 500, try 3 of 10 in 8 s")
    ]


def test_another_model_that_takes_over_is_told_between_the_retries() -> None:
    story = story_of("43")
    kinds = [type(event) for event in story.events[2:9]]
    assert kinds == [Waiting, Waiting, Progressed, Waiting, Waiting, Waiting, Waiting]
    assert story.messages()[1] == "Switched to Sonnet 5.5 due to high demand for Opus 5.5"


def test_a_stream_that_broke_is_withdrawn_before_the_new_text_comes() -> None:
    story = story_of("45")
    told = [event for event in story.events if isinstance(event, TextStreamed | StreamWithdrawn)]
    assert told == [
        TextStreamed(text="This s"),
        TextStreamed(text="tream "),
        TextStreamed(text="is cut"),
        StreamWithdrawn(reason="the answer broke off", characters=18),
        TextStreamed(text="Recovered and finished."),
    ]
    assert story.narrator.text_so_far == "Recovered and finished."


@pytest.mark.parametrize(("status", "error"), [(401, "authentication_failed"), (401, "unknown")])
def test_the_first_refused_login_is_known_at_once(status: int, error: str) -> None:
    teller = Teller()
    assert not teller.narrator.auth_failed
    [said] = teller.system("api_retry", attempt=1, max_retries=10, retry_delay_ms=500, error_status=status, error=error)
    assert teller.narrator.auth_failed
    assert isinstance(said, Waiting)


def test_other_retries_are_no_refused_login() -> None:
    assert not any(story_of(number).narrator.auth_failed for number in ("40", "41", "42", "43", "44", "45"))


def test_an_api_error_is_told_in_its_own_words_and_not_as_the_models() -> None:
    story = story_of("35")
    assert story.messages()[1] == "Invalid API key · Fix external API key"
    assert story.of_type(TextStreamed) == []
    assert story.narrator.text_so_far == ""
    assert story.narrator.last_assistant_error is not None
    assert story.narrator.last_assistant_error.error == "authentication_failed"


def test_an_error_is_forgotten_when_the_model_answers_after_it() -> None:
    teller = Teller()
    teller.assistant({"type": "text", "text": "API Error"}, error="max_output_tokens", is_api_error_message=True)
    teller.assistant({"type": "text", "text": "and on"})
    assert teller.narrator.last_assistant_error is None


def test_a_refusal_is_told() -> None:
    told = story_of("22").messages()
    assert told[1].startswith("Opus 5.5's safeguards stopped the response above")
    assert "claude-opus-5-5 would not answer." in told


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"status": "allowed"}, []),
        (
            {"status": "rejected", "rateLimitType": "five_hour", "resetsAt": 1795222552},
            [Waiting(reason="rate_limit", message="usage limit five_hour is used up, resets at 2026-11-21 00:55 UTC")],
        ),
        ({"status": "rejected", "resetsAt": 1e300}, [Waiting(reason="rate_limit", message="usage limit is used up")]),
    ],
)
def test_a_usage_limit_is_told_when_it_matters(info: dict[str, Any], expected: list[AgentSaid]) -> None:
    assert Teller().tell(type="rate_limit_event", rate_limit_info=info) == expected


def test_a_usage_limit_that_comes_near_is_told() -> None:
    info = {"status": "allowed_warning", "rateLimitType": "seven_day", "utilization": 0.91}
    [said] = Teller().tell(type="rate_limit_event", rate_limit_info=info)
    assert isinstance(said, Progressed)
    assert said.message == "usage limit seven_day comes near: 91% used"


def test_thinking_that_is_not_shown_is_told_only_when_it_has_grown() -> None:
    teller = Teller()
    told = [teller.system("thinking_tokens", estimated_tokens=tokens) for tokens in range(100, 1100, 100)]
    assert [said for events in told for said in events] == [
        Waiting(reason="model", message="thinking, about 500 tokens so far"),
        Waiting(reason="model", message="thinking, about 1,000 tokens so far"),
    ]
    assert teller.system("thinking_tokens", estimated_tokens=50) == []  # the next message
    assert len(teller.system("thinking_tokens", estimated_tokens=600)) == 1


def test_thinking_that_is_shown_needs_no_other_sign_of_life() -> None:
    teller = Teller()
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Well"}}
    teller.tell(type="stream_event", event=event, api_message_id="m1")
    assert teller.system("thinking_tokens", estimated_tokens=5000) == []


def test_hooks_are_signs_of_life_and_only_their_failures_are_told() -> None:
    story = story_of("26")
    assert story.events[0] == Waiting(reason="start", message="hook SessionStart:startup is running")
    assert story.messages() == ["claude 2.1.329 on claude-opus-5-5"]
    hook = {"hook_name": "Stop", "hook_event": "Stop", "outcome": "error", "exit_code": 2, "output": "no\n"}
    [said] = Teller().system("hook_response", **hook)
    assert isinstance(said, Progressed)
    assert said.message == "hook Stop ended with error: no"


def test_a_summary_of_the_conversation_is_told() -> None:
    story = story_of("28")
    assert story.events[0] == Waiting(reason="model", message="summarising the conversation, which has become long")
    assert "conversation summarised: 3,036 tokens became 2,538" in story.messages()
    [failed] = Teller().system("status", status=None, compact_result="failed")
    assert isinstance(failed, Progressed)


def test_a_failed_mcp_server_is_told_with_the_start() -> None:
    _, said = Teller().system(
        "init", model="m", claude_code_version="2", mcp_servers=[{"name": "x", "status": "failed"}]
    )
    assert isinstance(said, Progressed)
    assert said.message == "claude 2 on m, MCP server x failed"
