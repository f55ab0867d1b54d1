"""The reporter, on a log that the test writes and with a wire that the test holds."""

import math
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import anyio
import pytest

from mcp_server.progress import DRAIN_SECONDS, LEAD_SECONDS, LEAST_INTERVAL, ProgressFrame, ProgressReporter
from workflows.runs.events import (
    AgentEvent,
    EventBody,
    Heartbeat,
    RunEvent,
    TokenStream,
    ToolStart,
    UsageRecorded,
    WorkflowCompleted,
    WorkflowError,
    WorkflowStarted,
)
from workflows.runs.run import Run

pytestmark = pytest.mark.anyio

RUN = Run(run_id="r1", workflow="build_feature", input={}, workspace="/w", owner="local", key="k")
STARTED = WorkflowStarted(workflow="build_feature", input={}, stages=[], offline=False)
COMPLETED = WorkflowCompleted(final_response="done", result={}, usage={}, seconds=1, tool_calls=0, steps=0)
FAILED = WorkflowError(kind="x", error="it broke", blame="server", recovery=[], partial={})
BEAT = Heartbeat(agent="a", stage="s", seconds=5, waiting_for="model", reason="waiting for the model")


def tool(number: int) -> ToolStart:
    return ToolStart(agent="codesmith", tool="Read", call_id=str(number), input={"file_path": f"{number}.py"})


@dataclass
class Story:
    """Stands for the log and the engine: events the test tells, one batch at a time."""

    events: list[RunEvent] = field(default_factory=list[RunEvent])
    news: anyio.Event = field(default_factory=anyio.Event)
    over: bool = False

    def tell(self, *bodies: EventBody, progress: float = 0) -> None:
        for body in bodies:
            seq = len(self.events) + 1
            self.events.append(RunEvent(run_id="r1", seq=seq, time="t", message="m", progress=progress, body=body))
        self.news.set()
        self.news = anyio.Event()

    def end(self, body: EventBody, progress: float = 100) -> None:
        self.over = True
        self.tell(body, progress=progress)

    async def follow(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        del run_id
        while True:
            if batch := self.events[after:]:
                after += len(batch)
                yield batch
            elif self.over:
                return
            else:
                await self.news.wait()

    async def read(self, run_id: str, after: int = 0, limit: int = 500) -> Sequence[RunEvent]:
        del run_id
        return self.events[after : after + limit]


@dataclass
class Wire:
    """Where frames arrive; can be held up."""

    frames: list[ProgressFrame] = field(default_factory=list[ProgressFrame])
    times: list[float] = field(default_factory=list[float])
    open: anyio.Event | None = None
    asked: anyio.Event = field(default_factory=anyio.Event)
    news: anyio.Event = field(default_factory=anyio.Event)

    async def send(self, frame: ProgressFrame) -> None:
        if self.open is not None:
            self.asked.set()
            await self.open.wait()
        self.frames.append(frame)
        self.times.append(time.monotonic())
        self.news.set()
        self.news = anyio.Event()

    async def until(self, count: int) -> None:
        with anyio.fail_after(5):
            while len(self.frames) < count:
                await self.news.wait()

    @property
    def messages(self) -> list[str]:
        return [frame.message for frame in self.frames]


def reporter(story: Story, wire: Wire) -> ProgressReporter:
    return ProgressReporter(story, story, wire.send, "/w")  # type: ignore[arg-type]  # the two methods it uses


async def report(reporter: ProgressReporter, run: Run, after: int, seconds: float | None = None) -> None:
    await reporter.begin(run, after, f"joined run {run.run_id} · " if after else "")
    await reporter.follow(until=math.inf if seconds is None else anyio.current_time() + seconds)


async def test_a_whole_run_is_told_in_order_and_ends_at_100() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED, tool(1), tool(2))
    story.end(COMPLETED)
    with anyio.fail_after(5):
        await report(reporter(story, wire), RUN, 0)
    assert "r1" in wire.messages[0]
    assert [frame.event["seq"] for frame in wire.frames] == [1, 2, 3, 4]
    assert wire.frames[-1].progress == 100


async def test_the_first_line_is_sent_at_once_and_the_others_keep_their_distance() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED, *(tool(number) for number in range(5)))
    began = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, reporter(story, wire), RUN, 0)
        await wire.until(6)
        tasks.cancel_scope.cancel()
    gaps = [later - earlier for earlier, later in zip(wire.times, wire.times[1:], strict=False)]
    assert wire.times[0] - began < LEAST_INTERVAL
    assert min(gaps) > LEAST_INTERVAL * 0.95


async def test_progress_rises_with_every_line_even_where_nothing_measurable_was_done() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED, BEAT, BEAT, BEAT, progress=20)
    story.tell(tool(1), progress=20)
    story.end(FAILED, progress=20)
    with anyio.fail_after(5):
        await report(reporter(story, wire), RUN, 0)
    progress = [frame.progress for frame in wire.frames]
    assert progress == sorted(set(progress))
    assert progress[0] == 20
    assert progress[-1] < 21, "a run that fails has not reached its end"


