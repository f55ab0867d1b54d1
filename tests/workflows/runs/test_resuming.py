"""Runs that go on after their process has gone: nothing that was finished is done again."""

from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import anyio
import msgspec
import pytest
from anyio.lowlevel import checkpoint

from agents.agent import AgentReply, AgentTask
from agents.events import (
    AgentSaid,
    ConversationOpened,
    Emit,
    Progressed,
    TextStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
    UsageReported,
    Waiting,
)
from tests.workflows.runs.floor import Floor, Held, floor, full
from tests.workflows.runs.small_workflows import (
    FOUR,
    branches,
    four_stages,
    one_stage,
    two_side_by_side,
    workflow,
)
from workflows.runs.errors import InputRejected, LogUnavailable, RunNotFound, RunNotResumable
from workflows.runs.events import (
    RunEvent,
    StageCompleted,
    StageStarted,
    UsageRecorded,
    WorkflowCompleted,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.history import History
from workflows.runs.run import Run, RunFilter, Steering
from workflows.workflow import Workflow

pytestmark = pytest.mark.anyio

ONE_STAGE = workflow(one_stage, "work")
SIDE_BY_SIDE = workflow(two_side_by_side, "left", "right", "join", name="pair")
STAGES = workflow(four_stages, *FOUR, name="four")


class Worker:
    """An agent that stops at one prompt, until it is told to go on, and counts what it was asked."""

    def __init__(self, stops_at: str = "") -> None:
        self.asked: Counter[str] = Counter()
        self.prompts: list[str] = []
        self.stops_at = stops_at
        self.stopped = anyio.Event()

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        name = task.prompt.split("\n")[0]
        self.asked[name] += 1
        self.prompts.append(task.prompt)
        emit(TextStreamed(text=f"about {name}"))
        emit(UsageReported(model="m", input_tokens=10, output_tokens=1, cost_usd=0.1))
        if name == self.stops_at:
            self.stopped.set()
            await anyio.sleep_forever()
        return AgentReply(text=f"{name} done")


OPENED = ConversationOpened(session_id="s", resumable=True)
EDITS = ToolStarted(tool="Edit", call_id="1", input={})
EDITED = ToolEnded(tool="Edit", call_id="1", seconds=0.1, ok=True, output="done")
ASKS = Waiting(reason="model", message="waiting for m")
USED = UsageReported(model="m", input_tokens=10, output_tokens=1, cost_usd=0.1)


class Killed(Worker):
    """An agent that says what it is told to, and then works until its server is gone."""

    def __init__(self, said: list[AgentSaid]) -> None:
        super().__init__()
        self.said = said

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        del task
        for each in self.said:
            emit(each)
        self.stopped.set()
        await anyio.sleep_forever()
        raise AssertionError


def a_day_later(event: RunEvent) -> RunEvent:
    """The event as if everything from it on had happened a day later."""
    return msgspec.structs.replace(event, time=(datetime.fromisoformat(event.time) + timedelta(days=1)).isoformat())


def seconds_at_work(events: list[RunEvent], left_at: int) -> float:
    """How long a run was at work, as if it had been gone on with a day after its event `left_at`."""
    history = History()
    for event in events:
        history.take(event if event.seq <= left_at else a_day_later(event))
    return history.seconds


async def interrupted(
    directory: Path, worker: Worker, chosen: Workflow = STAGES, *, question: str = "why", max_cost_usd: float = 100
) -> Run:
    """A run that was left in the middle of a stage."""
    async with floor(directory, worker.act) as at:
        run = await at.start(chosen, question, max_cost_usd=max_cost_usd)
        with anyio.fail_after(5):
            await worker.stopped.wait()
            await at.log.flush()
    return run


async def left_with_an_instruction(directory: Path, worker: Worker) -> Run:
    """A run that was told "in German" in the middle of a stage, and then left there."""
    async with floor(directory, worker.act) as at:
        run = await at.start(STAGES)
        with anyio.fail_after(5):
            await worker.stopped.wait()
        await at.engine.steer(run.run_id, Steering(text="in German", by="Ann"))
    return run


def completed(events: list[RunEvent]) -> list[tuple[str, int]]:
    return [(event.body.stage, event.body.round) for event in events if isinstance(event.body, StageCompleted)]


def ended_nodes(events: list[RunEvent]) -> list[RunEvent]:
    return [event for event in events if event.type == "workflow_event"]


async def until_told(at: Floor, run: Run, fits: Callable[[list[RunEvent]], bool]) -> None:
    """Wait until a run's log is as wanted."""
    while not fits(await at.events(run)):
        await checkpoint()


async def resumed(at: Floor, run: Run) -> tuple[Run, list[RunEvent]]:
    ended = await at.ended(await at.engine.resume(run.run_id, by="test"))
    return ended, await at.events(run)


async def test_a_run_that_was_lost_before_it_said_anything_begins_its_log_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with floor(tmp_path, Worker().act) as at:
        with monkeypatch.context() as patch:
            patch.setattr(at.log, "open", full)
            with pytest.raises(LogUnavailable, match="disk is full"):
                await at.start(STAGES)
        await at.newest("interrupted")
        run = await at.ended(await at.start(STAGES))
        events = await at.events(run)

    assert [event.seq for event in events if isinstance(event.body, WorkflowStarted)] == [1]
    assert run.status == "completed"


@pytest.mark.parametrize("stage", FOUR)
async def test_a_run_goes_on_with_the_stage_it_was_left_in(tmp_path: Path, stage: str) -> None:
    first = Worker(stops_at=stage)
    run = await interrupted(tmp_path, first)
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["four"] = STAGES
        ended, events = await resumed(at, run)

    left = FOUR[FOUR.index(stage) :]
    assert ended.status == "completed"
    assert list(second.asked) == list(left)
    assert completed(events) == [(name, 1) for name in FOUR]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.progress for event in events] == sorted(event.progress for event in events)
    (again,) = (event.body for event in events if isinstance(event.body, WorkflowResumed))
    assert again.next == (stage,)


