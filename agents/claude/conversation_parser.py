"""JSON objects to messages: `assistant`, `user` and `result`, the lines that carry the conversation."""

from agents.claude.fields import (
    Json,
    JsonObject,
    count_of,
    flag_of,
    object_of,
    objects_of,
    optional_int_of,
    optional_number_of,
    optional_text_of,
    text_of,
    texts_of,
)
from agents.claude.messages import (
    ApiFailure,
    AssistantBlock,
    AssistantSaid,
    ModelUsage,
    OtherBlock,
    Sender,
    TextBlock,
    ThinkingBlock,
    ToolResult,
    ToolUseBlock,
    TurnEnded,
    UserSaid,
)

MAIN_THREAD = Sender(None, "", "")


def parse_assistant(fields: JsonObject) -> AssistantSaid | None:
    """Read an `assistant` line; None if it has no message."""
    message = fields.get("message")
    if not isinstance(message, dict):
        return None
    failed = flag_of(fields, "is_api_error_message") or isinstance(fields.get("error"), str)
    return AssistantSaid(
        message_id=text_of(message, "id"),
        blocks=tuple(_assistant_block(block) for block in _content(message)),
        sender=_sender(fields),
        synthetic=message.get("model") == "<synthetic>",
        failure=_failure(fields) if failed else None,
        aborted=flag_of(fields, "aborted"),
    )


def parse_user(fields: JsonObject) -> UserSaid | None:
    """Read a `user` line; None if it has no message."""
    message = fields.get("message")
    if not isinstance(message, dict):
        return None
    results: list[ToolResult] = []
    texts: list[str] = []
    for block in _content(message):
        call_id = block.get("tool_use_id")
        if isinstance(call_id, str) and block.get("type") == "tool_result":
            results.append(ToolResult(call_id, _flat(block.get("content")), flag_of(block, "is_error")))
        elif text := text_of(block, "text"):
            texts.append(text)
    return UserSaid(
        results=tuple(results),
        text="\n".join(texts),
        sender=_sender(fields),
        synthetic=flag_of(fields, "isSynthetic"),
        replay=flag_of(fields, "isReplay"),
        background_task_id=text_of(object_of(fields, "tool_use_result"), "backgroundTaskId"),
    )


def parse_result(fields: JsonObject) -> TurnEnded | None:
    """Read a `result` line; None if it does not say how the turn ended."""
    subtype = optional_text_of(fields, "subtype")
    if subtype is None:
        return None
    structured = fields.get("structured_output")
    return TurnEnded(
        subtype=subtype,
        # A result that does not say `false` is not taken for a success.
        is_error=subtype != "success" or fields.get("is_error") is not False,
        text=text_of(fields, "result"),
        errors=texts_of(fields, "errors"),
        terminal_reason=text_of(fields, "terminal_reason"),
        stop_reason=text_of(fields, "stop_reason"),
        failure=_failure(fields),
        structured_output=structured if isinstance(structured, dict) else None,
        usage=_usage_since_last_result(fields.get("model_usage_since_last_result")),
        turn_usage=_turn_usage(fields),
        turns=count_of(fields, "num_turns"),
        queued_turns=count_of(fields, "queued_turn_count"),
        session_id=text_of(fields, "session_id"),
    )


def _content(message: JsonObject) -> list[JsonObject]:
    """Blocks of a message; a plain string stands for one text block."""
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects_of(message, "content")


def _sender(fields: JsonObject) -> Sender:
    parent = fields.get("parent_tool_use_id")
    if not isinstance(parent, str):
        return MAIN_THREAD
    return Sender(parent, text_of(fields, "subagent_type"), text_of(fields, "task_description"))


def _failure(fields: JsonObject) -> ApiFailure:
    return ApiFailure(
        error=text_of(fields, "error"),
        status=optional_int_of(fields, "api_error_status"),
        error_type=text_of(fields, "api_error_type"),
        cause=text_of(fields, "api_error"),
    )


def _assistant_block(block: JsonObject) -> AssistantBlock:
    kind = text_of(block, "type")
    if kind == "text":
        return TextBlock(text_of(block, "text"))
    if kind == "thinking":
        return ThinkingBlock(text_of(block, "thinking"))
    call_id, tool = text_of(block, "id"), text_of(block, "name")
    if kind == "tool_use" and call_id and tool:
        return ToolUseBlock(call_id, tool, object_of(block, "input"))
    return OtherBlock(kind)


def _flat(content: Json) -> str:
    """Tool output as text: blocks are joined with newlines, and what is no text is named."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(_flat_block(block) for block in content if isinstance(block, dict))


def _flat_block(block: JsonObject) -> str:
    kind = text_of(block, "type")
    if kind == "text":
        return text_of(block, "text")
    if kind == "image":
        return f"[image {text_of(object_of(block, 'source'), 'media_type')}]".replace(" ]", "]")
    if kind == "tool_reference":
        return f"[tool {text_of(block, 'tool_name')}]"
    return f"[{kind or 'block'}]"


def _usage_since_last_result(usage: Json) -> tuple[ModelUsage, ...] | None:
    if not isinstance(usage, dict):
        return None
    return tuple(_model_usage(model, used) for model, used in usage.items() if isinstance(used, dict))


def _model_usage(model: str, used: JsonObject) -> ModelUsage:
    cost = optional_number_of(used, "costUSD")
    return ModelUsage(
        model,
        count_of(used, "inputTokens")
        + count_of(used, "cacheReadInputTokens")
        + count_of(used, "cacheCreationInputTokens"),
        count_of(used, "outputTokens"),
        cost if cost is not None and cost >= 0 else None,
    )


def _turn_usage(fields: JsonObject) -> ModelUsage:
    used = object_of(fields, "usage")
    cached = count_of(used, "cache_read_input_tokens") + count_of(used, "cache_creation_input_tokens")
    return ModelUsage("", count_of(used, "input_tokens") + cached, count_of(used, "output_tokens"), None)
