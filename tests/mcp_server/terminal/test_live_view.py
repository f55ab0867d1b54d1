import errno
import io
from collections.abc import Callable
from dataclasses import replace
from threading import active_count
from threading import enumerate as enumerate_threads

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mcp_server.terminal.live_region import draw_region
from mcp_server.terminal.live_view import LiveView
from mcp_server.terminal.run_picture import RunPicture
from tests.mcp_server.story import RUN_ID, WORKSPACE, event, started, story
from tests.mcp_server.terminal.screen import Screen
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    Heartbeat,
    ReasoningStepTaken,
    RunEvent,
    StageCompleted,
    StageInfo,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    Truncation,
    UsageRecorded,
    WorkflowError,
    WorkflowEvent,
    WorkflowStarted,
)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def view_on(screen: Screen, clock: Callable[[], float] | None = None) -> LiveView:
    return LiveView(screen.console, workspace=WORKSPACE, clock=clock or Hand(), animate=False)


def seen_after(*events: RunEvent, width: int = 80, height: int = 40) -> str:
    """What is on the screen while the run is at the last of these events."""
    screen = Screen(width, height)
    view = view_on(screen)
    with view:
        for happened in events:
            view.show(happened)
        view.refresh()
        return screen.text


def seen_of(*bodies: EventBody) -> str:
    """What is on the screen when these things have just happened in a run."""
    return seen_after(*(event(body, at=number) for number, body in enumerate((started(), *bodies))))


def written_of(*bodies: EventBody) -> str:
    """What stands above the live region then."""
    return seen_of(*bodies).split("─" * 79)[0]


TRANSCRIPT_80 = f"""\
build_feature  run {RUN_ID}
  task         Add a --json flag
  constraints  no new dependencies

▶ Decide who goes next · supervisor · 1/3
   🎯 supervisor: codesmith next (85 %)
      The place is known.
   ✔  done in 2 s

▶ Write the code · codesmith · 2/3
   💬 I look at the writer first.
   🔧 Edit src/writers.py · 0.2 s
   ❌ Bash python -m unittest · 6.2 s · failed
      Exit code 1
      ....F
      FAILED (failures=1)
   🧠 The header is still written.
   🧠 step 2
      Move the header.
   ✅ All tests pass.
      tests: 6
   ✔  done in 17 s

▶ Review and mend · reviewfix · 3/3
   🎯 approve
   ✔  done in 32 s

✔ completed in 53 s"""


@pytest.mark.parametrize("width", [80, 160])
def test_after_the_end_the_transcript_stays_and_the_region_is_gone(width: int) -> None:
    screen = Screen(width)
    with view_on(screen) as view:
        for happened in story():
            view.show(happened)
            view.refresh()

    assert screen.text == TRANSCRIPT_80


def test_the_live_region_at_80_columns() -> None:
    region = seen_after(*story()[:9]).split("─" * 79 + "\n")[1]

    assert region.splitlines() == [
        f"build_feature  run {RUN_ID}" + " " * 37 + "4 s",
        "━" * 8 + "─" * 65 + "  12 %",
        "✔ supervisor  ▶ codesmith  · reviewfix",
        "⠋ codesmith  is writing" + " " * 53 + "0 s",
        "│ I look at the writer first.",
        "0 tool calls",
    ]


def test_the_live_region_at_160_columns_stays_readable() -> None:
    region = seen_after(*story()[:9], width=160).split("─" * 120 + "\n")[1]

    assert max(map(cell_len, region.splitlines())) == 120
    assert "▶ codesmith" in region


def test_the_region_counts_tokens_cost_and_tool_calls() -> None:
    assert seen_after(*story()[:15]).endswith("1,200 tokens read, 80 written · $0.04 · 2 tool calls")


def test_the_region_shows_the_open_call_even_after_a_heartbeat_and_for_how_long() -> None:
    clock, screen = Hand(), Screen(80)
    with view_on(screen, clock) as view:
        for happened in story()[:13]:
            view.show(happened)
        clock.seconds += 3
        view.refresh()

        assert "codesmith  Bash python -m unittest" + " " * 40 + "8 s" in screen.text