async def test_what_was_superseded_is_named_by_number(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="second"))
    async with floor(tmp_path, Worker().act) as at:
        at.workflows["four"] = STAGES
        _, events = await resumed(at, run)
    (again,) = (event.body for event in events if isinstance(event.body, WorkflowResumed))
    begun = [event.seq for event in events if event.body == StageStarted(stage="second", round=1)]
    assert again.after == begun[0] - 1
    assert len(begun) == 2


async def test_usage_and_seconds_add_up_over_the_attempts(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="third"))
    async with floor(tmp_path, Worker().act) as at:
        at.workflows["four"] = STAGES
        ended, events = await resumed(at, run)
    assert ended.usage.input_tokens == 50  # the third was asked twice, and both times paid for
    assert isinstance(last := events[-1].body, WorkflowCompleted)
    assert last.usage["input_tokens"] == 50
    assert last.steps == 4


async def test_money_that_was_spent_before_counts_against_the_limit(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="third"), max_cost_usd=0.35)
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["four"] = STAGES
        ended, _ = await resumed(at, run)
    assert ended.failure is not None
    assert (ended.status, ended.failure.kind) == ("failed", "cost_limit_reached")
    assert list(second.asked) == ["third"]
    assert list(ended.failure.partial) == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ([OPENED], ["worker"]),
        ([OPENED, EDITS, TextStreamed(text="b", speaker=("explore",))], ["worker"]),
        ([USED, TextStreamed(text="about the next")], ["worker"]),
        ([TextStreamed(text="b", speaker=("explore",)), USED, Thought(text="done")], []),
        ([OPENED, EDITS, USED], []),
        ([OPENED, USED, EDITS], ["worker"]),
        ([USED, EDITS], []),
        ([USED, Thought(text="done"), EDITS, Waiting(reason="tool", message="Edit is running")], []),
        ([USED, EDITS, EDITED], ["worker"]),
        ([USED, EDITS, EDITED, EDITS], []),
        ([USED, EDITS, EDITED, ASKS, TextStreamed(text="about the next"), EDITS], ["worker"]),
        ([ASKS, USED, ASKS, EDITS], ["worker"]),
        ([Progressed(message="begins")], []),
    ],
)
async def test_what_agents_used_and_could_not_tell_before_a_kill_makes_the_cost_unknown(
    tmp_path: Path, said: list[AgentSaid], lost: list[str]
) -> None:
    killed = Killed(said)
    run = await interrupted(tmp_path, killed, ONE_STAGE)
    async with floor(tmp_path, Worker().act) as at:
        at.workflows["small"] = ONE_STAGE
        ended, events = await resumed(at, run)
    unknown = [event.body for event in events if isinstance(event.body, UsageRecorded) and event.body.cost_usd is None]
    assert [used.agent for used in unknown] == lost
    assert isinstance(last := events[-1].body, WorkflowCompleted)
    assert last.usage["cost_usd"] == ended.usage.cost_usd
    assert (ended.usage.cost_usd is None) == bool(lost)


