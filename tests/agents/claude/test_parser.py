from collections.abc import Callable
from typing import Any

import orjson
import pytest

from agents.claude.messages import (
    ApiFailure,
    AssistantSaid,
    CliMessage,
    ControlAnswered,
    ControlCancelled,
    ControlRequested,
    ModelUsage,
    NotAMessage,
    OtherBlock,
    TextBlock,
    ToolResult,
    TurnEnded,
    UnknownMessage,
    UserSaid,
)
from agents.claude.parser import parse_message
from agents.claude.stream_messages import (
    BlockStarted,
    MessageDelta,
    MessageStopped,
    OtherStreamEvent,
)
from agents.claude.system_messages import (
    RateLimitChanged,
    ToolProgress,
)
from tests.agents.claude.recorded import messages_of


def parse(**fields: Any) -> CliMessage:
    return parse_message(orjson.dumps(fields))


def stream_event(event: dict[str, Any], **fields: Any) -> CliMessage:
    return parse(type="stream_event", event=event, api_message_id="m1", parent_tool_use_id=None, **fields)


@pytest.mark.parametrize(
    "line", [b"", b" ", b"hello", b"[1]", b'"text"', b"12", b"null", b'{"type":', b"\xff{}", b'{"a":NaN}', b"[" * 5000]
)
def test_a_line_that_is_no_json_object_is_no_message(line: bytes) -> None:
    message = parse_message(line)
    assert isinstance(message, NotAMessage)
    assert message.excerpt == line[:200].decode(errors="replace")
    assert message.reason


def test_an_over_deep_line_with_escapes_is_no_message() -> None:
    assert isinstance(parse_message(b'"\\u0041"' + b"[" * 100_000), NotAMessage)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": None},
        {"type": ["assistant"]},
        {"type": "keep_alive"},
        {"type": "tool_use_summary", "summary": "x"},
        {"type": "system", "subtype": "session_state_changed"},
        {"type": "system", "subtype": {}},
        {"type": "assistant"},
        {"type": "result"},
        {"type": "stream_event", "event": {"type": "message_start"}},
        {"type": "system", "subtype": "background_tasks_changed"},
    ],
)
def test_what_is_not_known_or_lacks_its_substance_is_kept_as_unknown(fields: dict[str, Any]) -> None:
    message = parse_message(orjson.dumps(fields))
    assert isinstance(message, UnknownMessage)
    assert message.fields == fields


def test_a_text_cut_in_the_middle_of_a_character_is_still_read() -> None:
    line = rb'{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"ab\ud83d"}]}}'
    message = parse_message(line)
    assert isinstance(message, UserSaid)
    assert message.results == (ToolResult("t", "ab?", is_error=False),)


def test_a_whole_character_beyond_the_basic_plane_is_kept() -> None:
    line = rb'{"type":"user","message":{"content":"\ud83d\ude00 \ud83d"}}'
    message = parse_message(line)
    assert isinstance(message, UserSaid)
    assert message.text == "😀 ?"


def test_a_result_names_its_type_last_and_is_read_all_the_same() -> None:
    [*_, result] = messages_of("01")
    assert isinstance(result, TurnEnded)
    assert (result.subtype, result.is_error, result.terminal_reason) == ("success", False, "completed")
    assert result.usage == (ModelUsage("claude-opus-5-5", 3012, 24, 0.010728),)


def test_a_result_that_does_not_say_that_it_is_no_error_is_one() -> None:
    result = parse(type="result", subtype="success", result="fine")
    assert isinstance(result, TurnEnded)
    assert result.is_error


def test_a_result_of_a_release_that_does_not_say_what_was_used_since_the_last_one_has_tokens_of_unknown_price() -> None:
    usage = {"input_tokens": 1, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 3, "output_tokens": 4}
    result = parse(type="result", subtype="success", is_error=False, usage=usage)
    assert isinstance(result, TurnEnded)
    assert result.usage is None
    assert result.turn_usage == ModelUsage("", 6, 4, None)


@pytest.mark.parametrize("cost", [None, "1", True, -1, [], {}])
def test_a_cost_that_is_no_amount_is_unknown(cost: object) -> None:
    used = {"m": {"inputTokens": 1, "outputTokens": 2, "costUSD": cost}}
    result = parse(type="result", subtype="success", is_error=False, model_usage_since_last_result=used)
    assert isinstance(result, TurnEnded)
    assert result.usage == (ModelUsage("m", 1, 2, None),)


def test_a_synthetic_assistant_line_says_what_failed() -> None:
    said = next(message for message in messages_of("43") if isinstance(message, AssistantSaid))
    assert said.synthetic
    assert said.failure == ApiFailure("server_error", 529, "overloaded_error", "")


def test_an_assistant_line_cut_by_an_interrupt_says_so() -> None:
    said = next(message for message in messages_of("49") if isinstance(message, AssistantSaid))
    assert said.aborted
    assert said.blocks == (TextBlock("one two three four five s"),)


