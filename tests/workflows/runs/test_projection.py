from dataclasses import replace
from functools import reduce

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
    RunEvent,
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
    WorkflowStarted,
)
from workflows.runs.history import History
from workflows.runs.projection import project, project_all
from workflows.runs.run import Run, RunFailure, RunStatus, RunUsage

QUIET: list[EventBody] = [
    WorkflowEvent(node="n", state_update={}),
    SupervisorEvent(event_type="analysis", reasoning="r"),
    AgentEvent(agent="a", event_type="think"),
    ReasoningStepTaken(agent="a", step=1, thought="t"),
    TokenStream(agent="a", channel="text", text="t"),
    ToolEnd(agent="a", tool="t", call_id="c", seconds=1.0, ok=True, output=""),
    Heartbeat(agent="a", stage="s", seconds=5.0, waiting_for="model", reason="r"),
]
STARTED = WorkflowStarted(workflow="ask", input={}, stages=(), offline=False)
COMPLETED = WorkflowCompleted(
    final_response="because", result={"answer": 42}, usage={}, seconds=1.0, tool_calls=0, steps=0
)
TELLING: list[EventBody] = [
    STARTED,
    StageStarted(stage="design", round=1),
    StageCompleted(stage="design", round=1, seconds=1.0, output={}),
    ToolStart(agent="a", tool="t", call_id="c", input={}),
    UsageRecorded(agent="a", model="m", input_tokens=10, output_tokens=5, cost_usd=0.25),
    UsageRecorded(agent="a", model="m", input_tokens=1, output_tokens=1, cost_usd=None),
    COMPLETED,
    WorkflowError(kind="rate_limited", error="too fast", blame="provider", recovery=["wait"], partial={"design": "d"}),
    WorkflowCancelled(by="ann", reason="enough", partial={"design": "d"}),
]


def new_run(status: RunStatus = "queued") -> Run:
    return Run(run_id="r", workflow="ask", input={}, workspace="/srv", owner="ann", key="k", status=status)


def moment(seconds: int) -> str:
    return f"2026-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000+00:00"


def event(seq: int, body: EventBody, time: str = "") -> RunEvent:
    return RunEvent(
        run_id="r", seq=seq, time=time or moment(seq), message=f"message {seq}", progress=float(seq), body=body
    )


def after(*bodies: EventBody, status: RunStatus = "queued") -> Run:
    return project_all(new_run(status), [event(seq, body) for seq, body in enumerate(bodies, 1)])


@pytest.mark.parametrize("body", [*QUIET, *TELLING], ids=lambda body: type(body).__name__)
def test_every_event_brings_the_newest_number_line_progress_and_time(body: EventBody) -> None:
    run = project(new_run(), event(3, body))

    assert (run.last_seq, run.message, run.progress, run.updated_at) == (3, "message 3", 3.0, moment(3))


@pytest.mark.parametrize("body", QUIET, ids=lambda body: type(body).__name__)
def test_most_events_bring_nothing_else(body: EventBody) -> None:
    run = after(STARTED, body)

    assert (run.status, run.stage, run.usage, run.ended_at) == ("running", "", RunUsage(), "")


def test_a_run_that_waits_for_a_slot_is_queued_until_it_says_anything_else() -> None:
    waiting = Heartbeat(agent="", stage="", seconds=0.0, waiting_for="slot", reason="r")

    assert after(STARTED, waiting).status == "queued"
    assert after(STARTED, waiting, waiting).status == "queued"
    assert after(STARTED, waiting, QUIET[-1]).status == "running"


def test_the_stage_is_the_one_that_started_last() -> None:
    done = StageCompleted(stage="design", round=1, seconds=1.0, output={})

    assert after(StageStarted(stage="design", round=1), done).stage == "design"
    assert after(StageStarted(stage="design", round=1), StageStarted(stage="code", round=1)).stage == "code"


def test_usage_adds_up() -> None:
    used = UsageRecorded(agent="a", model="m", input_tokens=10, output_tokens=5, cost_usd=0.25)
    call = ToolStart(agent="a", tool="t", call_id="c", input={})
    done = StageCompleted(stage="design", round=1, seconds=1.0, output={})

    run = after(used, call, used, call, done, call)

    assert run.usage == RunUsage(input_tokens=20, output_tokens=10, cost_usd=0.5, tool_calls=3, steps=1)


def test_an_unknown_part_makes_the_cost_unknown() -> None:
    known = UsageRecorded(agent="a", model="m", input_tokens=1, output_tokens=1, cost_usd=0.25)
    unknown = UsageRecorded(agent="a", model="m", input_tokens=1, output_tokens=1, cost_usd=None)

    assert after(known, unknown, known).usage == RunUsage(input_tokens=3, output_tokens=3, cost_usd=None)