def test_text_that_is_written_live_ends_in_the_transcript_once() -> None:
    text = seen_after(*story()[:10])

    assert text.count("I look at the writer first.") == 1
    assert "   💬 I look at the writer first." in text


def test_live_text_that_was_withdrawn_never_enters_the_transcript() -> None:
    text = seen_of(
        TokenStream(agent="a", channel="text", text="half an ans"),
        AgentEvent(
            agent="a", event_type="progress", details={"text": "the stream broke off", "withdrawn_characters": 11}
        ),
    )

    assert "half an ans" not in text
    assert "the stream broke off" in text


def test_a_thought_that_was_seen_live_is_written_once() -> None:
    thinking = TokenStream(agent="a", channel="thinking", text="So it is.")
    thought = AgentEvent(agent="a", event_type="think", details={"text": "So it is."})
    text = TokenStream(agent="a", channel="text", text="Answer")

    assert written_of(thinking, thought).count("So it is.") == 1
    assert written_of(thinking, text, thought).count("So it is.") == 1


def test_a_result_that_repeats_the_live_text_is_written_once() -> None:
    result = AgentEvent(agent="a", event_type="result", details={"text": "The answer."})

    assert written_of(TokenStream(agent="a", channel="text", text="The answer.\n"), result).count("The answer.") == 1


def test_a_repeated_stage_shows_its_round() -> None:
    text = seen_of(StageStarted(stage="codesmith", round=2))

    assert "▶ Write the code · codesmith · 2/3 · round 2" in text
    assert "▶ codesmith ×2" in text


def test_a_failed_run_shows_what_failed_where_and_what_was_cut_off() -> None:
    text = seen_of(
        StageStarted(stage="codesmith", round=1),
        ToolStart(agent="codesmith", tool="Bash", call_id="1", input={"command": "sleep 9"}),
        WorkflowError(kind="rate_limited", error="No more.", blame="provider", recovery=(), partial={}),
    )

    assert "   🔧 Bash sleep 9 · not finished" in text
    assert text.endswith("✘ failed: No more.")


def test_an_output_that_was_cut_says_how_large_it_was_instead_of_counting_lines() -> None:
    start = ToolStart(agent="a", tool="Bash", call_id="1", input={"command": "cat big"})
    end = ToolEnd(agent="a", tool="Bash", call_id="1", seconds=1.0, ok=True, output="first\n" + "x\n" * 900 + "…")
    cut = Truncation(field="output", uri="runs://x/artifacts/y", bytes=48_200)
    text = seen_after(event(started()), event(start), event(end, truncated=[cut]))

    assert "      first\n      … 48.2 kB in all" in text


def test_a_long_thought_is_cut_and_the_rest_is_counted() -> None:
    thought = AgentEvent(agent="a", event_type="think", details={"text": "\n".join(map(str, range(30)))})

    assert "… 22 more lines" in seen_of(thought)


def test_agents_side_by_side_are_shown_together_and_told_apart() -> None:
    stage = StageStarted(stage="codesmith", round=1)
    calls = [
        ToolStart(agent=f"researcher {n}", tool="WebSearch", call_id="1", input={"query": f"q{n}"}) for n in range(9)
    ]
    text = seen_of(stage, *calls)

    assert "researcher 8  WebSearch q8" in text
    assert "  and 3 more" in text
    end = ToolEnd(agent="researcher 8", tool="WebSearch", call_id="1", seconds=1.0, ok=True, output="found")
    assert "   🔧 researcher 8: WebSearch q8 · 1 s" in seen_of(stage, *calls, end)


def test_a_stage_that_runs_beside_itself_has_one_heading_and_is_done_with_its_last_part() -> None:
    begin = [StageStarted(stage="codesmith", round=n) for n in (1, 2)]
    end = [StageCompleted(stage="codesmith", round=2, seconds=1.0, output={})]

    assert written_of(*begin).count("▶ Write the code") == 1
    assert "▶ codesmith ×2" in seen_of(*begin, *end)
    assert "✔ codesmith ×2" in seen_of(*begin, *end, *end)