async def test_scripted_work_that_was_cut_off_costs_nothing(tmp_path: Path) -> None:
    killed = Killed([EDITS, TextStreamed(text="a")])
    async with floor(tmp_path, killed.act, offline=True) as at:
        run = await at.start(ONE_STAGE)
        with anyio.fail_after(5):
            await killed.stopped.wait()
            await at.log.flush()
    async with floor(tmp_path, Worker().act, offline=True) as at:
        at.workflows["small"] = ONE_STAGE
        ended, _ = await resumed(at, run)
    assert ended.usage.cost_usd == pytest.approx(0.1)


async def test_what_was_lost_is_told_once_however_often_the_run_is_resumed(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Killed([OPENED]), ONE_STAGE)
    again = Killed([])
    async with floor(tmp_path, again.act) as at:
        at.workflows["small"] = ONE_STAGE
        await at.engine.resume(run.run_id, by="test")
        with anyio.fail_after(5):
            await again.stopped.wait()
    async with floor(tmp_path, Worker().act) as at:
        at.workflows["small"] = ONE_STAGE
        ended, events = await resumed(at, run)
    assert ended.usage.cost_usd is None
    assert [event.message for event in events].count("worker: used an unknown amount") == 1


async def test_the_same_request_goes_on_with_the_interrupted_run(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="fourth"))
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        again = await at.start(STAGES)
        ended = await at.ended(again)
    assert again.run_id == run.run_id
    assert (ended.status, list(second.asked)) == ("completed", ["fourth"])


async def test_of_those_that_resume_a_run_at_once_one_works_on_it(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="second"))
    second, third = Worker(), Worker()
    async with floor(tmp_path, second.act) as at, floor(tmp_path, third.act) as other:
        at.workflows["four"] = other.workflows["four"] = STAGES
        async with anyio.create_task_group() as tasks:
            for each in (at, other, at, other):
                tasks.start_soon(lambda each=each: each.engine.resume(run.run_id, by="test"))
        ended = await at.ended(run)
        events = await at.events(run)
    assert ended.status == "completed"
    assert second.asked + third.asked == Counter(second=1, third=1, fourth=1)
    assert completed(events) == [(name, 1) for name in FOUR]


async def test_nodes_side_by_side_that_had_ended_are_not_done_again(tmp_path: Path) -> None:
    chosen = workflow(two_side_by_side, "left", "right", name="sides")
    first = Worker(stops_at="right")
    async with floor(tmp_path, first.act) as at:
        run = await at.start(chosen)
        with anyio.fail_after(5):
            await first.stopped.wait()
            await until_told(at, run, lambda events: bool(completed(events)))
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["sides"] = chosen
        ended, events = await resumed(at, run)
    assert (ended.status, list(second.asked)) == ("completed", ["right"])
    assert ended.result == {"answer": "left done right done"}
    assert completed(events) == [("left", 1), ("right", 1)]


async def test_branches_of_one_stage_that_had_ended_are_part_of_its_output(tmp_path: Path) -> None:
    chosen = workflow(branches, "dig", "sub", name="branches")
    first = Worker(stops_at="1")
    async with floor(tmp_path, first.act) as at:
        run = await at.start(chosen)
        with anyio.fail_after(5):
            await first.stopped.wait()
            await until_told(at, run, lambda events: len(ended_nodes(events)) == 3)  # plan and two of three
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["branches"] = chosen
        ended, events = await resumed(at, run)
    assert (ended.status, sorted(second.asked)) == ("completed", ["1", "inside"])
    (dug,) = (event.body for event in events if isinstance(event.body, StageCompleted) and event.body.stage == "dig")
    outputs = cast("list[dict[str, object]]", dug.output["branches"])
    assert sorted(str(output["parts"]) for output in outputs) == ["['0 done']", "['1 done']", "['2 done']"]


