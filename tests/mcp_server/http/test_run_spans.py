"""Which spans a run's events become."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from mcp_server.http.run_spans import RunIds, RunSpans, trace_id_of
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    GateAnswered,
    GateOpened,
    Heartbeat,
    RunEvent,
    StageCompleted,
    StageStarted,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowError,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.history import INSTRUCTION
from workflows.runs.run import Run

SECOND = 1_000_000_000
SECRET = "what was asked, said and done"

STARTED = WorkflowStarted(workflow="build", input={"task": SECRET}, stages=(), offline=False)
COMPLETED = WorkflowCompleted(
    final_response=SECRET, result={"answer": SECRET}, usage={}, seconds=1, tool_calls=1, steps=1
)


@dataclass(slots=True)
class Observed:
    """Runs whose events the test says, a second after each other."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    now: int = 0
    spans: RunSpans = field(init=False)

    def __post_init__(self) -> None:
        ids = RunIds()
        provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.spans = RunSpans(provider.get_tracer("test"), ids, lambda: self.now)

    def say(self, *bodies: EventBody, run_id: str = "one") -> None:
        run = Run(run_id=run_id, workflow="build", input={}, workspace="/srv", owner="local", key="")
        for body in bodies:
            self.now += SECOND
            event = RunEvent(run_id=run_id, seq=1, time="", message=SECRET, progress=1, body=body)
            self.spans.observe(run, event)

    @property
    def ended(self) -> Sequence[ReadableSpan]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.ended if span.name == name]
        return found

    def above(self, name: str) -> str:
        """The name of a span's parent."""
        parent = self.named(name).parent
        assert parent is not None
        return next(span.name for span in self.ended if span_id(span) == parent.span_id)


def span_id(span: ReadableSpan) -> int:
    return span.get_span_context().span_id  # pyright: ignore[reportOptionalMemberAccess] - an ended span has one


def seconds(span: ReadableSpan) -> tuple[int, int]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time // SECOND, span.end_time // SECOND


def attribute(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {}).get(name)


def waits(agent: str = "coder", seconds: float = 0) -> Heartbeat:
    return Heartbeat(agent=agent, stage="code", seconds=seconds, waiting_for="model", reason="")


def says(agent: str = "coder") -> TokenStream:
    return TokenStream(agent=agent, channel="text", text=SECRET)


def calls(call_id: str = "1", agent: str = "coder") -> ToolStart:
    return ToolStart(agent=agent, tool="Edit", call_id=call_id, input={"path": SECRET})


def called(call_id: str = "1", *, ok: bool = True) -> ToolEnd:
    return ToolEnd(agent="coder", tool="Edit", call_id=call_id, seconds=1, ok=ok, output=SECRET)


def charged(tokens: int = 10, cost_usd: float | None = 0.5) -> UsageRecorded:
    return UsageRecorded(agent="coder", model="a-model", input_tokens=tokens, output_tokens=1, cost_usd=cost_usd)


def begins(stage: str = "code") -> StageStarted:
    return StageStarted(stage=stage, round=2)


def ends(stage: str = "code") -> StageCompleted:
    return StageCompleted(stage=stage, round=2, seconds=1, output={"text": SECRET})


@pytest.fixture
def observed() -> Observed:
    return Observed()


def test_a_run_is_a_tree_of_run_stage_agent_model_and_tool(observed: Observed) -> None:
    observed.say(STARTED, begins(), waits(), says(), charged(), calls(), called(), ends(), COMPLETED)

    assert observed.above("chat a-model") == observed.above("execute_tool Edit") == "invoke_agent coder"
    assert observed.above("invoke_agent coder") == "stage code"
    assert observed.above("stage code") == "invoke_workflow build"
    assert observed.named("invoke_workflow build").parent is None
    assert len(observed.ended) == 5


def test_each_span_is_as_long_as_what_it_stands_for(observed: Observed) -> None:
    observed.say(STARTED, begins(), waits(), says(), charged(), calls(), called(), ends(), COMPLETED)

    assert seconds(observed.named("chat a-model")) == (3, 5)
    assert seconds(observed.named("execute_tool Edit")) == (6, 7)
    assert seconds(observed.named("invoke_agent coder")) == (3, 7)
    assert seconds(observed.named("stage code")) == (2, 8)
    assert seconds(observed.named("invoke_workflow build")) == (1, 9)


def test_no_text_of_a_run_is_in_a_span(observed: Observed) -> None:
    instruction = AgentEvent(agent="ann", event_type="decision", details={"text": SECRET, INSTRUCTION: SECRET})
    failed = WorkflowError(kind="broken", error=SECRET, blame="agent", recovery=(SECRET,), partial={"x": SECRET})
    asked = GateOpened(gate_id=SECRET, question=SECRET, schema={}, parked=False)
    answered = GateAnswered(gate_id=SECRET, answer=SECRET, by=SECRET)

    observed.say(STARTED, begins(), says(), calls(), called(ok=False), instruction, asked, answered, ends(), failed)

    assert observed.ended
    assert not [span.name for span in observed.ended if SECRET in span.to_json() or "ann" in span.name]


def test_a_model_that_was_not_said_to_be_asked_began_after_the_agents_last_word(observed: Observed) -> None:
    observed.say(STARTED, begins(), calls(), called(), says(), says(), charged(), ends(), COMPLETED)

    chats = [span for span in observed.ended if span.name.startswith("chat")]
    assert [seconds(span) for span in chats] == [(3, 3), (4, 7)]


