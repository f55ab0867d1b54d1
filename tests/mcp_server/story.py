"""A run as its log tells it, from its first event to its last; and a maker of single events."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

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
    WorkflowCompleted,
    WorkflowEvent,
    WorkflowStarted,
)
from workflows.runs.message import describe

RUN_ID = "3f2a9c1b0d5e6f708192"
WORKSPACE = "/home/somebody/exporter"
STAGES = (
    StageInfo(name="supervisor", title="Decide who goes next"),
    StageInfo(name="codesmith", title="Write the code"),
    StageInfo(name="reviewfix", title="Review and mend"),
)


def event(
    body: EventBody, *, seq: int = 1, at: float = 0.0, progress: float = 0.0, truncated: Sequence[Truncation] = ()
) -> RunEvent:
    """An entry of a log, `at` seconds after noon."""
    time = datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=at)
    return RunEvent(
        run_id=RUN_ID,
        seq=seq,
        time=time.isoformat(),
        message=describe(body, workspace=WORKSPACE),
        progress=progress,
        body=body,
        truncated=truncated,
    )


def started(*, offline: bool = False) -> WorkflowStarted:
    task = {"task": "Add a --json flag", "constraints": ["no new dependencies"]}
    return WorkflowStarted(workflow="build_feature", input=task, stages=STAGES, offline=offline)


def story() -> list[RunEvent]:
    """A whole run: routing, live text, a failed test, a thought, a review, the end."""
    return [
        event(body, seq=seq, at=at, progress=progress)
        for seq, (at, progress, body) in enumerate(_happenings(), start=1)
    ]


def _happenings() -> Iterator[tuple[float, float, EventBody]]:
    yield 0, 0, started()
    yield 1, 1, StageStarted(stage="supervisor", round=1)
    yield 2, 5, _decision()
    yield 3, 10, WorkflowEvent(node="supervisor", state_update={"next": "codesmith"})
    yield 3, 10, StageCompleted(stage="supervisor", round=1, seconds=2.0, output={})
    yield 3, 10, StageStarted(stage="codesmith", round=1)
    for word in ("I look ", "at the ", "writer first."):
        yield 4, 12, TokenStream(agent="codesmith", channel="text", text=word)
    yield 5, 20, _start("1", "Edit", {"file_path": f"{WORKSPACE}/src/writers.py"})
    yield 6, 25, _end("1", "Edit", "The file has been updated.", seconds=0.2)
    yield 7, 30, _start("2", "Bash", {"command": "python -m unittest"})
    yield (
        12,
        30,
        Heartbeat(agent="codesmith", stage="codesmith", seconds=5.0, waiting_for="tool", reason="Bash is running"),
    )
    yield 13, 35, _end("2", "Bash", "Exit code 1\n....F\nFAILED (failures=1)", seconds=6.2, ok=False)
    yield 14, 35, _usage(0.04)
    yield 15, 36, TokenStream(agent="codesmith", channel="thinking", text="The header is still ")
    yield 16, 36, TokenStream(agent="codesmith", channel="thinking", text="written.")
    yield 17, 40, AgentEvent(agent="codesmith", event_type="think", details={"text": "The header is still written."})
    yield 18, 45, ReasoningStepTaken(agent="codesmith", step=2, thought="Move the header.")
    yield 19, 50, AgentEvent(agent="codesmith", event_type="result", details={"text": "All tests pass.", "tests": 6})
    yield 20, 66, StageCompleted(stage="codesmith", round=1, seconds=17.0, output={})
    yield 20, 66, StageStarted(stage="reviewfix", round=1)
    yield 50, 66, Heartbeat(agent="", stage="reviewfix", seconds=30.0, waiting_for="start", reason="starting claude")
    yield 51, 80, AgentEvent(agent="reviewfix", event_type="decision", details={"text": "approve"})
    yield 52, 99, StageCompleted(stage="reviewfix", round=1, seconds=32.0, output={})
    usage = {"input_tokens": 1200, "output_tokens": 80, "cost_usd": 0.04}
    yield (
        53,
        100,
        WorkflowCompleted(
            final_response="The flag is there.", result={}, usage=usage, seconds=53.0, tool_calls=2, steps=3
        ),
    )


def _decision() -> SupervisorEvent:
    return SupervisorEvent(
        event_type="decision", reasoning="The place is known.", confidence=0.85, next_agent="codesmith"
    )


def _start(call_id: str, tool: str, input: dict[str, object]) -> ToolStart:
    return ToolStart(agent="codesmith", tool=tool, call_id=call_id, input=input)


def _end(call_id: str, tool: str, output: str, *, seconds: float, ok: bool = True) -> ToolEnd:
    return ToolEnd(agent="codesmith", tool=tool, call_id=call_id, seconds=seconds, ok=ok, output=output)


def _usage(cost_usd: float | None) -> UsageRecorded:
    return UsageRecorded(agent="codesmith", model="a-model", input_tokens=1200, output_tokens=80, cost_usd=cost_usd)