async def test_a_run_that_is_over_cannot_be_resumed_and_one_at_work_need_not_be(tmp_path: Path) -> None:
    worker = Worker(stops_at="first")
    async with floor(tmp_path, worker.act) as at:
        run = await at.start(STAGES)
        with anyio.fail_after(5):
            await worker.stopped.wait()
        assert (await at.engine.resume(run.run_id, by="test")).status == "running"
        await at.engine.cancel(run.run_id, by="test", reason="")
        with pytest.raises(RunNotResumable, match="it is cancelled"):
            await at.engine.resume(run.run_id, by="test")
        with pytest.raises(RunNotFound):
            await at.engine.resume("nobody", by="test")


async def test_a_run_without_its_workspace_is_not_resumed_and_is_still_there(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    worker = Worker(stops_at="first")
    async with floor(tmp_path, worker.act) as at:
        at.workspace = str(workspace)
        run = await at.start(STAGES)
        with anyio.fail_after(5):
            await worker.stopped.wait()
    workspace.rmdir()
    async with floor(tmp_path, Worker().act) as at:
        at.workflows["four"] = STAGES
        with pytest.raises(RunNotResumable, match="workspace"):
            await at.engine.resume(run.run_id, by="test")
        assert (await at.get(run)).status == "interrupted"
        workspace.mkdir()
        assert (await resumed(at, run))[0].status == "completed"


async def test_half_offline_and_half_with_models_is_refused(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="first"))
    async with floor(tmp_path, Worker().act, offline=True) as at:
        at.workflows["four"] = STAGES
        with pytest.raises(RunNotResumable, match="works offline"):
            await at.engine.resume(run.run_id, by="test")


async def test_an_input_with_a_secret_goes_on_only_with_the_same_call_where_nothing_had_begun(tmp_path: Path) -> None:
    worker = Worker(stops_at="first")
    async with floor(tmp_path, worker.act, max_runs=1) as at:
        await at.start(STAGES, "the only one at work")
        run = await at.start(ONE_STAGE, "use this-is-a-secret")
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["small"] = ONE_STAGE
        with pytest.raises(RunNotResumable, match="something secret"):
            await at.engine.resume(run.run_id, by="test")
        again = await at.start(ONE_STAGE, "use this-is-a-secret")
        assert (await at.ended(again)).status == "completed"
    assert again.run_id == run.run_id
    assert second.prompts == ["use this-is-a-secret"]


async def test_an_input_with_a_secret_is_in_the_checkpoints_of_a_run_that_has_begun(tmp_path: Path) -> None:
    first = Worker(stops_at="use this-is-a-secret")
    run = await interrupted(tmp_path, first, ONE_STAGE, question="use this-is-a-secret")
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["small"] = ONE_STAGE
        ended, _ = await resumed(at, run)
    assert ended.status == "completed"
    assert second.prompts == ["use this-is-a-secret"]


async def test_the_time_in_which_nobody_worked_on_a_run_does_not_count(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="second"))
    async with floor(tmp_path, Worker().act) as at:
        left_at = (await at.get(run)).last_seq
        at.workflows["four"] = STAGES
        _, events = await resumed(at, run)
    assert seconds_at_work(events, left_at) < 3600


async def test_an_instruction_for_an_interrupted_run_makes_no_work_of_the_time_before_it(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="second"))
    async with floor(tmp_path, Worker().act) as at:
        left_at = (await at.get(run)).last_seq
        at.workflows["four"] = STAGES
        await at.engine.steer(run.run_id, Steering(text="in German", by="Ann"))
        _, events = await resumed(at, run)
    assert "Ann: in German" in [event.message for event in events if event.seq > left_at]
    assert seconds_at_work(events, left_at) < 3600


