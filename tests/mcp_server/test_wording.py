import pickle
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.wording import LONGEST_LINE, Standing, StandingTracker, progress_line
from tests.mcp_server.story import RUN_ID, WORKSPACE, event, started, story
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
)

STANDING = Standing(
    run_id=RUN_ID, workflow="build_feature", stage_number=3, stage_count=5, cost_usd=0.12, workspace=WORKSPACE
)
EDIT = ToolStart(agent="codesmith", tool="Edit", call_id="1", input={"file_path": f"{WORKSPACE}/src/parser.py"})
USAGE = UsageRecorded(agent="codesmith", model="m", input_tokens=10, output_tokens=5, cost_usd=0.1)

LINES: list[tuple[EventBody, str]] = [
    (started(), f"build_feature ⚙️ run {RUN_ID} started: Add a --json flag · 3/5 · $0.12"),
    (StageStarted(stage="codesmith", round=1), "codesmith ⚙️ started · 3/5 · $0.12"),
    (StageCompleted(stage="codesmith", round=1, seconds=12.0, output={}), "codesmith ✅ done in 12 s · 3/5 · $0.12"),
    (WorkflowEvent(node="codesmith", state_update={"files": []}), "codesmith ⚙️ changed files · 3/5 · $0.12"),
    (SupervisorEvent(event_type="analysis", reasoning="Two files."), "supervisor 🧠 Two files. · 3/5 · $0.12"),
    (
        SupervisorEvent(event_type="decision", reasoning="It is small.", confidence=0.85, next_agent="codesmith"),
        "supervisor 🎯 codesmith next (85 %): It is small. · 3/5 · $0.12",
    ),
    (
        SupervisorEvent(event_type="routing", reasoning="", next_agent="codesmith", instructions="Write."),
        "supervisor 🎯 sends codesmith: Write. · 3/5 · $0.12",
    ),
    (AgentEvent(agent="coder", event_type="think", details={"text": "Hm."}), "coder 🧠 Hm. · 3/5 · $0.12"),
    (AgentEvent(agent="coder", event_type="progress", details={"text": "on"}), "coder ⚙️ on · 3/5 · $0.12"),
    (AgentEvent(agent="coder", event_type="decision", details={"text": "so"}), "coder 🎯 so · 3/5 · $0.12"),
    (AgentEvent(agent="coder", event_type="result", details={"text": "it"}), "coder ✅ it · 3/5 · $0.12"),
    (ReasoningStepTaken(agent="ask", step=2, thought="So."), "ask 🧠 step 2: So. · 3/5 · $0.12"),
    (TokenStream(agent="coder", channel="text", text="live "), "coder 💬 live · 3/5 · $0.12"),
    (TokenStream(agent="coder", channel="thinking", text="live"), "coder 🧠 live · 3/5 · $0.12"),
    (EDIT, "codesmith 🔧 Edit src/parser.py · 3/5 · $0.12"),
    (
        ToolEnd(agent="coder", tool="Bash", call_id="1", seconds=1.2, ok=True, output="OK"),
        "coder ✅ Bash ok · 1.2 s · 3/5 · $0.12",
    ),
    (
        ToolEnd(agent="coder", tool="Bash", call_id="1", seconds=1.2, ok=False, output="Exit 1"),
        "coder ❌ Bash failed: Exit 1 · 1.2 s · 3/5 · $0.12",
    ),
    (USAGE, "codesmith ⚙️ 10 tokens read, 5 written, $0.10 (m) · 3/5 · $0.12"),
    (
        Heartbeat(agent="coder", stage="s", seconds=12.3, waiting_for="model", reason="waiting for the model"),
        "coder ⏳ waiting for the model, 12 s · 3/5 · $0.12",
    ),
    (
        Heartbeat(agent="", stage="", seconds=0, waiting_for="person", reason="waiting for an answer"),
        "build_feature ⏸ waiting for an answer · 3/5 · $0.12",
    ),
    (
        GateOpened(gate_id="1-a", question="Shall it be done?", schema={}, expires_at="", parked=True),
        "build_feature ⏸ asks: Shall it be done? · 3/5 · $0.12",
    ),
    (
        GateAnswered(gate_id="1-a", answer="yes", by="Ann", outcome="accepted"),
        "build_feature ✅ answered by Ann: yes · 3/5 · $0.12",
    ),
    (
        GateAnswered(gate_id="1-a", answer=None, by="", outcome="expired"),
        "build_feature ❌ nobody answered in time · 3/5 · $0.12",
    ),
    (WorkflowResumed(after=7, next=("code",)), "build_feature ⚙️ goes on with code · 3/5 · $0.12"),
    (
        WorkflowCompleted(final_response="Done.", result={}, usage={}, seconds=42, tool_calls=1, steps=1),
        "build_feature ✅ completed in 42 s: Done. · 3/5 · $0.12",
    ),
    (
        WorkflowError(kind="x", error="It broke.", blame="server", recovery=(), partial={}),
        "build_feature ❌ failed: It broke. · 3/5 · $0.12",
    ),
    (
        WorkflowCancelled(by="client", reason="Esc", partial={}),
        "build_feature ❌ cancelled by client: Esc · 3/5 · $0.12",
    ),
]


