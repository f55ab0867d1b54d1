"""The engine, with real graphs on the real log, and agents that do what the test wants."""

import asyncio
import json
import os
from pathlib import Path

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.errors import RateLimited, TimeLimitReached
from agents.events import Emit, TextStreamed, Thought, UsageReported
from tests.workflows.runs.floor import Held, answer, floor
from tests.workflows.runs.small_workflows import (
    branches,
    endless,
    forgetful,
    one_stage,
    two_side_by_side,
    two_versions,
    workflow,
)
from workflows.runs import job, jobs_at_work, pulse
from workflows.runs.errors import RunNotFound
from workflows.runs.events import (
    AgentEvent,
    Heartbeat,
    StageCompleted,
    StageStarted,
    TokenStream,
    UsageRecorded,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowError,
    WorkflowEvent,
)
from workflows.runs.run import ACTIVE_STATUSES, Run, RunFilter
from workflows.workflow import Workflow

pytestmark = pytest.mark.anyio

ONE_STAGE = workflow(one_stage, "work")
SIDE_BY_SIDE = workflow(two_side_by_side, "left", "right", "join")


async def test_a_run_goes_through_its_stages_and_ends_with_its_typed_output(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(ONE_STAGE))
        events = await at.events(run)
    assert run.status == "completed"
    assert run.result == {"answer": "42 to why"}
    assert run.final_response == "42 to why"
    assert (run.progress, run.usage.input_tokens, run.usage.cost_usd) == (100, 10, 0.01)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events if event.type != "token_stream"] == [
        "workflow_started",
        "heartbeat",
        "stage_started",
        "agent_event",
        "usage",
        "agent_event",
        "workflow_event",
        "stage_completed",
        "workflow_completed",
    ]
    progress = [event.progress for event in events]
    assert progress == sorted(progress)


async def test_an_artifact_is_kept_and_announced_with_its_uri(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(ONE_STAGE))
        artifact = await at.log.artifact(run.run_id, "answer.md")
        announced = [event.body for event in await at.events(run) if isinstance(event.body, AgentEvent)]
    assert artifact is not None
    assert artifact.body == b"42 to why"
    assert announced[-1].details["uri"] == f"runs://{run.run_id}/artifacts/answer.md"


async def test_a_secret_an_agent_says_is_masked_everywhere(tmp_path: Path) -> None:
    async def leak(task: AgentTask, emit: Emit) -> AgentReply:
        del task
        emit(Thought(text="the key is this-is-a-secret"))
        emit(TextStreamed(text="this-is-a-secret"))
        return AgentReply(text="use this-is-a-secret")

    async with floor(tmp_path, leak) as at:
        run = await at.ended(await at.start(ONE_STAGE))
        artifact = await at.log.artifact(run.run_id, "answer.md")
        everything = f"{run} {await at.events(run)} {artifact}"
    assert "this-is-a-secret" not in everything
    assert run.result == {"answer": "use ***"}


