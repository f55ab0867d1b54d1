from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.claude.messages import (
    AssistantSaid,
    CliMessage,
    ControlAnswered,
    ControlRequested,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    TurnEnded,
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
    assert count > 1_000


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