@pytest.mark.parametrize(("body", "line"), LINES, ids=[line for _, line in LINES])
def test_every_event_has_its_line(body: EventBody, line: str) -> None:
    assert progress_line(event(body), STANDING) == line


def test_no_kind_of_event_is_forgotten_above() -> None:
    assert {type(body) for body, _ in LINES} == set(get_args(EventBody))


TEXT = st.text(max_size=600) | st.text(alphabet="\x1b[]m;\n\r\u202e\u200fab é\u0301👩🏽\u200d💻\ud800", max_size=300)


@st.composite
def bodies(draw: st.DrawFn) -> EventBody:
    one, other, seconds = draw(TEXT), draw(TEXT), draw(st.floats(allow_nan=False))
    return draw(
        st.sampled_from(
            [
                TokenStream(agent=one, channel="text", text=other),
                ToolStart(agent=one, tool=other, call_id=one, input={other: one}),
                ToolStart(agent=one, tool="Bash", call_id=one, input={"command": other}),
                ToolEnd(agent=one, tool=other, call_id=one, seconds=seconds, ok=False, output=other),
                AgentEvent(agent=one, event_type="think", details={"text": other}),
                AgentEvent(agent=one, event_type="result", details={other: [one]}),
                SupervisorEvent(event_type="decision", reasoning=one, confidence=seconds, next_agent=other),
                Heartbeat(agent=one, stage=other, seconds=seconds, waiting_for=one, reason=other),
                WorkflowCompleted(final_response=one, result={}, usage={}, seconds=seconds, tool_calls=1, steps=1),
                WorkflowCancelled(by=one, reason=other, partial={}),
            ]
        )
    )


@given(st.lists(bodies(), max_size=5), bodies())
def test_a_line_is_one_harmless_line_of_at_most_160_characters_and_keeps_its_tail(
    before: list[EventBody], body: EventBody
) -> None:
    tracker = StandingTracker(WORKSPACE)
    for earlier in (started(), StageStarted(stage="codesmith", round=2), USAGE, *before):
        tracker.take(event(earlier))
    standing = tracker.take(event(body))

    line = progress_line(event(body), standing)

    assert len(line) <= LONGEST_LINE
    assert line.splitlines() == [line]
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in line)
    assert not set(line) & set("\x1b\u202e\u200f\u2066")
    line.encode()
    assert line.endswith(standing.tail)
    assert standing.tail.endswith(" · $0.10")


def test_what_is_too_long_is_shortened_in_the_middle() -> None:
    line = progress_line(event(AgentEvent(agent="coder", event_type="think", details={"text": "x" * 500})), STANDING)

    assert len(line) == LONGEST_LINE
    assert line.startswith("coder 🧠 xxx")
    assert line.endswith("x… · 3/5 · $0.12")


@pytest.mark.parametrize(
    ("change", "tail"),
    [
        ({"round": 2}, " · 3/5 round 2 · $0.12"),
        ({"cost_usd": None}, " · 3/5"),
        ({"cost_usd": 0.0}, " · 3/5"),
        ({"cost_usd": 0.001}, " · 3/5 · <$0.01"),
        ({"offline": True}, " · 3/5 · offline"),
        ({"stage_number": 0}, " · $0.12"),
    ],
)
def test_the_tail_says_only_what_is_known(change: dict[str, object], tail: str) -> None:
    assert replace(STANDING, **change).tail == tail  # pyright: ignore[reportArgumentType] - the fields vary by case