def test_a_tool_call_without_id_or_name_is_another_block() -> None:
    content = [{"type": "tool_use", "name": "Bash"}, {"type": "tool_use", "id": "t"}, {"type": "redacted_thinking"}]
    said = parse(type="assistant", message={"id": "m", "content": content})
    assert isinstance(said, AssistantSaid)
    assert said.blocks == (OtherBlock("tool_use"), OtherBlock("tool_use"), OtherBlock("redacted_thinking"))


def test_tool_output_in_blocks_is_text_and_what_is_no_text_is_named() -> None:
    content = [
        {"type": "text", "text": "one"},
        {"type": "image", "source": {"media_type": "image/png", "data": "AAAA"}},
        {"type": "image"},
        {"type": "tool_reference", "tool_name": "probe"},
        {"type": "document"},
        {},
        "stray",
    ]
    block = {"type": "tool_result", "tool_use_id": "t", "content": content}
    said = parse(type="user", message={"content": [block]})
    assert isinstance(said, UserSaid)
    assert said.results[0].output == "one\n[image image/png]\n[image]\n[tool probe]\n[document]\n[block]"


def test_a_user_line_whose_content_is_a_string_is_text() -> None:
    said = next(message for message in messages_of("28") if isinstance(message, UserSaid))
    assert said.synthetic
    assert said.text.startswith("This session is being continued")


def test_a_background_command_names_its_task() -> None:
    said = next(message for message in messages_of("25") if isinstance(message, UserSaid))
    assert said.background_task_id == "blgn6ju58"


def test_an_abandoned_message_says_from_which_block_on_it_is_void() -> None:
    stopped = [message for message in messages_of("45") if isinstance(message, MessageStopped)]
    assert [message.abandoned_from for message in stopped] == [0, None]


@pytest.mark.parametrize(
    ("abandoned", "expected"),
    [
        ({"api_message_id": "m1", "from_block_index": 1}, 1),
        ({"api_message_id": "m1"}, 0),
        ({"from_block_index": "x"}, 0),
        ({"api_message_id": "other", "from_block_index": 0}, None),
        (True, None),
        (None, None),
    ],
)
def test_abandoned_blocks_that_are_not_said_clearly_are_all_of_this_message(
    abandoned: object, expected: int | None
) -> None:
    assert stream_event({"type": "message_stop"}, abandoned_blocks=abandoned) == MessageStopped("m1", expected)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "ping"}, OtherStreamEvent("m1", "ping")),
        ({"type": 3}, OtherStreamEvent("m1", "")),
        ({"type": "content_block_delta", "index": 0}, OtherStreamEvent("m1", "")),
        (
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}},
            OtherStreamEvent("m1", "text_delta"),
        ),
        (
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "x"}},
            OtherStreamEvent("m1", "content_block_delta"),
        ),
        ({"type": "content_block_start", "index": 2}, BlockStarted("m1", 2, "", "")),
        ({"type": "message_delta", "delta": []}, MessageDelta("m1", None)),
    ],
)
def test_a_stream_event_that_is_not_as_declared_says_nothing(event: dict[str, Any], expected: CliMessage) -> None:
    assert stream_event(event) == expected


def test_a_stream_event_of_a_sub_agent_is_not_taken_for_the_main_threads() -> None:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
    message = parse(type="stream_event", event=event, api_message_id="m1", parent_tool_use_id="toolu_1")
    assert message == OtherStreamEvent("m1", "of a sub-agent")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: parse(
                type="rate_limit_event",
                rate_limit_info={"status": "rejected", "rateLimitType": "five_hour", "resetsAt": 12},
            ),
            RateLimitChanged("rejected", "five_hour", None, 12.0),
        ),
        (lambda: parse(type="control_cancel_request", request_id="r"), ControlCancelled("r")),
        (
            lambda: parse(type="control_response", response={"subtype": "error", "request_id": "r", "error": "no"}),
            ControlAnswered("r", "error", "no", {}),
        ),
        (
            lambda: parse(type="tool_progress", parent_tool_use_id="t", elapsed_time_seconds="30"),
            ToolProgress("t", "", 0.0),
        ),
    ],
)
def test_declared_messages_that_were_never_recorded_are_read(
    make: Callable[[], CliMessage], expected: CliMessage
) -> None:
    assert make() == expected


def test_a_question_of_the_cli_is_read_whole() -> None:
    asked = next(message for message in messages_of("16") if isinstance(message, ControlRequested))
    assert asked.subtype == "can_use_tool"
    assert asked.request["input"] == {"file_path": "/data/denied.txt", "content": "x"}


def test_one_bad_byte_does_not_cost_the_line() -> None:
    message = parse_message(b'{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"a\xffb"}]}}')

    assert isinstance(message, AssistantSaid)
    assert message.blocks == (TextBlock("a\ufffdb"),)
