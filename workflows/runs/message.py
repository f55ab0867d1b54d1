"""One human line for everything that can happen in a run: the `message` of its event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from workflows.runs.events import (
    AgentEvent,
    EventBody,
    GateAnswered,
    GateOpened,
    Heartbeat,
    ReasoningStepTaken,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowError,
    WorkflowEvent,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.plain_text import one_line, shorten
from workflows.runs.tool_label import tool_label, tool_name

LONGEST_MESSAGE = 200
"""Characters a message may have."""
LONGEST_NAME = 40
"""Characters a name at the front of a message may have."""

_LONGEST_FAILED_CALL = 80
"""Characters of a failed call's label, so that there is room for why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in its parts, so that each reader can join and shorten them as it needs.

    Attributes:
        who: Whom it is about, an agent or a stage; empty for the run itself.
        what: What happened; may be shortened.
        closing: What follows and is never cut, for example ` · 1.2 s`.
        joint: What stands between `who` and `what` where no icon does.
    """

    who: str = ""
    what: str
    closing: str = ""
    joint: str = ": "


def describe(body: EventBody, *, workspace: str = "") -> str:
    """The event's message: one line of at most 200 plain characters, without icon or standing.

    Args:
        body: What happened.
        workspace: Absolute directory; paths below it are shown relative to it.
    """
    message = message_of(body, workspace=workspace)
    who = f"{message.who}{message.joint}" if message.who else ""
    room = LONGEST_MESSAGE - len(who) - len(message.closing)
    return f"{who}{shorten(message.what, room)}{message.closing}"


def message_of(body: EventBody, *, workspace: str = "", call: str = "") -> Message:
    """The event's message in its parts, each of them harmless and on one line.

    Args:
        body: What happened.
        workspace: As in `describe`.
        call: For the end of a tool call: the label its start had, which the end itself does not know.
    """
    match body:
        case WorkflowStarted():
            return _workflow_started(body)
        case StageStarted():
            return Message(who=_name(body.stage), what="started", closing=_round(body.round), joint=" ")
        case StageCompleted():
            done = f"done in {duration(body.seconds)}"
            return Message(who=_name(body.stage), what=done, closing=_round(body.round), joint=" ")
        case WorkflowEvent():
            return Message(who=_name(body.node), what=f"changed {_keys(body.state_update)}", joint=" ")
        case SupervisorEvent():
            return _supervisor(body)
        case AgentEvent():
            return Message(who=_name(body.agent), what=text_of(body.details) or body.event_type)
        case ReasoningStepTaken():
            return Message(who=_name(body.agent), what=f"step {body.step}: {_text(body.thought)}")
        case TokenStream():
            return Message(who=_name(body.agent), what=_text(body.text) or ELLIPSIS_ONLY)
        case ToolStart():
            return Message(who=_name(body.agent), what=tool_label(body.tool, body.input, workspace))
        case ToolEnd():
            return _tool_end(body, call)
        case UsageRecorded():
            return _usage(body)
        case Heartbeat():
            waited = f", {duration(body.seconds // 1)}" if body.seconds >= 1 else ""
            return Message(who=_name(body.agent or body.stage), what=_text(body.reason) or "waiting", closing=waited)
        case GateOpened():
            return Message(what=f"asks: {_text(body.question)}")
        case GateAnswered():
            return _answered(body)
        case WorkflowResumed():
            following = ", ".join(map(_name, body.next))
            return Message(what=f"goes on with {following}" if following else "goes on")
        case WorkflowCompleted():
            return Message(what=f"completed in {duration(body.seconds)}: {_text(body.final_response)}".rstrip(": "))
        case WorkflowError():
            return Message(what=f"failed: {_text(body.error)}")
        case WorkflowCancelled():
            by = f" by {_name(body.by)}" if body.by else ""
            return Message(what=f"cancelled{by}: {_text(body.reason)}".rstrip(": "))
        case _:
            assert_never(body)


ELLIPSIS_ONLY = "…"
"""Shown for a piece of live text that is only white space."""


def duration(seconds: float) -> str:
    """For people: `1.2 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    seconds = min(max(0.0, seconds), 1e9)  # also turns "not a number" into 0
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def cost(cost_usd: float) -> str:
    """For people: `$0.12`; `<$0.01` for what is less than a cent and more than nothing."""
    cost_usd = min(max(0.0, cost_usd), 1e9)
    return "<$0.01" if 0 < cost_usd < 0.005 else f"${cost_usd:,.2f}"


def text_of(details: Mapping[str, object]) -> str:
    """What an agent's event says, on one line: its `text`, else all its details as JSON."""
    text = details.get("text")
    if isinstance(text, str):
        return _text(text)
    return _text(json.dumps(dict(details), ensure_ascii=False, default=str)) if details else ""


def _workflow_started(body: WorkflowStarted) -> Message:
    asked = next((value for value in body.input.values() if isinstance(value, str) and value.strip()), "")
    offline = " offline, with scripted agents" if body.offline else ""
    return Message(who=_name(body.workflow), what=f"started{offline}: {_text(asked)}".rstrip(": "), joint=" ")


def _supervisor(body: SupervisorEvent) -> Message:
    why = _text(body.reasoning)
    sure = "" if body.confidence is None else f" ({min(max(0.0, body.confidence), 1.0):.0%})".replace("%", " %")
    chosen = _name(body.next_agent)
    match body.event_type:
        case "decision" if chosen:
            what = f"{chosen} next{sure}: {why}"
        case "routing" if chosen:
            what = f"sends {chosen}{sure}: {_text(body.instructions) or why}"
        case "analysis" | "decision" | "routing":
            what = f"{why}{sure}"
        case _:
            assert_never(body.event_type)
    return Message(who="supervisor", what=what.rstrip(": ") or body.event_type)


def _tool_end(body: ToolEnd, call: str) -> Message:
    if body.ok:
        what = call or f"{tool_name(body.tool)} ok"
    else:
        label = shorten(call or tool_name(body.tool), _LONGEST_FAILED_CALL)
        what = f"{label} failed: {_text(body.output)}".rstrip(": ")
    return Message(who=_name(body.agent), what=what, closing=f" · {duration(body.seconds)}")


def _answered(body: GateAnswered) -> Message:
    by = f" by {_name(body.by)}" if body.by else ""
    match body.outcome:
        case "accepted":
            answer = (
                body.answer
                if isinstance(body.answer, str)
                else json.dumps(body.answer, ensure_ascii=False, default=str)
            )
            return Message(what=f"answered{by}: {_text(answer)}")
        case "declined":
            return Message(what=f"the question was declined{by}")
        case "expired":
            return Message(what="nobody answered in time")
        case _:
            assert_never(body.outcome)


def _usage(body: UsageRecorded) -> Message:
    price = "" if body.cost_usd is None else f", {cost(body.cost_usd)}"
    used = f"{body.input_tokens:,} tokens read, {body.output_tokens:,} written{price}"
    if body.cost_usd is None and not (body.input_tokens or body.output_tokens):
        used = "used an unknown amount"
    return Message(who=_name(body.agent), what=f"{used} ({_name(body.model)})" if body.model else used)


def _keys(update: Mapping[str, object]) -> str:
    return one_line(", ".join(update), LONGEST_MESSAGE) or "nothing"


def _round(number: int) -> str:
    return f", round {number}" if number > 1 else ""


def _name(name: str) -> str:
    return one_line(name, LONGEST_NAME)


def _text(text: str) -> str:
    return one_line(text, LONGEST_MESSAGE)
