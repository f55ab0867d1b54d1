"""What an agent said, as the body of an event."""

from typing import assert_never

from agents.events import (
    AgentSaid,
    ConversationOpened,
    Decided,
    Found,
    Progressed,
    ReasoningStep,
    StreamWithdrawn,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
    UsageReported,
    Waiting,
)
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    Heartbeat,
    ReasoningStepTaken,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
)


def speaker(agent: str, said: AgentSaid) -> str:
    """Who said it, for example `codesmith ▸ explore`."""
    return " ▸ ".join((agent, *said.speaker))


def agent_body(agent: str, said: AgentSaid, stage: str) -> EventBody:
    """The body of the event that something an agent said becomes.

    Args:
        agent: The role it works in.
        said: What it said.
        stage: The stage that runs.
    """
    who = speaker(agent, said)
    match said:
        case Thought():
            return AgentEvent(agent=who, event_type="think", details={"text": said.text})
        case TextStreamed():
            return TokenStream(agent=who, channel="text", text=said.text)
        case ThinkingStreamed():
            return TokenStream(agent=who, channel="thinking", text=said.text)
        case StreamWithdrawn():
            details = {"text": said.reason, "withdrawn_characters": said.characters}
            return AgentEvent(agent=who, event_type="progress", details=details)
        case Progressed():
            return AgentEvent(agent=who, event_type="progress", details={"text": said.message, **said.details})
        case Decided():
            return AgentEvent(agent=who, event_type="decision", details={"text": said.message, **said.details})
        case Found():
            return AgentEvent(agent=who, event_type="result", details={"text": said.message, **said.details})
        case ReasoningStep():
            return ReasoningStepTaken(agent=who, step=said.step, thought=said.thought)
        case ToolStarted():
            return ToolStart(agent=who, tool=said.tool, call_id=said.call_id, input=said.input)
        case ToolEnded():
            return ToolEnd(
                agent=who,
                tool=said.tool,
                call_id=said.call_id,
                seconds=round(said.seconds, 3),
                ok=said.ok,
                output=said.output,
            )
        case UsageReported():
            return UsageRecorded(
                agent=who,
                model=said.model,
                input_tokens=said.input_tokens,
                output_tokens=said.output_tokens,
                cost_usd=said.cost_usd,
            )
        case Waiting():
            return Heartbeat(
                agent=who, stage=stage, seconds=round(said.seconds, 1), waiting_for=said.reason, reason=said.message
            )
        case ConversationOpened():
            details = {
                "text": "conversation opened, can be resumed" if said.resumable else "conversation opened",
                "session_id": said.session_id,
                "resumable": said.resumable,
            }
            return AgentEvent(agent=who, event_type="progress", details=details)
        case _:
            assert_never(said)
