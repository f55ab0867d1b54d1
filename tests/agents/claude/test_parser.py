from collections.abc import Callable
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ThinkingBlock,
    ToolResult,
    ToolUseBlock,
    TurnEnded,
    UnknownMessage,
    UserSaid,
)
from agents.claude.parser import parse_message
from agents.claude.stream_messages import (
    BlockStarted,
    BlockStopped,
    InputDelta,
    MessageDelta,
    MessageStarted,
    MessageStopped,
    OtherStreamEvent,
    TextDelta,
    ThinkingDelta,
)
from agents.claude.system_messages import (
    ApiRetry,
    BackgroundTasksChanged,
    ConversationCompacted,
    HookEnded,
    HookStarted,
    Informational,
    ModelFallback,
    PermissionDenied,
    RateLimitChanged,
    RefusedByModel,
    StatusChanged,
    TaskEnded,
    TaskProgressed,
    TaskStarted,
    TaskUpdated,
    ThinkingTokens,
    ToolProgress,
    TurnStarted,
    UiInvalidated,
)
from tests.agents.claude.mutations import mutated_lines
from tests.agents.claude.recorded import lines_of, messages_of, recordings

RECORDED_TYPES: dict[tuple[str, str], type] = {
    ("system", "init"): TurnStarted,
    ("system", "status"): StatusChanged,
    ("system", "thinking_tokens"): ThinkingTokens,
    ("system", "api_retry"): ApiRetry,
    ("system", "model_fallback"): ModelFallback,
    ("system", "permission_denied"): PermissionDenied,
    ("system", "informational"): Informational,
    ("system", "model_refusal_no_fallback"): RefusedByModel,
    ("system", "hook_started"): HookStarted,
    ("system", "hook_response"): HookEnded,
    ("system", "compact_boundary"): ConversationCompacted,
    ("system", "ui_invalidate"): UiInvalidated,
    ("system", "background_tasks_changed"): BackgroundTasksChanged,
    ("system", "task_started"): TaskStarted,
    ("system", "task_progress"): TaskProgressed,
    ("system", "task_updated"): TaskUpdated,
    ("system", "task_notification"): TaskEnded,
    ("assistant", ""): AssistantSaid,
    ("user", ""): UserSaid,
    ("result", "success"): TurnEnded,
    ("result", "error_during_execution"): TurnEnded,
    ("result", "error_max_turns"): TurnEnded,
    ("result", "error_max_budget_usd"): TurnEnded,
    ("tool_progress", ""): ToolProgress,
    ("control_request", ""): ControlRequested,
    ("control_response", ""): ControlAnswered,
}
RECORDED_EVENTS: dict[tuple[str, str], type] = {
    ("message_start", ""): MessageStarted,
    ("message_delta", ""): MessageDelta,
    ("message_stop", ""): MessageStopped,
    ("content_block_start", ""): BlockStarted,
    ("content_block_stop", ""): BlockStopped,
    ("content_block_delta", "text_delta"): TextDelta,
    ("content_block_delta", "thinking_delta"): ThinkingDelta,
    ("content_block_delta", "input_json_delta"): InputDelta,
    ("content_block_delta", "signature_delta"): OtherStreamEvent,
}
ALL_TYPES: tuple[type, ...] = get_args(CliMessage)


def parse(**fields: Any) -> CliMessage:
    return parse_message(orjson.dumps(fields))


def stream_event(event: dict[str, Any], **fields: Any) -> CliMessage:
    return parse(type="stream_event", event=event, api_message_id="m1", parent_tool_use_id=None, **fields)


@pytest.mark.parametrize("number", sorted(recordings()))
def test_every_recorded_line_is_a_message_of_its_type(number: str) -> None:
    for line, message in zip(lines_of(recordings()[number].bytes), messages_of(number), strict=True):
        fields = orjson.loads(line)
        if fields["type"] == "stream_event":
            event = fields["event"]
            kind = event.get("delta", {}).get("type", "")
            assert type(message) is RECORDED_EVENTS[event["type"], kind]
        else:
            assert type(message) is RECORDED_TYPES[fields["type"], fields.get("subtype", "")]


def test_every_recorded_assistant_block_is_known() -> None:
    said = [message for number in recordings() for message in messages_of(number) if isinstance(message, AssistantSaid)]
    assert {type(block) for message in said for block in message.blocks} == {TextBlock, ThinkingBlock, ToolUseBlock}


def test_recorded_messages_with_fields_left_out_or_of_another_type_are_read_all_the_same() -> None:
    count = 0
    for line in mutated_lines():
        assert isinstance(parse_message(line), ALL_TYPES)
        count += 1
    assert count > 10_000


@given(line=st.binary())
def test_any_bytes_are_read(line: bytes) -> None:
    assert isinstance(parse_message(line), ALL_TYPES)


def any_json() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names(), inner, max_size=6), max_leaves=12
    )


def names() -> st.SearchStrategy[str]:
    known = "type subtype message content event delta index text id name input usage tasks task_id patch response"
    return st.sampled_from(known.split()) | st.text(max_size=5)


@given(
    fields=st.dictionaries(names(), any_json(), max_size=8),
    kind=st.sampled_from(sorted({kind for kind, _ in RECORDED_TYPES} | {"stream_event", "rate_limit_event"}))
    | any_json(),
    subtype=st.sampled_from(sorted({subtype for _, subtype in RECORDED_TYPES})) | any_json(),
)
def test_any_json_is_read(fields: dict[str, Any], kind: Any, subtype: Any) -> None:
    line = orjson.dumps({**fields, "type": kind, "subtype": subtype}, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    assert isinstance(parse_message(line), ALL_TYPES)


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