def lines_of(*bodies: EventBody, workspace: str = WORKSPACE) -> list[str]:
    tracker = StandingTracker(workspace)
    return [progress_line(made, tracker.take(made)) for made in map(event, (started(), *bodies))]


def test_the_end_of_a_tool_call_says_which_call_it_was() -> None:
    bash = ToolStart(agent="a", tool="Bash", call_id="1", input={"command": "python -m unittest"})
    end = ToolEnd(agent="a", tool="Bash", call_id="1", seconds=1.2, ok=True, output="OK")

    assert lines_of(bash, end)[-1] == "a ✅ Bash python -m unittest · 1.2 s"
    assert lines_of(bash, replace(end, ok=False))[-1] == "a ❌ Bash python -m unittest failed: OK · 1.2 s"


def test_calls_of_two_agents_with_the_same_id_are_told_apart() -> None:
    first = ToolStart(agent="a", tool="Bash", call_id="1", input={"command": "first"})
    second = ToolStart(agent="b", tool="Bash", call_id="1", input={"command": "second"})
    end = ToolEnd(agent="a", tool="Bash", call_id="1", seconds=1.0, ok=True, output="")

    assert lines_of(first, second, end)[-1] == "a ✅ Bash first · 1 s"


def test_live_text_shows_its_end() -> None:
    words = [TokenStream(agent="a", channel="text", text=f"word{n} ") for n in range(100)]

    line = lines_of(*words)[-1]

    assert line.startswith("a 💬 … word")
    assert line.endswith(" word98 word99")
    assert len(line) < 100


def test_live_text_begins_anew_after_the_agent_has_done_something() -> None:
    before = TokenStream(agent="a", channel="text", text="before ")
    after = TokenStream(agent="a", channel="text", text="after")
    aside = AgentEvent(agent="b", event_type="progress", details={"text": "aside"})

    assert lines_of(before, replace(EDIT, agent="a"), after)[-1] == "a 💬 after"
    assert lines_of(before, aside, after)[-1] == "a 💬 before after"


def test_thinking_and_text_are_not_mixed() -> None:
    thinking = TokenStream(agent="a", channel="thinking", text="hm ")
    text = TokenStream(agent="a", channel="text", text="so")

    assert lines_of(thinking, text, thinking)[-2:] == ["a 💬 so", "a 🧠 hm"]


def test_an_escape_sequence_cut_between_two_pieces_is_removed() -> None:
    pieces = [TokenStream(agent="a", channel="text", text=text) for text in ("red \x1b[3", "1mrose")]

    assert lines_of(*pieces)[-2:] == ["a 💬 red", "a 💬 red rose"]


def test_the_standing_follows_stages_rounds_and_costs() -> None:
    tracker = StandingTracker()
    standings = [tracker.take(made) for made in story()]

    assert standings[0].tail == ""
    assert standings[1].tail == " · 1/3"
    assert standings[5].tail == " · 2/3"
    assert standings[-2].tail == " · 3/3 · $0.04"
    assert standings[-1].tail == " · $0.04"
    assert standings[-1].run_id == RUN_ID


def test_one_unknown_cost_makes_the_sum_unknown() -> None:
    assert lines_of(USAGE, replace(USAGE, cost_usd=None), USAGE, EDIT)[-1] == "codesmith 🔧 Edit src/parser.py"


def test_a_stage_nobody_announced_leaves_the_standing_as_it_is() -> None:
    assert lines_of(StageStarted(stage="codesmith", round=1), StageStarted(stage="odd", round=7))[-1] == (
        "odd ⚙️ started, round 7 · 2/3"
    )


def test_an_offline_run_says_so_in_every_line() -> None:
    tracker = StandingTracker()
    tracker.take(event(started(offline=True)))
    tracker.take(event(USAGE))

    assert progress_line(event(EDIT), tracker.take(event(EDIT))).endswith(" · offline")


def test_the_memory_of_a_long_run_is_bounded() -> None:
    tracker = StandingTracker()
    for number in range(2000):
        tracker.take(event(replace(EDIT, call_id=str(number))))
        tracker.take(event(TokenStream(agent=f"agent {number}", channel="text", text="x" * 1000)))

    assert len(pickle.dumps(tracker)) < 100_000
