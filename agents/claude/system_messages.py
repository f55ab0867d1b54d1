"""What the CLI says about itself: lines of type `system`, and the few others that carry no part of the conversation.

Texts are empty, numbers zero and lists empty where the CLI gave nothing or nothing of the right type; None is used
where the absence means something.
"""

from dataclasses import dataclass
from typing import TypeAlias

import msgspec


@dataclass(frozen=True, slots=True)
class McpServerState:
    """An MCP server of the CLI: `connected`, `failed`, `pending`, `needs-auth` or `disabled`."""

    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    """`system/init`: a turn begins. Not always the first line, and there is one per turn."""

    session_id: str
    model: str
    version: str
    cwd: str
    tools: tuple[str, ...]
    mcp_servers: tuple[McpServerState, ...]


class StatusChanged(msgspec.Struct, frozen=True):
    """`system/status`.

    Attributes:
        status: `requesting` before each request, `compacting`, or None when that is over.
        compact_result: `success` or what went wrong; None unless a compaction has just ended.
    """

    status: str | None
    compact_result: str | None


@dataclass(frozen=True, slots=True)
class ThinkingTokens:
    """`system/thinking_tokens`: how much the model has thought so far, as an estimate; starts again per message."""

    estimated_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRetry:
    """`system/api_retry`: a request failed and is going to be repeated.

    Attributes:
        attempt: Number of the coming try, from 1.
        max_retries: How many there are at most.
        delay_seconds: Pause before it.
        status: HTTP status of the failure, None if no HTTP answer came.
        error: `rate_limit`, `overloaded`, `authentication_failed`, `server_error`, `unknown` ...
    """

    attempt: int
    max_retries: int
    delay_seconds: float
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class ModelFallback:
    """`system/model_fallback`: another model takes over."""

    trigger: str
    original_model: str
    fallback_model: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionDenied:
    """`system/permission_denied`: a tool call was not allowed; its tool result is an error."""

    tool: str
    call_id: str
    text: str
    reason_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class Informational:
    """`system/informational`: a remark for people."""

    text: str
    level: str


@dataclass(frozen=True, slots=True)
class RefusedByModel:
    """`system/model_refusal_no_fallback`: the model would not answer, and no other takes over."""

    model: str
    category: str
    explanation: str


@dataclass(frozen=True, slots=True)
class HookStarted:
    """`system/hook_started`: a hook of the user's settings runs."""

    name: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEnded:
    """`system/hook_response`: a hook has ended.

    Attributes:
        name: For example `PreToolUse:Bash`.
        event: For example `PreToolUse`.
        outcome: `success`, or what else became of it.
        exit_code: None if there is none.
        output: Its standard output and standard error.
    """

    name: str
    event: str
    outcome: str
    exit_code: int | None
    output: str


@dataclass(frozen=True, slots=True)
class ConversationCompacted:
    """`system/compact_boundary`: the conversation was replaced by a summary."""

    trigger: str
    tokens_before: int
    tokens_after: int


@dataclass(frozen=True, slots=True)
class UiInvalidated:
    """`system/ui_invalidate`: for user interfaces of the CLI's own."""


@dataclass(frozen=True, slots=True)
class RateLimitChanged:
    """`rate_limit_event`: where a subscription stands (declared by the CLI, never recorded).

    Attributes:
        status: `allowed`, `allowed_warning` or `rejected`.
        limit: Which limit, for example `five_hour`.
        utilization: Share used, 0 to 1; None if not given.
        resets_at: Unix time in seconds; None if not given.
    """

    status: str
    limit: str
    utilization: float | None
    resets_at: float | None


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """`tool_progress`: a tool of the main thread has been running for a while; every 30 s."""

    call_id: str
    tool: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """A task that runs in the background."""

    task_id: str
    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class BackgroundTasksChanged:
    """`system/background_tasks_changed`: all background tasks that run now."""

    tasks: tuple[BackgroundTask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted:
    """`system/task_started`: a sub-agent, a background task, or a Bash command that has run for about 3 s.

    Attributes:
        task_id: The task.
        call_id: Tool call it belongs to.
        kind: `local_agent`, `local_bash`, `mcp_task`.
        description: As the model named it.
        agent_type: Kind of sub-agent, else empty.
        in_background: Whether its tool call returns before it ends.
        parent_task_id: The task of the sub-agent that started it, or empty.
    """

    task_id: str
    call_id: str
    kind: str
    description: str
    agent_type: str
    in_background: bool
    parent_task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgressed:
    """`system/task_progress`.

    Attributes:
        task_id: The task.
        call_id: Tool call it belongs to.
        description: What it is doing.
        text: Progress text of an MCP call in the background, else empty.
        last_tool: Tool a sub-agent used last.
        tokens: Tokens it has used.
        tool_calls: Tool calls it has made.
    """

    task_id: str
    call_id: str
    description: str
    text: str
    last_tool: str
    tokens: int
    tool_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdated:
    """`system/task_updated`: `status` is empty and `in_background` None where they did not change."""

    task_id: str
    status: str
    error: str
    in_background: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded:
    """`system/task_notification`: `status` is `completed`, `failed` or `stopped`; `text` is the summary."""

    task_id: str
    call_id: str
    status: str
    text: str
    tokens: int
    tool_calls: int
    seconds: float


TaskMessage: TypeAlias = TaskStarted | TaskProgressed | TaskUpdated | TaskEnded
"""What is said about sub-agents and background tasks."""

Remark: TypeAlias = (
    StatusChanged
    | ThinkingTokens
    | ApiRetry
    | ModelFallback
    | PermissionDenied
    | Informational
    | RefusedByModel
    | HookStarted
    | HookEnded
    | ConversationCompacted
    | UiInvalidated
    | RateLimitChanged
)
"""What the CLI says about itself."""
