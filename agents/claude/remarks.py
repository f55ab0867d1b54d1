"""What the CLI says for itself, told as events. No state: one message, at most one event."""

import math
from datetime import UTC, datetime
from typing import TypeAlias, assert_never

from agents.claude.messages import AssistantSaid, ControlMessage, ControlRequested, TextBlock
from agents.claude.system_messages import (
    ApiRetry,
    ConversationCompacted,
    HookEnded,
    HookStarted,
    Informational,
    ModelFallback,
    PermissionDenied,
    RateLimitChanged,
    RefusedByModel,
    Remark,
    StatusChanged,
    ThinkingTokens,
    UiInvalidated,
)
from agents.claude.version import KNOWN_VERSION
from agents.claude.wording import first_sentence, one_line, whole_seconds
from agents.events import AgentSaid, Progressed, Waiting
from agents.json_fields import text_of

_RATE_LIMITED = 429
_OVERLOADED = 529
_WAITING_FOR_THE_MODEL = Waiting(reason="model", message="waiting for the model")

Told: TypeAlias = Progressed | Waiting | None


def tell_remark(remark: Remark) -> Told:
    """Tell a remark of the CLI; None where it says nothing to people."""
    match remark:
        case StatusChanged():
            return tell_status(remark)
        case ApiRetry():
            return _retry(remark)
        case PermissionDenied():
            return _denied(remark)
        case RateLimitChanged():
            return _rate_limit(remark)
        case ModelFallback() | RefusedByModel():
            return _model(remark)
        case HookStarted() | HookEnded():
            return _hook(remark)
        case ConversationCompacted(trigger=trigger, tokens_before=before, tokens_after=after):
            return Progressed(
                message=f"conversation summarised: {before:,} tokens became {after:,}",
                details={"trigger": trigger, "tokens_before": before, "tokens_after": after},
            )
        case Informational(text=text, level=level):
            return Progressed(message=one_line(text), details={"level": level}) if one_line(text) else None
        case UiInvalidated() | ThinkingTokens():
            return None
        case _:
            assert_never(remark)


def tell_synthetic(said: AssistantSaid, speaker: tuple[str, ...]) -> list[AgentSaid]:
    """Tell the text of a line that the CLI itself has written in the place of the model."""
    text = "\n".join(block.text for block in said.blocks if isinstance(block, TextBlock))
    failure = said.failure
    details = {} if failure is None else {"error": failure.error, "status": failure.status}
    return [Progressed(message=one_line(text), details={**details, "text": text}, speaker=speaker)] if text else []


def tell_older_release(version: str) -> Progressed:
    """Tell that nobody has looked whether this release honours what keeps an agent within its bounds."""
    return Progressed(
        message=f"claude {version} is older than {KNOWN_VERSION}, with which this is known to work: it may attach files"
        " that a prompt mentions with @; `claude update` helps",
        details={"version": version, "known_version": KNOWN_VERSION},
    )


def tell_control(message: ControlMessage) -> list[AgentSaid]:
    """Tell a question to a person; the rest of the control protocol is nothing to tell."""
    if not isinstance(message, ControlRequested) or message.subtype != "can_use_tool":
        return []
    about = one_line(text_of(message.request, "description"))
    return [Waiting(reason="person", message=f"may {text_of(message.request, 'tool_name')} be used? {about}".strip())]


def tell_status(remark: StatusChanged) -> Told:
    """Tell of a request that begins, or of the conversation being summarised."""
    if remark.status == "requesting":
        return _WAITING_FOR_THE_MODEL
    if remark.status == "compacting":
        return Waiting(reason="model", message="summarising the conversation, which has become long")
    if remark.compact_result not in {None, "success"}:
        return Progressed(message=one_line(f"the conversation could not be summarised: {remark.compact_result}"))
    return None


def _retry(retry: ApiRetry) -> Waiting:
    wait = whole_seconds(retry.delay_seconds)
    if retry.status == _RATE_LIMITED or retry.error == "rate_limit":
        return Waiting(reason="rate_limit", message=f"rate limited, next try in {wait}")
    if retry.status == _OVERLOADED or retry.error == "overloaded":
        return Waiting(reason="rate_limit", message=f"provider overloaded, next try in {wait}")
    cause = "connection lost" if retry.status is None else f"request failed with HTTP {retry.status}"
    return Waiting(reason="retry", message=f"{cause}, try {retry.attempt} of {retry.max_retries} in {wait}")


def _denied(denied: PermissionDenied) -> Progressed:
    return Progressed(
        message=one_line(f"{denied.tool or 'a tool call'} denied: {first_sentence(denied.reason or denied.text)}"),
        details={
            "tool": denied.tool,
            "call_id": denied.call_id,
            "reason": denied.reason or denied.text,
            "reason_type": denied.reason_type,
        },
    )


def _rate_limit(limit: RateLimitChanged) -> Told:
    name = f"usage limit {limit.limit}".strip()
    if limit.status == "rejected":
        return Waiting(reason="rate_limit", message=f"{name} is used up{_reset(limit.resets_at)}")
    if limit.status == "allowed_warning":
        used = "" if limit.utilization is None else f": {limit.utilization:.0%} used"
        return Progressed(
            message=f"{name} comes near{used}{_reset(limit.resets_at)}",
            details={"limit": limit.limit, "utilization": limit.utilization, "resets_at": limit.resets_at},
        )
    return None


def _reset(unix_seconds: float | None) -> str:
    if unix_seconds is None or not math.isfinite(unix_seconds):
        return ""
    try:
        return f", resets at {datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return ""


def _model(remark: ModelFallback | RefusedByModel) -> Progressed:
    match remark:
        case ModelFallback(trigger=trigger, original_model=original, fallback_model=fallback, text=text):
            return Progressed(
                message=one_line(text) or f"switched from {original} to {fallback}",
                details={"trigger": trigger, "original_model": original, "fallback_model": fallback},
            )
        case RefusedByModel(model=model, category=category, explanation=explanation):
            return Progressed(
                message=one_line(f"{model} would not answer. {explanation}"),
                details={"model": model, "category": category, "explanation": explanation},
            )


def _hook(remark: HookStarted | HookEnded) -> Told:
    match remark:
        case HookStarted(name=name, event=event):
            return Waiting(reason="start" if event == "SessionStart" else "tool", message=f"hook {name} is running")
        case HookEnded(outcome="success"):
            return None
        case HookEnded(name=name, outcome=outcome, exit_code=exit_code, output=output):
            return Progressed(
                message=one_line(f"hook {name} ended with {outcome}: {one_line(output)}"),
                details={"hook": name, "outcome": outcome, "exit_code": exit_code, "output": output},
            )