async def test_token_text_is_one_line_at_a_time_and_never_the_reason_for_a_delay() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED, *(TokenStream(agent="a", channel="text", text=f"w{n} ") for n in range(500)))
    story.end(COMPLETED)
    with anyio.fail_after(2):
        await report(reporter(story, wire), RUN, 0)
    assert len(wire.frames) <= 3
    covered = [(frame.event["first_seq"], frame.event["last_seq"]) for frame in wire.frames]
    assert covered[0][0] == 1
    assert covered[-1][1] == 502


async def test_a_burst_at_the_end_does_not_hold_up_the_result_for_long() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED, *(tool(number) for number in range(25)))
    story.end(COMPLETED)
    began = time.monotonic()
    with anyio.fail_after(5):
        await report(reporter(story, wire), RUN, 0)
    assert time.monotonic() - began < DRAIN_SECONDS + 0.5
    assert wire.frames[-1].event["type"] == "workflow_completed"


async def test_a_client_that_does_not_read_holds_up_nothing_but_its_own_lines() -> None:
    story, wire = Story(), Wire(open=anyio.Event())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, reporter(story, wire), RUN, 0)
        for number in range(2000):
            story.tell(tool(number))
            if number % 100 == 0:
                await anyio.lowlevel.checkpoint()
        story.end(COMPLETED)
        await anyio.lowlevel.checkpoint()
        assert wire.frames == []
        assert wire.open is not None
        wire.open.set()
        with anyio.fail_after(5):
            while not wire.frames or wire.frames[-1].event["type"] != "workflow_completed":
                await wire.news.wait()
    assert len(wire.frames) < 40, "what it missed is in the log, not in a queue"


async def test_what_is_quiet_for_long_says_its_last_line_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_server.progress.LONGEST_SILENCE", 0.05)
    story, wire = Story(), Wire()
    story.tell(STARTED)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, reporter(story, wire), RUN, 0)
        await wire.until(3)
        tasks.cancel_scope.cancel()
    assert len(set(wire.messages)) == 1
    assert wire.frames[2].progress > wire.frames[1].progress > wire.frames[0].progress


async def test_a_call_that_joins_a_run_begins_with_where_the_run_is() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED, tool(1), AgentEvent(agent="codesmith", event_type="think", details={"text": "hm"}))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, reporter(story, wire), RUN, 3)
        await wire.until(1)
        story.tell(tool(2))
        await wire.until(2)
        tasks.cancel_scope.cancel()
    assert [frame.event["seq"] for frame in wire.frames] == [3, 4]


async def test_a_call_that_joins_a_long_run_begins_with_its_newest_line_whatever_came_after_it() -> None:
    story, wire = Story(), Wire()
    spent = UsageRecorded(agent="codesmith", model="m", input_tokens=1, output_tokens=1, cost_usd=0.1)
    story.tell(STARTED, *(tool(number) for number in range(600)), spent, spent)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, reporter(story, wire), RUN, 603)
        await wire.until(1)
        story.tell(tool(1))
        await wire.until(2)
        tasks.cancel_scope.cancel()
    covered = [(frame.event["first_seq"], frame.event["last_seq"]) for frame in wire.frames]
    assert covered == [(601, 601), (602, 604)]


async def test_a_call_that_waits_for_nothing_still_says_that_the_run_has_started() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED)
    with anyio.fail_after(5):
        await report(reporter(story, wire), RUN, 0, 0)
    assert [frame.event["seq"] for frame in wire.frames] == [1]


async def test_a_line_that_is_cut_off_while_it_is_sent_leaves_no_gap() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED, tool(1), tool(2))
    told = reporter(story, wire)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, told, RUN, 0)
        await wire.until(1)
        wire.open = anyio.Event()  # the next one is not taken
        with anyio.fail_after(5):
            await wire.asked.wait()
        tasks.cancel_scope.cancel()
    wire.open = None
    await told.close()
    covered = [(frame.event["first_seq"], frame.event["last_seq"]) for frame in wire.frames]
    assert covered == [(1, 1), (2, 3)]


async def test_closing_says_the_newest_thing_that_was_not_said_yet() -> None:
    story, wire = Story(), Wire()
    told = reporter(story, wire)
    story.tell(STARTED, tool(1), tool(2), tool(3))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, told, RUN, 0)
        await wire.until(1)
        tasks.cancel_scope.cancel()
    await told.close()
    await told.close()
    assert [frame.event["seq"] for frame in wire.frames][-1] == 4
    assert len(wire.frames) == 2


async def test_the_answer_does_not_come_in_one_piece_with_the_last_line() -> None:
    story, wire = Story(), Wire()
    story.tell(STARTED)
    story.end(COMPLETED)
    with anyio.fail_after(5):
        await report(reporter(story, wire), RUN, 0)
    assert time.monotonic() - wire.times[-1] >= LEAD_SECONDS


async def test_a_call_that_wants_no_lines_waits_for_none() -> None:
    story = Story()
    story.tell(STARTED, *(tool(number) for number in range(30)))
    story.end(COMPLETED)
    nobody = ProgressReporter(story, story, None, "/w")  # type: ignore[arg-type]  # the two methods it uses
    began = time.monotonic()
    await report(nobody, RUN, 0)
    await nobody.close()
    assert time.monotonic() - began < LEAST_INTERVAL
