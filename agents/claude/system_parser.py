"""JSON objects to messages: what the CLI says about itself."""

from collections.abc import Callable

from agents.claude.system_messages import (
    ApiRetry,
    BackgroundTask,
    BackgroundTasksChanged,
    ConversationCompacted,
    HookEnded,
    HookStarted,
    Informational,
    McpServerState,
    ModelFallback,
    PermissionDenied,
    RateLimitChanged,
    RefusedByModel,
    Remark,
    StatusChanged,
    TaskEnded,
    TaskMessage,
    TaskProgressed,
    TaskStarted,
    TaskUpdated,
    ThinkingTokens,
    ToolProgress,
    TurnStarted,
    UiInvalidated,
)
from agents.json_fields import (
    JsonObject,
    count_of,
    flag_of,
    number_of,
    object_of,
    objects_of,
    optional_int_of,
    optional_number_of,
    optional_text_of,
    text_of,
    texts_of,
)


def parse_system(fields: JsonObject) -> TurnStarted | BackgroundTasksChanged | TaskMessage | Remark | None:
    """Read a `system` line; None if its subtype is not known, or the line lacks what it is about."""
    parse = _PARSERS.get(text_of(fields, "subtype"))
    return None if parse is None else parse(fields)


def parse_tool_progress(fields: JsonObject) -> ToolProgress | None:
    """Read a `tool_progress` line; None if it does not say which call. `parent_tool_use_id` is the call itself."""
    call_id = optional_text_of(fields, "parent_tool_use_id")
    if call_id is None:
        return None
    return ToolProgress(call_id, text_of(fields, "tool_name"), number_of(fields, "elapsed_time_seconds"))


def parse_rate_limit(fields: JsonObject) -> RateLimitChanged:
    """Read a `rate_limit_event` line."""
    info = object_of(fields, "rate_limit_info")
    return RateLimitChanged(
        text_of(info, "status"),
        text_of(info, "rateLimitType"),
        optional_number_of(info, "utilization"),
        optional_number_of(info, "resetsAt"),
    )


def _init(fields: JsonObject) -> TurnStarted:
    servers = objects_of(fields, "mcp_servers")
    return TurnStarted(
        session_id=text_of(fields, "session_id"),
        model=text_of(fields, "model"),
        version=text_of(fields, "claude_code_version"),
        cwd=text_of(fields, "cwd"),
        tools=texts_of(fields, "tools"),
        mcp_servers=tuple(McpServerState(text_of(server, "name"), text_of(server, "status")) for server in servers),
    )


def _status(fields: JsonObject) -> StatusChanged:
    return StatusChanged(optional_text_of(fields, "status"), optional_text_of(fields, "compact_result"))


def _thinking_tokens(fields: JsonObject) -> ThinkingTokens:
    return ThinkingTokens(count_of(fields, "estimated_tokens"))


def _api_retry(fields: JsonObject) -> ApiRetry:
    return ApiRetry(
        attempt=count_of(fields, "attempt"),
        max_retries=count_of(fields, "max_retries"),
        delay_seconds=number_of(fields, "retry_delay_ms") / 1000,
        status=optional_int_of(fields, "error_status"),
        error=text_of(fields, "error"),
    )


def _model_fallback(fields: JsonObject) -> ModelFallback:
    return ModelFallback(
        text_of(fields, "trigger"),
        text_of(fields, "original_model"),
        text_of(fields, "fallback_model"),
        text_of(fields, "content"),
    )


def _permission_denied(fields: JsonObject) -> PermissionDenied:
    return PermissionDenied(
        tool=text_of(fields, "tool_name"),
        call_id=text_of(fields, "tool_use_id"),
        text=text_of(fields, "message"),
        reason_type=text_of(fields, "decision_reason_type"),
        reason=text_of(fields, "decision_reason"),
    )


def _informational(fields: JsonObject) -> Informational:
    return Informational(text_of(fields, "content"), text_of(fields, "level"))


def _refused(fields: JsonObject) -> RefusedByModel:
    return RefusedByModel(
        text_of(fields, "original_model"),
        text_of(fields, "api_refusal_category"),
        text_of(fields, "api_refusal_explanation"),
    )