def test_what_is_charged_for_several_answers_is_not_one_answers(observed: Observed) -> None:
    observed.say(STARTED, begins(), says(), calls(), called(), says(), charged(30), ends(), COMPLETED)

    assert attribute(observed.named("chat a-model"), "gen_ai.usage.input_tokens") is None
    assert attribute(observed.named("invoke_agent coder"), "gen_ai.usage.input_tokens") == 30


def test_an_agents_usage_adds_up_and_an_unknown_cost_is_not_zero(observed: Observed) -> None:
    observed.say(STARTED, begins(), says(), charged(30), says(), charged(12, None), ends(), COMPLETED)

    agent = observed.named("invoke_agent coder")
    assert attribute(agent, "gen_ai.usage.input_tokens") == 42
    assert attribute(agent, "agent_workflows.cost_usd") is None
    costs = [attribute(span, "agent_workflows.cost_usd") for span in observed.ended if span.name == "chat a-model"]
    assert costs == [0.5, None]


def test_tools_side_by_side_have_spans_of_their_own_and_a_failed_one_says_so(observed: Observed) -> None:
    observed.say(STARTED, begins(), calls("1"), calls("2"), called("2", ok=False), called("1"), ends(), COMPLETED)

    tools = [span for span in observed.ended if span.name == "execute_tool Edit"]
    assert [seconds(span) for span in tools] == [(4, 5), (3, 6)]
    assert [span.status.status_code for span in tools] == [StatusCode.ERROR, StatusCode.UNSET]


def test_a_sub_agent_is_below_its_agent(observed: Observed) -> None:
    observed.say(STARTED, begins(), says(), says("coder ▸ explore"), ends(), COMPLETED)

    assert observed.above("invoke_agent coder ▸ explore") == "invoke_agent coder"


def test_agents_in_stages_side_by_side_keep_their_own(observed: Observed) -> None:
    observed.say(STARTED, begins("one"), says("a"), begins("two"), says("b"), says("a"), ends("one"), ends("two"))
    observed.say(COMPLETED)

    assert observed.above("invoke_agent a") == "stage one"
    assert observed.above("invoke_agent b") == "stage two"
    assert len(observed.ended) == 7


def test_an_agent_outside_of_all_stages_is_below_the_run_and_ends_when_one_begins(observed: Observed) -> None:
    observed.say(STARTED, says("supervisor"), begins(), says(), ends(), says("supervisor"), COMPLETED)

    turns = [span for span in observed.ended if span.name == "invoke_agent supervisor"]
    assert [seconds(span) for span in turns] == [(2, 2), (6, 6)]


@pytest.mark.parametrize(
    ("last", "how", "status"),
    [
        (COMPLETED, "completed", StatusCode.OK),
        (WorkflowError(kind="broken", error="", blame="agent", recovery=(), partial={}), "failed", StatusCode.ERROR),
        (WorkflowCancelled(by="ann", reason="", partial={}), "cancelled", StatusCode.UNSET),
    ],
)
def test_an_end_ends_everything_and_says_how(observed: Observed, last: EventBody, how: str, status: StatusCode) -> None:
    observed.say(STARTED, begins(), says(), calls(), last)

    run = observed.named("invoke_workflow build")
    assert (attribute(run, "agent_workflows.status"), run.status.status_code) == (how, status)
    assert {span.name for span in observed.ended} >= {"stage code", "invoke_agent coder", "execute_tool Edit"}


def test_a_run_that_waits_for_a_person_and_goes_on_is_two_stretches_of_one_trace(observed: Observed) -> None:
    observed.say(STARTED, begins(), GateOpened(gate_id="1", question="?", schema={}))
    observed.say(GateAnswered(gate_id="1", answer=True, by="ann"), says(), ends(), COMPLETED)

    stretches = [span for span in observed.ended if span.name == "invoke_workflow build"]
    assert [attribute(span, "agent_workflows.status") for span in stretches] == ["waiting", "completed"]
    assert [seconds(span) for span in stretches] == [(1, 3), (4, 7)]
    traces = {span.get_span_context().trace_id for span in observed.ended}  # pyright: ignore[reportOptionalMemberAccess] - an ended span has one
    assert traces == {trace_id_of("one")}


def test_a_question_that_an_agent_waits_with_is_no_end(observed: Observed) -> None:
    observed.say(STARTED, begins(), GateOpened(gate_id="1", question="?", schema={}, parked=False))
    observed.say(GateAnswered(gate_id="1", answer=True, by="ann"), ends(), COMPLETED)

    assert [event.name for event in observed.named("invoke_workflow build").events] == ["gate_opened", "gate_answered"]


def test_a_run_that_is_resumed_begins_a_stretch_and_a_fork_does_not(observed: Observed) -> None:
    resumed = WorkflowResumed(after=1, next=("code",))
    observed.say(STARTED, resumed, begins(), resumed, begins(), ends(), COMPLETED)

    stretches = [span for span in observed.ended if span.name == "invoke_workflow build"]
    assert [seconds(span) for span in stretches] == [(1, 4), (4, 7)]


def test_runs_side_by_side_do_not_mix(observed: Observed) -> None:
    observed.say(STARTED, begins(), run_id="one")
    observed.say(STARTED, begins(), says(), ends(), COMPLETED, run_id="two")

    assert {span.get_span_context().trace_id for span in observed.ended} == {trace_id_of("two")}  # pyright: ignore[reportOptionalMemberAccess] - as above


def test_what_is_open_at_the_end_of_the_process_is_interrupted(observed: Observed) -> None:
    observed.say(STARTED, begins(), says(), calls())
    observed.spans.close()

    assert attribute(observed.named("invoke_workflow build"), "agent_workflows.status") == "interrupted"
    assert len(observed.ended) == 5
