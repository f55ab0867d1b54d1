import pytest

from agents.events import AgentSaid, Found, TextStreamed, ToolEnded, ToolStarted, UsageReported, Waiting
from workflows.runs.pulse import QUIET_SECONDS, Pulse


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_there_is_no_heartbeat_while_things_happen() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(20):
        clock.now += QUIET_SECONDS / 2
        pulse.logged()
        assert pulse.beat("plan") is None


def test_a_heartbeat_says_which_tool_is_running_and_for_how_long() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.agent_said("codesmith", ToolStarted(tool="Bash", call_id="1", input={}))
    pulse.logged()
    clock.now += 7
    beat = pulse.beat("codesmith")
    assert beat is not None
    assert (beat.agent, beat.stage, beat.waiting_for, beat.seconds) == ("codesmith", "codesmith", "tool", 7.0)
    assert "Bash" in beat.reason


def test_heartbeats_come_again_and_the_time_adds_up() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.agent_said("codesmith", TextStreamed(text="so"))
    clock.now += 6
    first = pulse.beat("codesmith")
    assert pulse.beat("codesmith") is None
    clock.now += 6
    second = pulse.beat("codesmith")
    assert first is not None
    assert second is not None
    assert (first.waiting_for, first.seconds, second.seconds) == ("model", 6.0, 12.0)


def test_after_a_tool_has_ended_the_model_is_waited_for() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.agent_said("codesmith", ToolStarted(tool="Bash", call_id="1", input={}))
    pulse.agent_said("codesmith", ToolEnded(tool="Bash", call_id="1", seconds=1, ok=True, output=""))
    clock.now += 6
    beat = pulse.beat("codesmith")
    assert beat is not None
    assert beat.waiting_for == "model"


def test_a_pause_the_provider_asked_for_keeps_its_words() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.agent_said("research", Waiting(reason="rate_limit", message="rate limited, next try in 8 s"))
    clock.now += 6
    beat = pulse.beat("research")
    assert beat is not None
    assert (beat.waiting_for, beat.reason) == ("rate_limit", "rate limited, next try in 8 s")


def test_a_run_without_an_agent_says_what_it_waits_for() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.idle("slot", "waiting for a free slot")
    clock.now += 6
    beat = pulse.beat("")
    assert beat is not None
    assert (beat.agent, beat.waiting_for, beat.reason) == ("", "slot", "waiting for a free slot")


@pytest.mark.parametrize(
    "last_word",
    [Found(message="done"), UsageReported(model="m", input_tokens=1, output_tokens=1, cost_usd=None)],
    ids=["result", "usage"],
)
def test_after_its_answer_an_agent_does_not_wait_for_the_model(last_word: AgentSaid) -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.agent_said("codesmith", TextStreamed(text="so"))
    pulse.agent_said("codesmith", last_word)
    clock.now += 6
    beat = pulse.beat("codesmith")
    assert beat is not None
    assert (beat.agent, beat.waiting_for, beat.reason) == ("codesmith", "work", "working on the result")


def test_a_tool_that_still_runs_says_more_than_a_report_of_usage() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.agent_said("codesmith", ToolStarted(tool="Bash", call_id="1", input={}))
    pulse.agent_said("codesmith", UsageReported(model="m", input_tokens=1, output_tokens=1, cost_usd=None))
    clock.now += 6
    beat = pulse.beat("codesmith")
    assert beat is not None
    assert beat.waiting_for == "tool"
