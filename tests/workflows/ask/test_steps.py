from hypothesis import given
from hypothesis import strategies as st

from agents.events import (
    AgentSaid,
    Progressed,
    ReasoningStep,
    StreamWithdrawn,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
)
from workflows.ask.contract import Call, Step
from workflows.ask.steps import OUTPUT_CHARACTERS, StepRecorder
from workflows.reports import AgentReport, Report

READ = ToolStarted(tool="Read", call_id="r", input={"file_path": "/work-space/src/a.py"})


def ended(started: ToolStarted, *, ok: bool = True, output: str = "text") -> ToolEnded:
    return ToolEnded(tool=started.tool, call_id=started.call_id, seconds=0.25, ok=ok, output=output)


def recorded(*said: AgentSaid) -> tuple[list[Step], list[AgentSaid]]:
    told: list[Report] = []
    recorder = StepRecorder(told.append, "/work-space")
    for one in said:
        recorder.say(AgentReport("assistant", one))
    return recorder.steps, [report.said for report in told if isinstance(report, AgentReport)]


def test_what_is_said_before_a_tool_is_a_step_and_is_told_before_the_tool() -> None:
    steps, told = recorded(TextStreamed(text="I look "), TextStreamed(text="into a.py."), READ, ended(READ))

    call = Call(call="Read src/a.py", ok=True, seconds=0.25, output="text")
    assert steps == [Step(step=1, thought="I look into a.py.", calls=[call])]
    assert told[2:4] == [ReasoningStep(step=1, thought="I look into a.py."), READ]


def test_a_thought_is_told_as_a_step_and_not_twice() -> None:
    steps, told = recorded(ThinkingStreamed(text="Hm."), Thought(text="Hm."), TextStreamed(text="The answer."))

    assert [step.thought for step in steps] == ["Hm."]
    assert told == [
        ThinkingStreamed(text="Hm."),
        ReasoningStep(step=1, thought="Hm."),
        TextStreamed(text="The answer."),
    ]


def test_the_last_words_are_the_answer_and_no_step() -> None:
    steps, _ = recorded(TextStreamed(text="One."), READ, ended(READ), TextStreamed(text="The answer."))

    assert [step.thought for step in steps] == ["One."]


def test_calls_made_together_belong_to_one_step() -> None:
    other = ToolStarted(tool="Grep", call_id="g", input={"pattern": "x"})

    steps, _ = recorded(TextStreamed(text="Both."), READ, other, ended(other, ok=False, output="no"), ended(READ))

    assert [(call.call, call.ok, call.output) for call in steps[0].calls] == [
        ("Read src/a.py", True, "text"),
        ("Grep x", False, "no"),
    ]


def test_a_call_without_a_word_before_it_is_a_step_without_a_thought() -> None:
    steps, told = recorded(READ, ended(READ), Thought(text="So it is."))

    assert [(step.step, step.thought, len(step.calls)) for step in steps] == [(1, "", 1), (2, "So it is.", 0)]
    assert told == [READ, ended(READ), ReasoningStep(step=2, thought="So it is.")]


def test_a_call_that_was_cut_off_says_so() -> None:
    steps, _ = recorded(TextStreamed(text="One."), READ)

    assert steps[0].calls == [Call(call="Read src/a.py", ok=None, seconds=None, output="")]


def test_what_was_withdrawn_is_no_part_of_a_step() -> None:
    steps, _ = recorded(
        TextStreamed(text="Kept. "),
        ThinkingStreamed(text="abc"),
        TextStreamed(text="void"),
        StreamWithdrawn(reason="broke off", characters=7),
        TextStreamed(text="Again."),
        READ,
    )

    assert [step.thought for step in steps] == ["Kept. Again."]


def test_what_sub_agents_say_is_passed_on_and_makes_no_step() -> None:
    thought = Thought(text="mine", speaker=("explore",))

    steps, told = recorded(thought)

    assert steps == []
    assert told == [thought]


def test_of_a_long_output_the_beginning_is_kept() -> None:
    steps, _ = recorded(READ, ended(READ, output="x" * 10_000))

    assert steps[0].calls[0].output == "x" * OUTPUT_CHARACTERS


SAID = st.one_of(
    st.builds(TextStreamed, text=st.text(max_size=5)),
    st.builds(ThinkingStreamed, text=st.text(max_size=5)),
    st.builds(Thought, text=st.text(max_size=5)),
    st.builds(StreamWithdrawn, reason=st.just("broke off"), characters=st.integers(0, 9)),
    st.builds(ToolStarted, tool=st.just("Read"), call_id=st.sampled_from("abc"), input=st.just({"file_path": "x"})),
    st.builds(ended, st.sampled_from([READ, ToolStarted(tool="Read", call_id="a", input={})])),
    st.just(Progressed(message="next turn")),
)


@given(st.lists(SAID, max_size=30))
def test_steps_are_numbered_without_a_gap_and_told_once(said: list[AgentSaid]) -> None:
    steps, told = recorded(*said)

    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    reasoning = [one for one in told if isinstance(one, ReasoningStep)]
    assert [(one.step, one.thought) for one in reasoning] == [(s.step, s.thought) for s in steps if s.thought]
    assert sum(len(step.calls) for step in steps) == sum(isinstance(one, ToolStarted) for one in said)
    assert [one for one in told if not isinstance(one, ReasoningStep)] == [
        one for one in said if not (isinstance(one, Thought) and one.text.strip())
    ]
