from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.events import (
    AgentEvent,
    EventBody,
    GateAnswered,
    GateOpened,
    Heartbeat,
    ReasoningStepTaken,
    StageCompleted,
    StageInfo,
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
from workflows.runs.message import cost, describe, duration

STAGES = (StageInfo(name="plan", title="Plan"),)
MESSAGES: list[tuple[EventBody, str]] = [
    (
        WorkflowStarted(workflow="ask", input={"n": 1, "question": "Why?"}, stages=STAGES, offline=False),
        "ask started: Why?",
    ),
    (
        WorkflowStarted(workflow="ask", input={}, stages=STAGES, offline=True),
        "ask started offline, with scripted agents",
    ),
    (StageStarted(stage="plan", round=1), "plan started"),
    (StageStarted(stage="plan", round=2), "plan started, round 2"),
    (StageCompleted(stage="plan", round=2, seconds=64.2, output={}), "plan done in 1 min 4 s, round 2"),
    (WorkflowEvent(node="plan", state_update={"steps": [], "notes": ""}), "plan changed steps, notes"),
    (SupervisorEvent(event_type="analysis", reasoning="Two files matter."), "supervisor: Two files matter."),
    (
        SupervisorEvent(event_type="decision", reasoning="It is small.", confidence=0.85, next_agent="codesmith"),
        "supervisor: codesmith next (85 %): It is small.",
    ),
    (
        SupervisorEvent(event_type="routing", reasoning="", next_agent="codesmith", instructions="Write it."),
        "supervisor: sends codesmith: Write it.",
    ),
    (SupervisorEvent(event_type="decision", reasoning=""), "supervisor: decision"),
    (AgentEvent(agent="coder", event_type="think", details={"text": "Hm.\nYes."}), "coder: Hm. Yes."),
    (AgentEvent(agent="coder", event_type="result", details={"score": 9}), 'coder: {"score": 9}'),
    (AgentEvent(agent="coder", event_type="progress"), "coder: progress"),
    (ReasoningStepTaken(agent="ask", step=3, thought="So it is."), "ask: step 3: So it is."),
    (TokenStream(agent="coder", channel="text", text="a piece "), "coder: a piece"),
    (TokenStream(agent="coder", channel="text", text="\n"), "coder: …"),
    (ToolStart(agent="coder", tool="Bash", call_id="1", input={"command": "ls"}), "coder: Bash ls"),
    (ToolEnd(agent="coder", tool="Bash", call_id="1", seconds=1.23, ok=True, output="a"), "coder: Bash ok · 1.2 s"),
    (
        ToolEnd(agent="coder", tool="Bash", call_id="1", seconds=12.3, ok=False, output="no\nway"),
        "coder: Bash failed: no way · 12 s",
    ),
    (
        UsageRecorded(agent="coder", model="m", input_tokens=12345, output_tokens=6, cost_usd=0.5),
        "coder: 12,345 tokens read, 6 written, $0.50 (m)",
    ),
    (
        UsageRecorded(agent="coder", model="", input_tokens=1, output_tokens=6, cost_usd=None),
        "coder: 1 tokens read, 6 written",
    ),
    (
        UsageRecorded(agent="coder", model="", input_tokens=0, output_tokens=0, cost_usd=None),
        "coder: used an unknown amount",
    ),
    (
        Heartbeat(agent="coder", stage="plan", seconds=12.4, waiting_for="model", reason="waiting for the model"),
        "coder: waiting for the model, 12 s",
    ),
    (Heartbeat(agent="", stage="plan", seconds=0, waiting_for="start", reason="starting"), "plan: starting"),
    (Heartbeat(agent="", stage="", seconds=5, waiting_for="slot", reason="no free slot"), "no free slot, 5 s"),
    (GateOpened(gate_id="1-a", question="Shall I\ngo on?", schema={}), "asks: Shall I go on?"),
    (GateAnswered(gate_id="1-a", answer={"yes": True}, by="Ann"), 'answered by Ann: {"yes": true}'),
    (GateAnswered(gate_id="1-a", answer="Yes", by=""), "answered: Yes"),
    (GateAnswered(gate_id="1-a", answer=None, by="Ann", outcome="declined"), "the question was declined by Ann"),
    (GateAnswered(gate_id="1-a", answer=None, by="", outcome="expired"), "nobody answered in time"),
    (WorkflowResumed(after=7, next=("plan", "code")), "goes on with plan, code"),
    (WorkflowResumed(after=7, next=()), "goes on"),
    (
        WorkflowCompleted(final_response="# Done\n\nwell", result={}, usage={}, seconds=3, tool_calls=1, steps=1),
        "completed in 3 s: # Done well",
    ),
    (WorkflowError(kind="x", error="It broke.", blame="server", recovery=(), partial={}), "failed: It broke."),
    (WorkflowCancelled(by="client", reason="Esc", partial={}), "cancelled by client: Esc"),
    (WorkflowCancelled(by="", reason="", partial={}), "cancelled"),
]


@pytest.mark.parametrize(("body", "message"), MESSAGES, ids=[message for _, message in MESSAGES])
def test_every_event_has_its_message(body: EventBody, message: str) -> None:
    assert describe(body) == message


def test_no_kind_of_event_is_forgotten_above() -> None:
    assert {type(body) for body, _ in MESSAGES} == set(get_args(EventBody))


@given(st.text(max_size=1000), st.text(max_size=1000))
def test_a_message_is_one_line_of_at_most_200_characters(one: str, other: str) -> None:
    bodies: list[EventBody] = [
        ToolEnd(agent=one, tool=other, call_id="1", seconds=1e300, ok=False, output=one),
        SupervisorEvent(event_type="routing", reasoning=one, confidence=2.0, next_agent=other, instructions=one),
        AgentEvent(agent=one, event_type="result", details={other: one}),
        WorkflowStarted(workflow=one, input={other: one}, stages=(), offline=True),
        Heartbeat(agent=one, stage=other, seconds=float("inf"), waiting_for=one, reason=other),
        UsageRecorded(agent=one, model=other, input_tokens=1, output_tokens=1, cost_usd=1e300),
    ]
    for body in bodies:
        message = describe(body)
        assert 0 < len(message) <= 200
        assert message.splitlines() == [message]


def test_paths_are_shown_relative_to_the_workspace() -> None:
    start = ToolStart(agent="coder", tool="Read", call_id="1", input={"file_path": "/home/somebody/p/a.py"})

    assert describe(start, workspace="/home/somebody/p") == "coder: Read a.py"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.01, "<0.1 s"),
        (1.25, "1.2 s"),
        (2, "2 s"),
        (9.97, "10 s"),
        (59.6, "1 min 0 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("dollars", "words"), [(0.0, "$0.00"), (0.001, "<$0.01"), (0.125, "$0.12"), (1234.5, "$1,234.50")]
)
def test_a_cost_in_words(dollars: float, words: str) -> None:
    assert cost(dollars) == words
