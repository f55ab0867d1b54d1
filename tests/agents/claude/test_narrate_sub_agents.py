from pathlib import Path

import orjson
import pytest

from agents.agent import CommandRun, Usage
from agents.claude.narrate import Narrator
from agents.claude.parser import parse_message
from agents.events import (
    Found,
    Progressed,
    TextStreamed,
    ToolEnded,
    ToolStarted,
    UsageReported,
)
from tests.agents.claude.recorded import Story, recordings, story_of
from tests.agents.claude.teller import Teller

AGENT = ("general-purpose",)
EVERY_RUN = sorted(recordings())


def charged(story: Story) -> tuple[int, int, float | None]:
    usage = story.narrator.usage
    return usage.input_tokens, usage.output_tokens, usage.cost_usd


def test_a_sub_agent_in_the_background_speaks_under_its_own_name() -> None:
    story = story_of("23")
    assert story.text() == "Delegating." + 2 * "The subagent reported: 3 files."
    assert story.text(AGENT) == "Looking.There are 3 files."
    assert [call.speaker for call in story.of_type(ToolStarted)] == [(), AGENT]
    assert [(found.speaker, found.message) for found in story.of_type(Found)] == [(AGENT, "There are 3 files.")]
    started, progressed = (event for event in story.of_type(Progressed) if event.speaker == AGENT)
    assert started.message == "started: Count files"
    assert progressed.message == "Running Count files: 1 tool call, 3,014 tokens"
    assert "There are 3 files." not in story.narrator.text_so_far


def test_results_that_were_held_back_are_charged_once() -> None:
    story = story_of("23")
    assert story.of_type(UsageReported) == [
        UsageReported(model="claude-opus-5-5", input_tokens=15060, output_tokens=145, cost_usd=0.05414)
    ]
    assert story.narrator.usage == Usage(15060, 145, 0.05414)
    assert len(story.narrator.results) == 2


def test_a_sub_agent_in_the_foreground_tells_its_tool_calls_and_what_it_found() -> None:
    story = story_of("24")
    assert [(call.tool, call.speaker) for call in story.of_type(ToolStarted)] == [("Agent", ()), ("Bash", AGENT)]
    assert [(call.tool, call.speaker) for call in story.of_type(ToolEnded)] == [("Bash", AGENT), ("Agent", ())]
    assert [found.speaker for found in story.of_type(Found)] == [AGENT]
    assert not any("@@sub_leaf@@" in message for message in story.messages())
    assert [command.command for command in story.narrator.commands] == ["sleep 0.2; ls -1 | wc -l"]


def test_a_sub_agent_of_a_sub_agent_speaks_below_it() -> None:
    teller = Teller()
    teller.use("a", "Agent", subagent_type="plan", description="Plan it")
    teller.use("b", "Agent", parent="a", description="Look it up")
    [started] = teller.use("c", "Read", parent="b", file_path="x")
    assert started.speaker == ("plan", "Look it up")


def test_two_sub_agents_of_one_kind_are_told_apart() -> None:
    teller = Teller()
    for call_id in ("a", "b"):
        teller.use(call_id, "Agent", subagent_type="explore", description="Look")
    calls = [("1", "a"), ("2", "b"), ("3", "a")]
    speakers = [teller.use(call_id, "Read", parent=parent)[0].speaker for call_id, parent in calls]
    assert speakers == [("explore",), ("explore 2",), ("explore",)]


def test_a_sub_agent_whose_start_was_not_seen_is_named_by_its_own_lines() -> None:
    block = {"type": "text", "text": "hi"}
    [said] = Teller().assistant(block, parent_tool_use_id="x", subagent_type="explore", task_description="Look")
    assert said == TextStreamed(text="hi", speaker=("explore",))