def test_a_sub_agent_is_gone_when_the_call_that_started_it_is_over() -> None:
    start = ToolStart(agent="codesmith", tool="Agent", call_id="1", input={"description": "Look"})
    inner = ToolStart(agent="codesmith ▸ explore", tool="Grep", call_id="2", input={"pattern": "x"})
    end = ToolEnd(agent="codesmith", tool="Agent", call_id="1", seconds=2.0, ok=True, output="found")

    assert "⠋ codesmith ▸ explore  Grep x" in seen_of(start, inner)
    assert "⠋ codesmith ▸ explore" not in seen_of(start, inner, end)


def test_agents_of_a_finished_stage_are_not_shown_at_work() -> None:
    stage = StageStarted(stage="codesmith", round=1)
    text = TokenStream(agent="codesmith", channel="text", text="The last words.")
    end = StageCompleted(stage="codesmith", round=1, seconds=1.0, output={})

    assert "⠋ codesmith" in seen_of(stage, text)
    assert "⠋ codesmith" not in seen_of(stage, text, end)
    assert "   💬 The last words.\n   ✔  done in 1 s" in written_of(stage, text, end)


def test_a_supervisor_between_two_stages_stands_apart_and_is_gone_when_it_has_decided() -> None:
    stage = StageStarted(stage="codesmith", round=1)
    done = StageCompleted(stage="codesmith", round=1, seconds=1.0, output={})
    thinking = TokenStream(agent="boss", channel="thinking", text="Who is next?")
    decision = SupervisorEvent(event_type="decision", reasoning="It is written.", next_agent="reviewfix")
    end = WorkflowEvent(node="boss", state_update={})

    assert "⠋ boss  is thinking" in seen_of(stage, done, thinking)
    assert "⠋ boss" not in seen_of(stage, done, thinking, decision, end)
    assert written_of(stage, done, decision).endswith("""\
   ✔  done in 1 s

   🎯 supervisor: reviewfix next
      It is written.
""")


def test_why_nobody_works_is_shown() -> None:
    text = seen_of(Heartbeat(agent="", stage="", seconds=5, waiting_for="slot", reason="waiting for a free slot"))

    assert "⠋ waiting for a free slot" in text


def test_a_run_that_shows_no_sign_of_life_is_not_shown_as_alive() -> None:
    clock, screen = Hand(), Screen(80)
    with view_on(screen, clock) as view:
        for happened in story()[:11]:
            view.show(happened)
        clock.seconds += 19
        view.refresh()
        assert "no sign of life" not in screen.text
        clock.seconds += 2
        view.refresh()

        assert "? codesmith" in screen.text
        assert "no sign of life for 21 s" in screen.text


def test_time_goes_on_between_events_and_stops_at_the_end() -> None:
    clock, screen = Hand(), Screen(80)
    with view_on(screen, clock) as view:
        view.show(event(started()))
        clock.seconds += 65
        view.refresh()
        assert screen.text.splitlines()[-4].endswith(" 1 min 5 s")


def test_100_percent_is_not_said_before_the_end() -> None:
    assert " 99 %" in seen_after(event(started(), progress=99.99))


def test_hostile_text_is_shown_as_text() -> None:
    evil = "[bold red]x[/bold red] :smile: \x1b[2J\x1b]0;title\x07\u202eback\x9b5A [link=http://e]y[/link]"
    plain = "[bold red]x[/bold red] :smile: back [link=http://e]y[/link]"
    text = written_of(
        AgentEvent(agent="a", event_type="think", details={"text": evil}),
        SupervisorEvent(event_type="decision", reasoning=evil),
    )

    assert text.count(plain) == 2


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 3), (20, 5), (40, 10), (80, 24), (300, 90)])
def test_the_region_fits_terminals_of_any_size(width: int, height: int) -> None:
    stages = tuple(StageInfo(name=f"stage-number-{n}", title=f"Stage {n}") for n in range(12))
    picture = RunPicture(Hand())
    picture.take(event(WorkflowStarted(workflow="w" * 90, input={}, stages=stages, offline=True)))
    for number in range(9):
        picture.take(event(TokenStream(agent=f"agent {number}", channel="text", text="word " * 200)))

    lines = draw_region(picture, Screen(width, height).console, width=width, height=height, now=100.0)

    assert 0 < len(lines) <= height
    assert max(line.cell_len for line in lines) <= width