async def test_a_run_that_never_gets_on_is_given_up(tmp_path: Path) -> None:
    run = await interrupted(tmp_path, Worker(stops_at="second"))
    for _ in range(5):
        worker = Worker(stops_at="second")
        async with floor(tmp_path, worker.act) as at:
            at.workflows["four"] = STAGES
            await at.engine.resume(run.run_id, by="test")
            with anyio.fail_after(5):
                await worker.stopped.wait()
    async with floor(tmp_path, Worker().act) as at:
        at.workflows["four"] = STAGES
        with pytest.raises(RunNotResumable, match="resumed 5 times"):
            await at.engine.resume(run.run_id, by="test")
        ended = await at.engine.cancel(run.run_id, by="test", reason="hopeless")
    assert ended.failure is not None
    assert list(ended.failure.partial) == ["first"]


async def test_an_instruction_reaches_the_agent_at_its_next_turn_and_those_after_it(tmp_path: Path) -> None:
    heard: list[str] = []

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        del emit
        name = task.prompt.split("\n")[0]
        if name == "first":
            assert task.next_instruction is not None
            begun.set()
            heard.append(await task.next_instruction())
        elif name == "second":
            heard.append(task.prompt)
        return AgentReply(text="done")

    begun = anyio.Event()
    async with floor(tmp_path, act) as at, floor(tmp_path, act) as other:
        run = await at.start(STAGES)
        with anyio.fail_after(5):
            await begun.wait()
        await other.engine.steer(run.run_id, Steering(text="mind the tests", by="Ann"))
        ended = await at.ended(run)
        events = await at.events(run)
        with pytest.raises(RunNotResumable, match="over"):
            await at.engine.steer(run.run_id, Steering(text="too late", by="Ann"))
    assert ended.status == "completed"
    assert heard[0] == "mind the tests"
    assert heard[1].endswith("- mind the tests")
    assert [event.message for event in events if "mind" in event.message] == ["Ann: mind the tests"]


async def test_an_instruction_given_before_the_interruption_still_holds_after_it(tmp_path: Path) -> None:
    run = await left_with_an_instruction(tmp_path, Worker(stops_at="second"))
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["four"] = STAGES
        await at.engine.steer(run.run_id, Steering(text="and short", by="Ann"))
        await resumed(at, run)
    assert "- in German" in second.prompts[0]
    assert "- and short" in second.prompts[-1]


async def test_a_fork_begins_after_the_stage_with_the_changed_input(tmp_path: Path) -> None:
    first = Worker()
    async with floor(tmp_path, first.act) as at:
        source = await at.ended(await at.start(STAGES))
        before = Counter(first.asked)
        fork = await at.engine.fork(source.run_id, "second", {"question": "why not"}, owner="local")
        ended = await at.ended(fork)
        events = await at.events(fork)
        assert (await at.get(source)).status == "completed"
    assert first.asked - before == Counter(third=1, fourth=1)
    assert (ended.status, ended.input) == ("completed", {"question": "why not"})
    assert isinstance(events[0].body, WorkflowStarted)
    assert completed(events) == [("third", 1), ("fourth", 1)]
    assert f"goes on from where run {source.run_id} had finished second" in events[1].message


async def test_a_fork_that_is_resumed_has_what_its_source_had_finished_and_was_told(tmp_path: Path) -> None:
    source = await left_with_an_instruction(tmp_path, Worker(stops_at="third"))
    second = Worker(stops_at="fourth")
    async with floor(tmp_path, second.act) as at:
        at.workflows["four"] = STAGES
        fork = await at.engine.fork(source.run_id, "second", {}, owner="local")
        with anyio.fail_after(5):
            await second.stopped.wait()
            await at.log.flush()
    async with floor(tmp_path, Worker().act) as at:
        at.workflows["four"] = STAGES
        history = await History.read(at.log, fork.run_id)
        cancelled = await at.engine.cancel(fork.run_id, by="test", reason="")
    assert history.rounds == Counter(first=1, second=1, third=1)
    assert history.instructions == []  # what was said after the stage is none of the fork's
    assert cancelled.failure is not None
    assert list(cancelled.failure.partial) == ["first", "second", "third"]