def test_a_completed_run_has_its_result() -> None:
    run = after(STARTED, COMPLETED)

    assert (run.status, run.result, run.final_response) == ("completed", {"answer": 42}, "because")
    assert (run.failure, run.ended_at) == (None, moment(2))


def test_a_failed_run_says_why() -> None:
    body = WorkflowError(kind="rate_limited", error="too fast", blame="provider", recovery=["wait"], partial={"a": "b"})

    run = after(STARTED, body)

    failure = RunFailure(
        kind="rate_limited", message="too fast", blame="provider", recovery=("wait",), partial={"a": "b"}
    )
    assert (run.status, run.failure, run.ended_at) == ("failed", failure, moment(2))


@pytest.mark.parametrize(("reason", "message"), [("enough", "Cancelled by ann: enough."), ("", "Cancelled by ann.")])
def test_a_cancelled_run_says_by_whom(reason: str, message: str) -> None:
    run = after(STARTED, WorkflowCancelled(by="ann", reason=reason, partial={"a": "b"}))

    failure = RunFailure(kind="cancelled", message=message, blame="caller", partial={"a": "b"})
    assert (run.status, run.failure, run.ended_at) == ("cancelled", failure, moment(2))


@pytest.mark.parametrize("body", QUIET, ids=lambda body: type(body).__name__)
def test_an_interrupted_run_runs_again_with_any_event(body: EventBody) -> None:
    assert after(body, status="interrupted").status == "running"


def test_an_interrupted_run_can_be_cancelled() -> None:
    assert after(WorkflowCancelled(by="ann", reason="", partial={}), status="interrupted").status == "cancelled"


def heartbeat(waiting_for: str) -> Heartbeat:
    return Heartbeat(agent="", stage="", seconds=0.0, waiting_for=waiting_for, reason="r")


ASKED = GateOpened(gate_id="1-a", question="?", schema={}, expires_at="")
ANSWERED = GateAnswered(gate_id="1-a", answer={}, by="ann", outcome="accepted")
ASKED_LIVE = GateOpened(gate_id="2-live", question="?", schema={}, expires_at="", parked=False)
ANSWERED_LIVE = GateAnswered(gate_id="2-live", answer={}, by="ann", outcome="accepted")
RESUMED = WorkflowResumed(after=1, next=())


@pytest.mark.parametrize(
    "night",
    [
        [(moment(60), ASKED), (moment(36_060), ANSWERED)],
        [(moment(60), ASKED_LIVE), (moment(18_060), QUIET[-1]), (moment(36_060), ANSWERED_LIVE)],
        [(moment(60), ASKED_LIVE), (moment(60), ASKED), (moment(18_060), ANSWERED), (moment(36_060), ANSWERED_LIVE)],
        [(moment(60), ASKED_LIVE), (moment(36_060), heartbeat("start")), (moment(36_060), RESUMED)],
        [(moment(60), QUIET[0]), (moment(36_060), heartbeat("start")), (moment(36_060), RESUMED)],
        [(moment(60), QUIET[0]), (moment(36_060), heartbeat("slot")), (moment(36_060), RESUMED)],
    ],
    ids=[
        "for an answer",
        "for a permission",
        "for both",
        "for a permission nobody needs any more",
        "without a process",
        "for a place",
    ],
)
def test_a_night_in_which_a_run_waited_is_no_time_at_work(night: list[tuple[str, EventBody]]) -> None:
    told = [(moment(0), STARTED), *night, (moment(36_090), COMPLETED)]
    events = [event(seq, body, time) for seq, (time, body) in enumerate(told, 1)]

    assert project_all(new_run(), events).seconds == 90


def test_the_time_before_a_run_begins_is_no_time_at_work() -> None:
    created = replace(new_run(), updated_at=moment(0))

    assert project_all(created, [event(1, STARTED, moment(3600)), event(2, COMPLETED, moment(3601))]).seconds == 1


def test_no_event_changes_nothing() -> None:
    assert project_all(new_run(), []) == new_run()


@given(st.lists(st.sampled_from([*QUIET, *TELLING]), max_size=20), st.sampled_from(["queued", "interrupted"]))
def test_all_at_once_is_the_same_as_one_by_one(bodies: list[EventBody], status: RunStatus) -> None:
    events = [event(seq, body) for seq, body in enumerate(bodies, 1)]

    assert project_all(new_run(status), events) == reduce(project, events, new_run(status))


GATES: list[EventBody] = [ASKED, ANSWERED, ASKED_LIVE, ANSWERED_LIVE]


@given(st.lists(st.sampled_from([*QUIET, *TELLING, *GATES, RESUMED, heartbeat("slot")]), max_size=20))
def test_the_row_says_the_seconds_with_which_the_run_goes_on(bodies: list[EventBody]) -> None:
    history = History()
    events = [event(seq, body) for seq, body in enumerate(bodies, 1)]
    for each in events:
        history.take(each)

    assert project_all(new_run(), events).seconds == history.seconds