def test_a_terminal_made_narrower_keeps_no_piece_of_the_old_region() -> None:
    screen = Screen(100)
    with view_on(screen) as view:
        for happened in story()[:9]:
            view.show(happened)
        view.refresh()
        screen.make_narrower(40)
        view.refresh()

        assert screen.text.count("▶ codesmith") == 1
        assert screen.text.count("12 %") == 1
        assert screen.text.count("━") == 3


TEXT = st.text(max_size=300) | st.text(
    alphabet="\x1b[]m;\\/boldred=\n\r\t\u202e\u200fé\u0301👩🏽\u200d💻\ud800\x9b", max_size=200
)


@given(st.lists(st.tuples(st.integers(0, 6), TEXT, TEXT), max_size=12), st.sampled_from([10, 80, 160]))
def test_no_text_can_break_the_view(happenings: list[tuple[int, str, str]], width: int) -> None:
    def body(kind: int, one: str, other: str) -> EventBody:
        return [
            AgentEvent(agent=one, event_type="result", details={"text": other, other: one, "artifact": one}),
            TokenStream(agent=one, channel="text", text=other),
            ToolStart(agent=one, tool=other, call_id="1", input={one: other}),
            ToolEnd(agent=one, tool=other, call_id="1", seconds=1.0, ok=False, output=one),
            SupervisorEvent(event_type="routing", reasoning=one, next_agent=other, instructions=one),
            StageStarted(stage=one, round=2),
            ReasoningStepTaken(agent=one, step=1, thought=other),
        ][kind]

    screen = Screen(width)
    with view_on(screen) as view:
        view.show(event(replace(started(), workflow=happenings[0][1] if happenings else "w")))
        for happening in happenings:
            view.show(event(body(*happening)))
            view.refresh()

    assert not set(screen.text) & set("\x1b\x9b\u202e\u200f\x07")


def test_a_storm_of_tokens_writes_nothing_by_itself() -> None:
    screen = Screen(80)
    with view_on(screen) as view:
        view.show(event(started()))
        before = screen.writes
        for number in range(5000):
            view.show(event(TokenStream(agent="a", channel="text", text=f"w{number} ")))

        assert screen.writes == before


def test_an_entry_and_the_region_below_it_are_one_write() -> None:
    screen = Screen(80)
    with view_on(screen) as view:
        view.show(event(started()))
        before = screen.writes
        view.show(event(AgentEvent(agent="a", event_type="result", details={"text": "x"})))

        assert screen.writes == before + 1


def test_a_note_stays_in_the_transcript() -> None:
    screen = Screen(80)
    with view_on(screen) as view:
        view.show(event(started()))
        view.note("cancelling the run …")

    assert screen.text.endswith("cancelling the run …")


def test_the_cursor_is_back_however_the_view_ends() -> None:
    screen = Screen(80)
    threads = active_count()

    def watch_until_interrupted() -> None:
        with LiveView(screen.console, workspace=WORKSPACE) as view:
            view.show(event(started()))
            view.refresh()
            assert not screen.cursor_shown
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch_until_interrupted()

    assert screen.cursor_shown
    assert active_count() == threads
    assert "━" not in screen.text
    assert "─" not in screen.text


class VanishingScreen(Screen):
    """A terminal whose window is closed at some time."""

    gone = False

    def write(self, text: str, /) -> int:
        if self.gone:
            raise OSError(errno.EIO, "the terminal is gone")
        return super().write(text)


def test_a_terminal_that_is_gone_is_an_error_for_whoever_shows() -> None:
    screen = VanishingScreen(80)
    view = view_on(screen)
    view.show(event(started()))
    screen.gone = True

    with pytest.raises(OSError, match="gone"):
        view.show(event(AgentEvent(agent="a", event_type="result", details={"text": "x"})))


def test_a_terminal_that_is_gone_ends_the_animation_quietly() -> None:
    screen = VanishingScreen(80)

    def watch_until_closed() -> None:
        with LiveView(screen.console) as view:
            view.show(event(started()))
            screen.gone = True
            (animation,) = [thread for thread in enumerate_threads() if thread.name == "live view"]
            animation.join(5)
            assert not animation.is_alive()

    with pytest.raises(OSError, match="gone"):
        watch_until_closed()