async def test_a_fork_and_its_resumption_are_told_what_its_source_was_told_before(tmp_path: Path) -> None:
    source = await left_with_an_instruction(tmp_path, Worker(stops_at="second"))
    second = Worker()
    async with floor(tmp_path, second.act) as at:
        at.workflows["four"] = STAGES
        await resumed(at, source)
        second.prompts.clear()
        second.stops_at = "fourth"
        fork = await at.engine.fork(source.run_id, "second", {}, owner="local")
        with anyio.fail_after(5):
            await second.stopped.wait()
            await at.log.flush()
    third = Worker()
    async with floor(tmp_path, third.act) as at:
        at.workflows["four"] = STAGES
        await resumed(at, fork)
    assert [prompt.endswith("- in German") for prompt in [*second.prompts, *third.prompts]] == [True, True, True]


@pytest.mark.parametrize(
    ("stage", "changes", "complaint"),
    [
        ("nowhere", {}, "no finished stage 'nowhere'"),
        ("first", {"colour": 1}, "no input 'colour'; it has question"),
        ("first", {"question": 1}, "changes.question"),
    ],
)
async def test_a_fork_that_cannot_be_is_refused_and_leaves_nothing(
    tmp_path: Path, stage: str, changes: dict[str, object], complaint: str
) -> None:
    async with floor(tmp_path, Worker().act) as at:
        source = await at.ended(await at.start(STAGES))
        with pytest.raises(InputRejected, match=complaint):
            await at.engine.fork(source.run_id, stage, changes, owner="local")


@pytest.mark.parametrize("stage", ["left", "right"])
async def test_a_fork_goes_on_after_stages_side_by_side_with_what_all_of_them_did(tmp_path: Path, stage: str) -> None:
    async with floor(tmp_path, prompt_back) as at:
        source = await at.ended(await at.start(SIDE_BY_SIDE))
        fork = await at.ended(await at.engine.fork(source.run_id, stage, {}, owner="local"))
    assert (fork.status, fork.result) == (source.status, source.result) == ("completed", {"answer": "left right"})


async def test_a_stage_is_no_beginning_for_a_fork_while_those_beside_it_are_at_work(tmp_path: Path) -> None:
    held = Held()

    async def hold_right(task: AgentTask, emit: Emit) -> AgentReply:
        return await (held.act if task.prompt == "right" else prompt_back)(task, emit)

    async with floor(tmp_path, hold_right) as at:
        source = await at.start(SIDE_BY_SIDE)
        await held.until_begun()
        with anyio.fail_after(5):
            async with aclosing(at.log.watch(source.run_id)) as batches:
                async for events in batches:
                    if completed(list(events)):
                        break
        with pytest.raises(InputRejected, match="still at work on stages beside 'left'"):
            await at.engine.fork(source.run_id, "left", {}, owner="local")
        assert [run.run_id for run in await at.log.find(RunFilter())] == [source.run_id]


async def prompt_back(task: AgentTask, emit: Emit) -> AgentReply:
    del emit
    return AgentReply(text=task.prompt)


async def test_a_fork_of_a_scripted_run_is_not_gone_on_with_by_models(tmp_path: Path) -> None:
    async with floor(tmp_path, Worker().act, offline=True) as at:
        source = await at.ended(await at.start(STAGES))
    worker = Worker()
    async with floor(tmp_path, worker.act) as at:
        at.workflows["four"] = STAGES
        with pytest.raises(RunNotResumable, match="begun offline, and this server works with models"):
            await at.engine.fork(source.run_id, "second", {}, owner="local")
        assert [run.run_id for run in await at.log.find(RunFilter())] == [source.run_id]
    assert not worker.asked


async def test_a_fork_of_a_run_without_its_workspace_is_refused(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    async with floor(tmp_path, Worker().act) as at:
        source = await at.ended(await at.start(STAGES, workspace=workspace))
        workspace.rmdir()
        with pytest.raises(RunNotResumable, match="workspace") as raised:
            await at.engine.fork(source.run_id, "second", {}, owner="local")
        assert [run.run_id for run in await at.log.find(RunFilter())] == [source.run_id]
    assert raised.value.recovery == ("Put the directory back",)
