from pathlib import Path

import msgspec
import orjson
import pytest

from agents.agent import Usage
from agents.claude.narrate import Narrator
from agents.claude.parser import parse_message
from agents.events import (
    AgentSaid,
    Found,
    Progressed,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    UsageReported,
    Waiting,
)
from tests.agents.claude.mutations import mutated_lines
from tests.agents.claude.recorded import Clock, Story, recordings, story_of
from tests.agents.claude.teller import Teller

AGENT = ("general-purpose",)
EVERY_RUN = sorted(recordings())


def charged(story: Story) -> tuple[int, int, float | None]:
    usage = story.narrator.usage
    return usage.input_tokens, usage.output_tokens, usage.cost_usd


@pytest.mark.parametrize("number", ["01", "02"])
def test_an_answer_is_told_once_with_and_without_partial_messages(number: str) -> None:
    story = story_of(number)
    assert story.text() == "Hello from the fake model. This is a plain answer in one text block."
    assert story.narrator.text_so_far == story.text()
    assert len(story.of_type(TextStreamed)) == (1 if number == "01" else 3)


def test_thinking_is_streamed_and_then_told_whole() -> None:
    story = story_of("04")
    whole = "The user wants a short answer. Let me weigh two options, then decide on the first."
    assert "".join(event.text for event in story.of_type(ThinkingStreamed)) == whole
    assert story.of_type(Thought) == [Thought(text=whole)]
    assert story.text() == "The answer is 42."


def test_thinking_without_partial_messages_is_told_whole() -> None:
    assert [event.text for event in story_of("03").of_type(Thought)] == [
        "I should look at the directory first.",
        "Two files. Fine.",
    ]


def test_an_empty_answer_tells_the_nudge_and_no_text() -> None:
    story = story_of("21")
    assert story.text() == ""
    assert any("Your previous response had no visible output" in message for message in story.messages())


def test_the_first_turn_says_what_runs_and_a_later_one_only_that_it_begins() -> None:
    story = story_of("30")
    first, second = story.of_type(Progressed)
    assert first.message == "claude 2.1.329 on claude-opus-5-5"
    assert {"model", "version", "tools", "mcp_servers", "session_id"} == set(first.details)
    assert second.message == "next turn on claude-opus-5-5"
    assert story.text().endswith("text block.The answer is 42.")


def test_a_resumed_conversation_is_charged_for_its_own_work_only() -> None:
    story = story_of("29")
    assert charged(story) == (3012, 48, pytest.approx(0.011208))
    assert story.narrator.session_id == "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeee0001"


@pytest.mark.parametrize("number", EVERY_RUN)
def test_the_reports_add_up_to_the_usage(number: str) -> None:
    story = story_of(number)
    reports = story.of_type(UsageReported)
    total = sum((Usage(each.input_tokens, each.output_tokens, each.cost_usd) for each in reports), Usage())
    assert story.narrator.usage == (total if story.narrator.results else Usage(cost_usd=None))


def test_a_run_without_a_result_has_an_unknown_cost() -> None:
    assert story_of("50").narrator.usage.cost_usd is None


def test_a_result_without_a_price_makes_the_cost_unknown() -> None:
    teller = Teller()
    teller.system("init", model="claude-x")
    [said] = teller.turn_ended(usage={"input_tokens": 5, "output_tokens": 7})
    assert said == UsageReported(model="claude-x", input_tokens=5, output_tokens=7, cost_usd=None)
    assert teller.narrator.usage == Usage(5, 7, None)


def test_each_model_is_charged_under_its_name() -> None:
    used = {"a": {"outputTokens": 1, "costUSD": 0.5}, "b": {"outputTokens": 2, "costUSD": 0.25}}
    teller = Teller()
    reports = teller.turn_ended(model_usage_since_last_result=used)
    assert [report.model for report in reports if isinstance(report, UsageReported)] == ["a", "b"]
    assert teller.narrator.usage == Usage(0, 3, 0.75)


@pytest.mark.parametrize(
    ("number", "note"),
    [
        ("48", "Request interrupted by user for tool use"),
        ("49", "Request interrupted by user"),
        ("50", "Request interrupted by user"),
    ],
)
def test_an_interrupt_is_told(number: str, note: str) -> None:
    assert story_of(number).messages()[-1] == note


def test_text_cut_by_an_interrupt_is_kept() -> None:
    assert story_of("49").narrator.text_so_far == "one two three four five s"


@pytest.mark.parametrize("number", ["52", "53"])
def test_a_run_ended_by_a_signal_has_not_finished(number: str) -> None:
    narrator = story_of(number).narrator
    assert narrator.turn_started
    assert narrator.results == []
    assert not narrator.finished


def test_a_run_that_wrote_nothing_has_nothing_to_tell() -> None:
    story = story_of("46")
    assert story.events == []
    assert not story.narrator.turn_started


def test_only_the_first_line_that_is_no_message_is_told() -> None:
    narrator = Narrator(Path("/workspace"))
    told = [narrator.tell(parse_message(line)) for line in (b"Debugger listening", b"more", b'{"type":"keep_alive"}')]
    assert [len(events) for events in told] == [1, 0, 0]


def test_messages_that_are_not_as_declared_are_told_all_the_same() -> None:
    narrator = Narrator(Path("/workspace"), Clock())
    for count, line in enumerate(mutated_lines()):
        if count % 500 == 0:
            narrator = Narrator(Path("/workspace"), Clock())
        for event in narrator.tell(parse_message(line)):
            assert_presentable(event)


@pytest.mark.parametrize("number", EVERY_RUN)
def test_every_event_can_be_written_as_json_and_has_one_short_line_for_people(number: str) -> None:
    for event in story_of(number).events:
        assert_presentable(event)


def assert_presentable(event: AgentSaid) -> None:
    orjson.dumps(msgspec.structs.asdict(event))
    if isinstance(event, Progressed | Waiting | Found):
        assert 0 < len(event.message) <= 200
        assert event.message == event.message.strip()
        assert "\n" not in event.message