def _hook_started(fields: JsonObject) -> HookStarted:
    return HookStarted(text_of(fields, "hook_name"), text_of(fields, "hook_event"))


def _hook_ended(fields: JsonObject) -> HookEnded:
    return HookEnded(
        name=text_of(fields, "hook_name"),
        event=text_of(fields, "hook_event"),
        outcome=text_of(fields, "outcome"),
        exit_code=optional_int_of(fields, "exit_code"),
        output=text_of(fields, "output"),
    )


def _compacted(fields: JsonObject) -> ConversationCompacted:
    about = object_of(fields, "compact_metadata")
    return ConversationCompacted(
        text_of(about, "trigger"), count_of(about, "pre_tokens"), count_of(about, "post_tokens")
    )


def _ui_invalidated(_fields: JsonObject) -> UiInvalidated:
    return UiInvalidated()


def _background_tasks(fields: JsonObject) -> BackgroundTasksChanged | None:
    if not isinstance(fields.get("tasks"), list):
        return None  # "none is running" must not be read out of a broken line
    return BackgroundTasksChanged(
        tuple(
            BackgroundTask(text_of(task, "task_id"), text_of(task, "task_type"), text_of(task, "description"))
            for task in objects_of(fields, "tasks")
        )
    )


def _task_started(fields: JsonObject) -> TaskStarted | None:
    task_id = optional_text_of(fields, "task_id")
    if task_id is None:
        return None
    return TaskStarted(
        task_id=task_id,
        call_id=text_of(fields, "tool_use_id"),
        kind=text_of(fields, "task_type"),
        description=text_of(fields, "description"),
        agent_type=text_of(fields, "subagent_type"),
        in_background=flag_of(fields, "is_backgrounded"),
        parent_task_id=text_of(fields, "parent_task_id"),
    )


def _task_progressed(fields: JsonObject) -> TaskProgressed | None:
    task_id = optional_text_of(fields, "task_id")
    if task_id is None:
        return None
    usage = object_of(fields, "usage")
    return TaskProgressed(
        task_id=task_id,
        call_id=text_of(fields, "tool_use_id"),
        description=text_of(fields, "description"),
        text=text_of(fields, "summary"),
        last_tool=text_of(fields, "last_tool_name"),
        tokens=count_of(usage, "total_tokens"),
        tool_calls=count_of(usage, "tool_uses"),
    )


def _task_updated(fields: JsonObject) -> TaskUpdated | None:
    task_id = optional_text_of(fields, "task_id")
    if task_id is None:
        return None
    patch = object_of(fields, "patch")
    in_background = patch.get("is_backgrounded")
    return TaskUpdated(
        task_id=task_id,
        status=text_of(patch, "status"),
        error=text_of(patch, "error"),
        in_background=in_background if isinstance(in_background, bool) else None,
    )


def _task_ended(fields: JsonObject) -> TaskEnded | None:
    task_id = optional_text_of(fields, "task_id")
    if task_id is None:
        return None
    usage = object_of(fields, "usage")
    return TaskEnded(
        task_id=task_id,
        call_id=text_of(fields, "tool_use_id"),
        status=text_of(fields, "status"),
        text=text_of(fields, "summary"),
        tokens=count_of(usage, "total_tokens"),
        tool_calls=count_of(usage, "tool_uses"),
        seconds=number_of(usage, "duration_ms") / 1000,
    )


_PARSERS: dict[str, Callable[[JsonObject], TurnStarted | BackgroundTasksChanged | TaskMessage | Remark | None]] = {
    "init": _init,
    "status": _status,
    "thinking_tokens": _thinking_tokens,
    "api_retry": _api_retry,
    "model_fallback": _model_fallback,
    "permission_denied": _permission_denied,
    "informational": _informational,
    "model_refusal_no_fallback": _refused,
    "hook_started": _hook_started,
    "hook_response": _hook_ended,
    "compact_boundary": _compacted,
    "ui_invalidate": _ui_invalidated,
    "background_tasks_changed": _background_tasks,
    "task_started": _task_started,
    "task_progress": _task_progressed,
    "task_updated": _task_updated,
    "task_notification": _task_ended,
}