def test_no_colour_is_used_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with LiveView.on(stream) as view:
        for happened in story():
            view.show(happened)
            view.refresh()

    assert "\x1b[3" not in stream.getvalue().replace("\x1b[3m", "")  # 3 alone is italic


def tool_lines(tool: str, output: str, *, ok: bool = True) -> str:
    start = ToolStart(agent="a", tool=tool, call_id="1", input={"x": "y"})
    return written_of(start, ToolEnd(agent="a", tool=tool, call_id="1", seconds=1.0, ok=ok, output=output))


LONG = "\n".join(f"line {number}" for number in range(20)) + "\n-----\n"


@pytest.mark.parametrize(
    ("tool", "output", "shown"),
    [
        ("Read", LONG, "      21 lines\n"),
        ("Edit", "The file has been updated.", "Edit y · 1 s\n"),
        ("Grep", LONG, "      line 0\n      … 21 lines in all\n"),
        ("Bash", LONG, "      … 21 lines in all, the last ones:\n      line 17\n      line 18\n      line 19\n"),
        ("Bash", "-----", "      -----\n"),
        ("Bash", "\n \n", "Bash y · 1 s\n"),
    ],
)
def test_of_an_output_the_telling_lines_are_shown(tool: str, output: str, shown: str) -> None:
    assert tool_lines(tool, output).endswith(shown)


def test_a_failed_edit_says_why() -> None:
    assert "      no such text\n" in tool_lines("Edit", "no such text", ok=False)


def test_a_typed_reply_takes_one_short_line() -> None:
    reply = TokenStream(agent="a", channel="text", text='{"verdict": "approved",\n "why": "' + "so " * 300 + '"}')
    decision = AgentEvent(agent="a", event_type="decision", details={"text": "approved"})

    assert 'a: {"verdict": "approved", "why": "so so' in written_of(reply, decision)
    assert len(written_of(reply, decision)) < 500


def test_thinking_without_a_final_thought_is_kept() -> None:
    thinking = TokenStream(agent="a", channel="thinking", text="Let me see.")

    assert "   🧠 a: Let me see.\n" in written_of(thinking, TokenStream(agent="a", channel="text", text="It is so."))


def test_a_result_names_the_artifact_it_is_kept_in() -> None:
    details = {"text": "The design", "artifact": "design.md", "uri": "runs://x", "media_type": "text/markdown"}

    assert written_of(AgentEvent(agent="a", event_type="result", details=details)).endswith(
        "   ✅ a: The design\n      kept as design.md\n"
    )


def test_what_a_supervisor_sees_and_orders_is_written() -> None:
    text = written_of(
        SupervisorEvent(event_type="analysis", reasoning="Two files matter."),
        SupervisorEvent(event_type="routing", reasoning="", next_agent="coder", instructions="Write it."),
    )

    assert "   🧠 supervisor: Two files matter.\n   🎯 supervisor sends coder\n      Write it.\n" in text


def test_of_calls_side_by_side_the_open_one_is_shown() -> None:
    calls = [ToolStart(agent="a", tool="Bash", call_id=name, input={"command": name}) for name in ("one", "two")]
    end = ToolEnd(agent="a", tool="Bash", call_id="two", seconds=1.0, ok=True, output="")

    assert "⠋ a  Bash one" in seen_of(*calls, end)


def test_an_offline_run_says_so_above_and_below() -> None:
    assert seen_after(event(started(offline=True))).count("offline: scripted agents") == 2


def test_an_unknown_cost_is_said_to_be_unknown() -> None:
    usage = UsageRecorded(agent="a", model="m", input_tokens=1, output_tokens=2, cost_usd=None)

    assert seen_of(usage).endswith("1 tokens read, 2 written · cost unknown · 0 tool calls")


def test_a_live_text_of_any_length_needs_bounded_memory_and_says_that_it_is_cut() -> None:
    words = [TokenStream(agent="a", channel="text", text="word " * 1000) for _ in range(20)]
    result = AgentEvent(agent="a", event_type="progress", details={"text": "next"})

    assert "   💬 a: …" in written_of(*words, result)