def test_a_failed_sub_agent_is_told_as_failed() -> None:
    teller = Teller()
    teller.use("a", "Agent", subagent_type="explore", description="Look")
    teller.system("task_started", task_id="t", tool_use_id="a", task_type="local_agent", description="Look")
    [said] = teller.system("task_notification", task_id="t", tool_use_id="a", status="failed", summary="API Error")
    assert isinstance(said, Progressed)
    assert (said.speaker, said.message) == (("explore",), "failed: API Error")


def test_an_error_of_a_sub_agent_is_not_the_runs() -> None:
    teller = Teller()
    text = {"type": "text", "text": "API Error: 500"}
    fields = {"error": "server_error", "is_api_error_message": True, "parent_tool_use_id": "x"}
    [said] = teller.assistant(text, **fields)
    assert isinstance(said, Progressed)
    assert teller.narrator.last_assistant_error is None


def test_a_command_in_the_background_counts_when_it_has_ended() -> None:
    story = story_of("25")
    [command] = story.narrator.commands
    assert command.ok
    assert command.seconds == pytest.approx(1.2, abs=0.4)
    assert "goes on in the background: ticks" in story.messages()
    assert 'Background command "ticks" completed (exit code 0)' in story.messages()
    assert charged(story) == (9036, 77, pytest.approx(0.032284))
    assert story.narrator.finished


def test_a_run_is_not_finished_while_background_work_goes_on_or_a_turn_is_open() -> None:
    narrator = Narrator(Path("/workspace"))
    finished: list[tuple[str, bool, int]] = []
    for line in recordings()["25"].bytes.splitlines():
        fields = orjson.loads(line)
        narrator.tell(parse_message(line))
        if fields["type"] == "result" or fields.get("subtype") in {"init", "background_tasks_changed"}:
            finished.append((fields.get("subtype"), narrator.finished, narrator.background_tasks))
    assert finished == [
        ("init", False, 0),
        ("background_tasks_changed", False, 1),
        ("success", False, 1),
        ("background_tasks_changed", True, 0),
        ("init", False, 0),
        ("success", True, 0),
    ]


def test_a_run_with_queued_turns_is_not_finished() -> None:
    teller = Teller()
    teller.turn_ended(queued_turn_count=1)
    assert not teller.narrator.finished
    teller.turn_ended()
    assert teller.narrator.finished


def test_a_command_stopped_in_the_background_failed() -> None:
    story = story_of("51")
    [command] = story.narrator.commands
    assert not command.ok
    assert "stopped: long bg" in story.messages()


def test_a_command_moved_to_the_background_by_its_time_limit_is_told() -> None:
    teller = Teller()
    teller.use("t", "Bash", command="make")
    teller.system("task_started", task_id="k", tool_use_id="t", task_type="local_bash", description="Make")
    [said] = teller.system("task_updated", task_id="k", patch={"is_backgrounded": True})
    assert isinstance(said, Progressed)
    assert said.message == "goes on in the background: Make"
    teller.result("t", "Command was moved to the background")
    assert teller.narrator.commands == ()
    teller.clock.now = 60.0
    teller.system("task_notification", task_id="k", status="failed", summary="exit code 2")
    assert teller.narrator.commands == (CommandRun("make", ok=False, seconds=60.0, output="exit code 2"),)


def test_a_background_command_that_could_not_start_failed_at_once() -> None:
    teller = Teller()
    teller.use("t", "Bash", command="nope", run_in_background=True)
    teller.result("t", "cannot start", is_error=True, tool_use_result={"backgroundTaskId": "k"})
    assert teller.narrator.commands == (CommandRun("nope", ok=False, seconds=0.0, output="cannot start"),)


def test_an_mcp_call_in_the_background_tells_its_progress_text() -> None:
    teller = Teller()
    teller.use("t", "mcp__x__slow")
    teller.system(
        "task_started", task_id="k", tool_use_id="t", task_type="mcp_task", description="slow", is_backgrounded=True
    )
    [said] = teller.system("task_progress", task_id="k", description="slow", summary="half way")
    assert isinstance(said, Progressed)
    assert said.message == "half way"