async def test_an_agent_s_error_ends_the_run_with_its_kind_blame_and_remedy(tmp_path: Path) -> None:
    async def fail(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        raise RateLimited("Too many requests.", partial="I had just begun")

    async with floor(tmp_path, fail) as at:
        run = await at.ended(await at.start(ONE_STAGE))
        last = (await at.events(run))[-1].body
    assert run.status == "failed"
    assert run.failure is not None
    assert (run.failure.kind, run.failure.blame) == ("rate_limited", "provider")
    assert isinstance(last, WorkflowError)
    assert last.partial == {"work": {"unfinished": "I had just begun"}}
    assert last.recovery


async def test_what_was_finished_before_a_failure_is_told(tmp_path: Path) -> None:
    async def fail_on_the_right(task: AgentTask, emit: Emit) -> AgentReply:
        del emit
        if task.prompt == "right":
            await left_is_done.wait()
            raise RateLimited("Too many requests.")
        return AgentReply(text="left is done")

    left_is_done = anyio.Event()
    async with floor(tmp_path, fail_on_the_right) as at:
        run = await at.start(SIDE_BY_SIDE)
        with anyio.fail_after(5):
            async for events in at.engine.follow(run.run_id):
                if any(isinstance(event.body, StageCompleted) for event in events):
                    left_is_done.set()
        run = await at.ended(run)
    assert run.failure is not None
    assert run.failure.partial == {"left": {"parts": ["left is done"]}}


async def test_an_unexpected_exception_ends_the_run_and_says_it_is_the_server_s_fault(tmp_path: Path) -> None:
    async def stumble(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        raise ZeroDivisionError("one over nothing")

    async with floor(tmp_path, stumble) as at:
        run = await at.ended(await at.start(ONE_STAGE))
    assert run.failure is not None
    assert (run.failure.kind, run.failure.blame) == ("internal_error", "server")
    assert "one over nothing" in run.failure.message


async def test_a_graph_that_goes_round_for_ever_is_stopped(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(workflow(endless, "work", max_steps=7)))
    assert run.failure is not None
    assert run.failure.kind == "step_limit_reached"
    assert run.usage.steps == 7


async def test_a_graph_that_ends_without_its_output_is_called_broken(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(workflow(forgetful, "work")))
    assert run.failure is not None
    assert run.failure.kind == "workflow_broken"
    assert "answer" in run.failure.message


async def test_a_graph_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(workflow("no.such.module:graph", "work")))
    assert run.failure is not None
    assert "no" in run.failure.message
    assert run.failure.kind == "workflow_broken"


@pytest.mark.parametrize("chosen", [ONE_STAGE, SIDE_BY_SIDE], ids=["one node", "two nodes side by side"])
async def test_cancelling_ends_every_agent_s_work_and_waits_for_its_cleanup(tmp_path: Path, chosen: Workflow) -> None:
    held = Held()
    agents = 1 if chosen is ONE_STAGE else 2
    async with floor(tmp_path, held.act) as at:
        run = await at.start(chosen)
        await held.until_begun(agents)
        run = await at.engine.cancel(run.run_id, by="somebody", reason="enough")
        assert held.cleaned_up == agents
        last = (await at.events(run))[-1].body
    assert run.status == "cancelled"
    assert isinstance(last, WorkflowCancelled)
    assert (last.by, last.reason) == ("somebody", "enough")


async def test_a_canceller_that_is_itself_cancelled_by_a_scope_leaves_no_agent_at_work(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(SIDE_BY_SIDE)
        await held.until_begun(2)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: at.engine.cancel(run.run_id, by="a", reason=""))
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        run = await at.ended(run)
        assert held.cleaned_up == 2
    assert run.status == "cancelled"


async def test_cancelling_twice_or_after_the_end_changes_nothing(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(ONE_STAGE))
        assert (await at.engine.cancel(run.run_id, by="a", reason="")).status == "completed"
        assert len(await at.events(run)) == run.last_seq


async def test_cancelling_a_run_that_is_not_there_says_so(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        with pytest.raises(RunNotFound):
            await at.engine.cancel("nothing", by="a", reason="")


async def test_a_run_that_is_out_of_time_fails_and_its_agent_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "LOOK_SECONDS", 0.05)
    held = Held()
    seconds = 0.0
    async with floor(tmp_path, held.act, clock=lambda: seconds) as at:
        run = await at.start(ONE_STAGE, max_seconds=60)
        await held.until_begun()
        seconds = 60 + job.LAST_WORD_SECONDS
        run = await at.ended(run)
        assert held.cleaned_up == 1
    assert run.failure is not None
    assert (run.failure.kind, run.failure.blame) == ("time_limit_reached", "caller")


async def test_no_agent_starts_when_the_money_is_spent(tmp_path: Path) -> None:
    begun: list[str] = []

    async def expensive(task: AgentTask, emit: Emit) -> AgentReply:
        begun.append(task.prompt)
        emit(UsageReported(model="m", input_tokens=1, output_tokens=1, cost_usd=0.5))
        return AgentReply(text="")

    async with floor(tmp_path, expensive) as at:
        run = await at.start(SIDE_BY_SIDE, max_cost_usd=0.4)
        run = await at.ended(run)
    assert begun == ["left"]
    assert run.failure is not None
    assert run.failure.kind == "cost_limit_reached"


async def test_the_same_request_joins_the_run_that_is_under_way(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        first, second = await at.start(ONE_STAGE), await at.start(ONE_STAGE)
        other = await at.start(ONE_STAGE, question="something else")
        assert first.run_id == second.run_id != other.run_id
        held.release.set()
        await at.ended(first)
        again = await at.start(ONE_STAGE)
        assert again.run_id != first.run_id, "a run that is over is not joined"
        await at.ended(again)
        await at.ended(other)


async def test_a_request_whose_caller_is_cancelled_while_it_starts_leaves_no_run_at_work(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: at.start(ONE_STAGE))
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(5):
            while not (runs := await at.log.find(RunFilter())) or runs[0].active:
                await anyio.lowlevel.checkpoint()
    assert [run.status for run in runs] == ["cancelled"]


async def test_more_runs_than_slots_wait_and_then_all_end(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act, max_runs=1) as at:
        runs = [await at.start(ONE_STAGE, question=str(number)) for number in range(3)]
        await held.until_begun()
        assert held.begun == 1
        await at.log.flush()
        waiting = await at.log.get(runs[-1].run_id)
        assert waiting is not None
        assert waiting.status == "queued"
        held.release.set()
        assert [(await at.ended(run)).status for run in runs] == ["completed"] * 3


async def test_closing_leaves_runs_interrupted_and_stops_their_agents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("UNWIND_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(jobs_at_work, bound, 10.0)  # how it closes, and not how fast
    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(ONE_STAGE)
        await held.until_begun()
        await at.engine.close()
        await at.engine.close()
        found = await at.log.get(run.run_id)
        assert held.cleaned_up == 1
    assert found is not None
    assert found.status == "interrupted"


async def test_a_run_whose_process_died_is_found_to_be_interrupted_and_can_be_cancelled(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(ONE_STAGE)
        await held.until_begun()
        at.lock.release()  # what the kernel does to a process that dies
        async with floor(tmp_path, answer) as other:
            seen = await other.engine.reconcile(await other.get(run))
            assert seen.status == "interrupted"
            cancelled = await other.engine.cancel(run.run_id, by="me", reason="too late")
    assert cancelled.status == "cancelled"


async def test_a_run_of_another_living_process_can_be_followed_and_cancelled(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act) as owner, floor(tmp_path, answer) as other:
        run = await owner.start(ONE_STAGE)
        await held.until_begun()
        assert (await other.engine.reconcile(await other.get(run))).active
        cancelled = await other.engine.cancel(run.run_id, by="the other", reason="")
        assert held.cleaned_up == 1
    assert cancelled.status == "cancelled"


async def test_tracing_variables_have_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append((await reader.readline()).decode())
        writer.close()

    listener = await asyncio.start_server(count, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setitem(os.environ, name, "true")
    monkeypatch.setitem(os.environ, "LANGSMITH_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setitem(os.environ, "LANGSMITH_API_KEY", "lsv2_key")
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(ONE_STAGE))
    listener.close()
    assert run.status == "completed"
    assert calls == []


async def test_a_secret_in_the_input_is_masked_in_the_row_and_reaches_the_agent(tmp_path: Path) -> None:
    seen: list[str] = []

    async def look(task: AgentTask, emit: Emit) -> AgentReply:
        seen.append(task.prompt)
        return await answer(task, emit)

    async with floor(tmp_path, look) as at:
        first = await at.start(ONE_STAGE, "is this-is-a-secret safe?")
        run = await at.ended(first)
    assert seen == ["is this-is-a-secret safe?"]
    assert run.input == {"question": "is *** safe?"}
    assert first.key == run.key


async def test_a_secret_that_is_streamed_in_pieces_is_masked(tmp_path: Path) -> None:
    async def leak(task: AgentTask, emit: Emit) -> AgentReply:
        del task
        for piece in ("the key is this", "-is-a", "-sec", "ret, you", " know"):
            emit(TextStreamed(text=piece))
        return AgentReply(text="done")

    async with floor(tmp_path, leak) as at:
        run = await at.ended(await at.start(ONE_STAGE))
        streamed = [event.body.text for event in await at.events(run) if isinstance(event.body, TokenStream)]
    assert "".join(streamed) == "the key is ***, you know"


@pytest.mark.parametrize("length", [6_000, 14_000])
async def test_a_long_answer_is_whole_in_the_run_s_row(tmp_path: Path, length: int) -> None:
    async def long_winded(*_: object) -> AgentReply:
        return AgentReply(text="x" * length)

    async with floor(tmp_path, long_winded) as at:
        run = await at.ended(await at.start(ONE_STAGE))
    assert run.result == {"answer": "x" * length}
    assert run.final_response == "x" * length


async def test_an_answer_that_is_too_long_for_the_row_is_an_artifact_that_is_listed(tmp_path: Path) -> None:
    async def long_winded(*_: object) -> AgentReply:
        return AgentReply(text="x" * 100_000)

    async with floor(tmp_path, long_winded) as at:
        run = await at.ended(await at.start(ONE_STAGE))
        whole = await at.log.artifact(run.run_id, "result.json")
    assert run.final_response.startswith("x" * 2000)
    assert whole is not None
    assert json.loads(whole.body) == {"answer": "x" * 100_000}


async def test_a_run_with_models_does_not_join_one_without(tmp_path: Path) -> None:
    held = Held()
    async with floor(tmp_path, held.act, offline=True) as offline, floor(tmp_path, answer) as live:
        played = await offline.start(ONE_STAGE)
        await held.until_begun()
        run = await live.start(ONE_STAGE)
        assert run.run_id != played.run_id
        assert (await live.ended(run)).final_response == "42 to why"


async def test_nodes_of_one_name_side_by_side_are_one_round_of_their_stage(tmp_path: Path) -> None:
    released = [anyio.Event() for _ in range(3)]

    async def one_after_the_other(task: AgentTask, emit: Emit) -> AgentReply:
        emit(Thought(text=task.prompt))
        if task.prompt.isdigit():
            await released[int(task.prompt)].wait()
        return AgentReply(text=task.prompt)

    ended, bar = 0, list[float]()
    async with floor(tmp_path, one_after_the_other) as at:
        run = await at.start(workflow(branches, "plan", "dig", "sub"))
        released[0].set()
        with anyio.fail_after(5):
            async for events in at.engine.follow(run.run_id):
                for event in events:
                    if isinstance(event.body, WorkflowEvent) and event.body.node == "dig":
                        ended += 1
                        bar.append(event.progress)
                        for event_of_next in released[: ended + 1]:
                            event_of_next.set()
        run = await at.ended(run)
        bodies = [event.body for event in await at.events(run)]
    stages = [(body.type, body.stage, body.round) for body in bodies if isinstance(body, StageStarted | StageCompleted)]
    assert run.failure is None
    assert stages == [
        (type_, stage, 1) for stage in ("plan", "dig", "sub") for type_ in ("stage_started", "stage_completed")
    ]
    (dug,) = [body for body in bodies if isinstance(body, StageCompleted) and body.stage == "dig"]
    assert dug.output == {"branches": [{"parts": ["0"]}, {"parts": ["1"]}, {"parts": ["2"]}]}
    assert all(value < 66 for value in bar), "the stretch is complete with the last of them"
    assert any(isinstance(body, AgentEvent) and body.details == {"text": "inside"} for body in bodies)


async def test_a_node_without_an_agent_is_said_to_be_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(job, "LOOK_SECONDS", 0.02)
    held = Held()
    async with floor(tmp_path, held.act) as at:
        run = await at.start(ONE_STAGE)
        with anyio.fail_after(5):
            async for events in at.engine.follow(run.run_id):
                beats = [event.body for event in events if isinstance(event.body, Heartbeat)]
                if any((beat.reason, beat.waiting_for) == ("work is at work", "work") for beat in beats):
                    held.release.set()


async def test_all_active_runs_of_dead_processes_become_interrupted_at_once(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        for number in range(250):
            process = at.lock.token if number % 50 else "1-dead"
            await at.log.create(
                Run(
                    run_id=f"run-{number}",
                    workflow="small",
                    input={},
                    workspace="/x",
                    owner="local",
                    key="",
                    process=process,
                )
            )
        held = Held()
        async with floor(tmp_path, held.act) as other:
            alive = await other.start(ONE_STAGE)
            await held.until_begun()
            await other.engine.reconcile_all()
            statuses = {run.run_id: run.status for run in await other.log.find(RunFilter(limit=1000))}
            assert [run_id for run_id, status in statuses.items() if status == "interrupted"] == [
                f"run-{number}" for number in (200, 150, 100, 50, 0)
            ]
            assert statuses[alive.run_id] == "running"
            await at.engine.reconcile_all()
            active = await at.log.find(RunFilter(statuses=ACTIVE_STATUSES, limit=1000))
            assert [run.run_id for run in active] == [alive.run_id]


async def test_an_agent_at_its_time_limit_has_the_last_word(tmp_path: Path) -> None:
    async def obey(task: AgentTask, emit: Emit) -> AgentReply:
        del emit
        with anyio.move_on_after(task.max_seconds):
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        raise TimeLimitReached("The agent's time is over.", partial="half of it")

    async with floor(tmp_path, obey) as at:
        await at.ended(await at.start(ONE_STAGE, "the graph library is imported", max_seconds=0.1))
        run = await at.ended(await at.start(ONE_STAGE, max_seconds=0.5))
    assert run.failure is not None
    assert (run.failure.kind, run.failure.partial) == ("time_limit_reached", {"work": {"unfinished": "half of it"}})


class Charging:
    """Agents that work until they are ended, and only then can say what they have used; `right` may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.begun = anyio.Event()

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        if self.fails and task.prompt == "right":
            await self.begun.wait()
            raise RateLimited("slow down")
        self.begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            emit(UsageReported(model="m", input_tokens=10, output_tokens=2, cost_usd=None))
        raise AssertionError

    async def until_begun(self) -> None:
        with anyio.fail_after(5):
            await self.begun.wait()


async def test_what_an_agent_says_it_has_used_when_it_is_cancelled_is_the_run_s(tmp_path: Path) -> None:
    agent = Charging()
    async with floor(tmp_path, agent.act) as at:
        run = await at.start(ONE_STAGE)
        await agent.until_begun()
        run = await at.engine.cancel(run.run_id, by="somebody", reason="enough")
        *_, used, last = [event.body for event in await at.events(run)]
    assert isinstance(last, WorkflowCancelled)
    assert used == UsageRecorded(agent="worker", model="m", input_tokens=10, output_tokens=2, cost_usd=None)
    assert (run.usage.input_tokens, run.usage.cost_usd) == (10, None)


async def test_what_an_agent_has_used_that_is_ended_by_another_s_failure_is_the_run_s(tmp_path: Path) -> None:
    agent = Charging(fails=True)
    async with floor(tmp_path, agent.act) as at:
        run = await at.ended(await at.start(SIDE_BY_SIDE))
        used = [event.body for event in await at.events(run) if isinstance(event.body, UsageRecorded)]
    assert run.failure is not None
    assert run.failure.kind == "rate_limited"
    assert [(body.input_tokens, body.cost_usd) for body in used] == [(10, None)]
    assert run.usage.cost_usd is None


async def test_what_an_agent_has_used_that_is_interrupted_counts_when_the_run_goes_on(tmp_path: Path) -> None:
    agent = Charging()
    async with floor(tmp_path, agent.act) as at:
        run = await at.start(ONE_STAGE)
        await agent.until_begun()
    async with floor(tmp_path, answer) as at:
        at.workflows[ONE_STAGE.name] = ONE_STAGE
        await at.engine.resume(run.run_id, by="somebody")
        run = await at.ended(run)
        last = (await at.events(run))[-1].body
    assert isinstance(last, WorkflowCompleted)
    assert last.usage == {"input_tokens": 20, "output_tokens": 4, "cost_usd": None}
    assert (run.usage.input_tokens, run.usage.cost_usd) == (20, None)


async def test_cancelling_an_interrupted_run_keeps_what_it_had_finished(tmp_path: Path) -> None:
    async def stop_at_join(task: AgentTask, emit: Emit) -> AgentReply:
        return await (answer if task.prompt == "left" else held.act)(task, emit)

    held = Held()
    async with floor(tmp_path, stop_at_join) as at:
        run = await at.start(SIDE_BY_SIDE)
        with anyio.fail_after(5):
            async for events in at.engine.follow(run.run_id):
                if any(isinstance(event.body, StageCompleted) for event in events):
                    break
    async with floor(tmp_path, answer) as at:
        assert (await at.get(run)).status == "interrupted"
        cancelled = await at.engine.cancel(run.run_id, by="me", reason="with this-is-a-secret")
        last = (await at.events(run))[-1].body
    assert cancelled.failure is not None
    assert cancelled.failure.partial == {"left": {"parts": ["42 to left"]}}
    assert isinstance(last, WorkflowCancelled)
    assert last.reason == "with ***"


async def test_a_second_version_of_an_artifact_does_not_replace_the_first(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(workflow(two_versions, "work")))
        names = [info.name for info in await at.log.artifacts(run.run_id)]
        first = await at.log.artifact(run.run_id, "notes.md")
        bodies = [event.body for event in await at.events(run)]
    uris = [body.details["uri"] for body in bodies if isinstance(body, AgentEvent) and "uri" in body.details]
    assert names == ["notes.md", "notes-2.md"]
    assert first is not None
    assert first.body == b"one"
    assert uris == [f"runs://{run.run_id}/artifacts/{name}" for name in names]
