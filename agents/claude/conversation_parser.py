"""JSON objects to messages: `assistant`, `user` and `result`, the lines that carry the conversation."""

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
from agents.json_fields import (
    Json,
    JsonObject,
    count_of,
    object_of,
    optional_int_of,
    optional_number_of,
    optional_text_of,
    text_of,
    texts_of,
)

MAIN_THREAD = Sender(None, "", "")


def parse_assistant(fields: JsonObject) -> AssistantSaid | None:
    """Read an `assistant` line; None if it has no message."""
    message = fields.get("message")
    if not isinstance(message, dict):
        return None
    failed = fields.get("is_api_error_message") is True or isinstance(fields.get("error"), str)
    message_id = message.get("id")
    return AssistantSaid(
        message_id if isinstance(message_id, str) else "",
        tuple(map(_assistant_block, _content(message))),
        MAIN_THREAD if fields.get("parent_tool_use_id") is None else _sender(fields),
        message.get("model") == "<synthetic>",
        _failure(fields) if failed else None,
        fields.get("aborted") is True,
    )


def parse_user(fields: JsonObject) -> UserSaid | None:
    """Read a `user` line; None if it has no message."""
    message = fields.get("message")
    if not isinstance(message, dict):
        return None
    results: tuple[ToolResult, ...] = ()
    text = ""
    for block in _content(message):
        if (result := _tool_result(block)) is not None:
            results += (result,)
        elif more := text_of(block, "text"):
            text = f"{text}\n{more}" if text else more
    about = fields.get("tool_use_result")
    task_id = about.get("backgroundTaskId") if isinstance(about, dict) else None
    return UserSaid(
        results,
        text,
        MAIN_THREAD if fields.get("parent_tool_use_id") is None else _sender(fields),
        fields.get("isSynthetic") is True,
        fields.get("isReplay") is True,
        task_id if isinstance(task_id, str) else "",
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
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    if len(content) == 1 and isinstance(only := content[0], dict):
        return [only]
    return [block for block in content if isinstance(block, dict)]


def _tool_result(block: JsonObject) -> ToolResult | None:
    call_id = block.get("tool_use_id")
    if not isinstance(call_id, str) or block.get("type") != "tool_result":
        return None
    content = block.get("content")
    return ToolResult(call_id, content if isinstance(content, str) else _flat(content), block.get("is_error") is True)


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
    kind = block.get("type")
    if kind == "text":
        return TextBlock(text_of(block, "text"))
    if kind == "thinking":
        return ThinkingBlock(text_of(block, "thinking"))
    if kind == "tool_use":
        call_id, tool, arguments = block.get("id"), block.get("name"), block.get("input")
        if isinstance(call_id, str) and isinstance(tool, str) and call_id and tool:
            return ToolUseBlock(call_id, tool, arguments if isinstance(arguments, dict) else {})
    return OtherBlock(kind if isinstance(kind, str) else "")


def _flat(content: Json) -> str:
    """Blocks of a tool's output as text: joined with newlines, and what is no text is named."""
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
