from hypothesis import given
from hypothesis import strategies as st

from mcp_server.progress_lines import MOST_LINES, Line, ProgressLines, Weight
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    Heartbeat,
    RunEvent,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolStart,
    UsageRecorded,
)


def event(seq: int, body: EventBody) -> RunEvent:
    return RunEvent(run_id="r1", seq=seq, time="", message="", progress=0, body=body)


def token(text: str) -> TokenStream:
    return TokenStream(agent="codesmith", channel="text", text=text)


def tool(path: str) -> ToolStart:
    return ToolStart(agent="codesmith", tool="Read", call_id=path, input={"file_path": path})


USAGE = UsageRecorded(agent="codesmith", model="m", input_tokens=1, output_tokens=1, cost_usd=0.5)
BEAT = Heartbeat(agent="codesmith", stage="codesmith", seconds=5, waiting_for="model", reason="waiting for the model")


def taken(*bodies: EventBody) -> list[Line]:
    lines = ProgressLines()
    for seq, body in enumerate(bodies, 1):
        lines.take(event(seq, body))
    return [lines.pop() for _ in range(len(lines))]


def test_token_text_waits_as_one_line_that_is_always_the_newest() -> None:
    (line,) = taken(token("Hello"), token(", "), token("world"))
    assert "Hello, world" in line.text
    assert (line.first_seq, line.event.seq) == (1, 3)


def test_a_telling_line_takes_the_place_of_live_text_that_waits_before_it() -> None:
    (line,) = taken(token("Hel"), tool("a.py"))
    assert "a.py" in line.text
    assert (line.first_seq, line.event.seq) == (1, 2)


def test_telling_lines_each_stay_and_stay_in_order() -> None:
    lines = taken(tool("a.py"), token("x"), tool("b.py"), StageStarted(stage="plan", round=1))
    assert [line.event.seq for line in lines] == [1, 3, 4]


def test_usage_has_no_line_of_its_own_and_is_covered_by_the_next() -> None:
    (line,) = taken(USAGE, tool("a.py"))
    assert (line.first_seq, line.event.seq) == (1, 2)
    assert "$0.50" in line.text


def test_when_the_pace_falls_behind_the_least_telling_lines_are_given_up_first() -> None:
    bodies = [BEAT if seq % 2 else tool(f"{seq}.py") for seq in range(MOST_LINES + 10)]
    lines = taken(*bodies)
    assert len(lines) == MOST_LINES
    assert sum(line.weight is Weight.TELLING for line in lines) == (MOST_LINES + 10) // 2


bodies = st.lists(
    st.one_of(
        st.text(max_size=20).map(token),
        st.text(max_size=20).map(tool),
        st.just(USAGE),
        st.just(BEAT),
        st.text(max_size=20).map(lambda text: AgentEvent(agent="a", event_type="result", details={"text": text})),
        st.text(max_size=20).map(lambda text: SupervisorEvent(event_type="analysis", reasoning=text)),
    ),
    max_size=120,
)


@given(bodies)
def test_every_event_is_covered_once_and_in_order(story: list[EventBody]) -> None:
    lines = taken(*story)
    covered = [(line.first_seq, line.event.seq) for line in lines]
    expected_next = 1
    for first, last in covered:
        assert first == expected_next
        assert first <= last
        expected_next = last + 1
    assert len(lines) <= MOST_LINES


@given(bodies)
def test_skipping_to_the_last_line_covers_all_before_it(story: list[EventBody]) -> None:
    lines = ProgressLines()
    for seq, body in enumerate(story, 1):
        lines.take(event(seq, body))
    last = len(lines)
    lines.skip_to_last()
    if last:
        assert len(lines) == 1
        assert lines.pop().first_seq == 1
