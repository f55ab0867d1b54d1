"""A workflow asks a person: the run parks, holds nothing, and the answer resumes it, once."""

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, tzinfo
from pathlib import Path
from typing import cast

import anyio
import pytest
from anyio.lowlevel import checkpoint

from agents.agent import AgentReply, AgentTask, PermissionAnswer, PermissionQuestion
from agents.events import Emit
from tests.workflows.runs.floor import Floor, answer, floor
from tests.workflows.runs.small_workflows import Question, asking, asking_twice, drafting_again, one_stage, workflow
from workflows.budget import Limits
from workflows.runs import open_gates
from workflows.runs.engine import RunRequest
from workflows.runs.errors import InputRejected, RunNotFound, RunNotResumable, RunNotWaiting, WorkflowNotFound
from workflows.runs.events import AgentEvent, GateAnswered, GateOpened, StageCompleted, StageStarted, WorkflowResumed
from workflows.runs.run import GateOutcome, GateReply, Run, RunOptions

pytestmark = pytest.mark.anyio

ASKING = workflow(asking(), "plan", "approval", "work", name="asking")
HURRIED = workflow(asking(max_seconds=0.2), "plan", "approval", "work", name="hurried")
PATIENT = workflow(asking(max_seconds=3600), "plan", "approval", "work", name="patient")
TWICE = workflow(asking_twice, "left", "right", name="twice")
WORK = workflow(one_stage, "work", name="work")
YES = {"approved": True, "note": "go"}


def reply(answered: object = None, gate_id: str = "", outcome: GateOutcome = "accepted") -> GateReply:
    return GateReply(gate_id=gate_id, outcome=outcome, answer=answered, by="Ann")


async def parked(at: Floor, run: Run) -> Run:
    """A run once it holds no process any more."""
    return await until_run(at, run, lambda run: run.parked)


async def until_run(at: Floor, run: Run, fits: Callable[[Run], bool]) -> Run:
    """A run once it is as wanted."""
    with anyio.fail_after(5):
        while not fits(run):
            await checkpoint()
            run = await at.get(run)
    return run


def a_day_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, questions are judged as if it were tomorrow."""

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Tomorrow":
            return cls.fromtimestamp(super().now(tz).timestamp() + 86_400, tz)

    monkeypatch.setattr(open_gates, "datetime", Tomorrow)


async def answered(at: Floor, run: Run, *replies: GateReply) -> Run:
    for each in replies:
        await at.engine.answer(run.run_id, each)
    return await at.ended(run)


async def test_a_server_that_goes_as_soon_as_a_run_has_asked_leaves_it_waiting(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.start(ASKING)
        async with aclosing(at.engine.follow(run.run_id)) as batches:
            async for events in batches:
                if any(isinstance(event.body, GateOpened) for event in events):
                    break
    async with floor(tmp_path, answer) as at:
        at.workflows[ASKING.name] = ASKING
        assert (await at.get(run)).parked
        ended = await answered(at, run, reply(YES))
    assert ended.result == {"answer": "Ann: yes go"}


async def test_the_run_parks_and_the_answer_resumes_it(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
        assert not at.engine.runs_here(run.run_id)
        (gate,) = run.gates
        assert gate.question == "Shall it be done?"
        assert set(cast("dict[str, object]", gate.schema["properties"])) == {"approved", "note"}
        ended = await answered(at, run, reply(YES))
        events = await at.events(run)
    assert (ended.status, ended.result, ended.gates) == ("completed", {"answer": "Ann: yes go"}, ())
    kinds = [type(event.body) for event in events]
    assert kinds.index(GateOpened) < kinds.index(GateAnswered)
    assert WorkflowResumed not in kinds
    for kind in (StageStarted, StageCompleted):
        assert [event.body.stage for event in events if isinstance(event.body, kind)] == ["plan", "approval", "work"]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_what_was_made_before_the_question_is_not_replaced_after_the_answer(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        chosen = workflow(drafting_again, "draft", "approval", "redraft", name="drafting")
        run = await parked(at, await at.start(chosen))
        await answered(at, run, reply(YES))
        infos = await at.log.artifacts(run.run_id)
        made = [await at.log.artifact(run.run_id, info.name) for info in infos]
        bodies = [event.body for event in await at.events(run)]
    told = [body.details["artifact"] for body in bodies if isinstance(body, AgentEvent) and "artifact" in body.details]
    assert [(each.name, each.body) for each in made if each] == [("plan.md", b"one"), ("plan-2.md", b"two")]
    assert told == ["plan.md", "plan-2.md", "plan.md"], "the same text is the same artifact, also after the answer"


async def test_an_answer_after_a_restart_resumes_the_run_in_the_new_process(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
    async with floor(tmp_path, answer) as at:
        at.workflows["asking"] = ASKING
        assert (await at.engine.reconcile(await at.get(run))).status == "waiting"
        ended = await answered(at, run, reply(YES))
    assert (ended.status, ended.result) == ("completed", {"answer": "Ann: yes go"})


async def test_the_same_request_joins_the_run_that_waits(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
        again = await at.start(ASKING)
    assert (again.run_id, again.status) == (run.run_id, "waiting")


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (reply({"approved": False}), "Ann: no"),
        (reply(outcome="declined"), "Ann declined"),
    ],
)
async def test_a_no_and_a_refusal_are_different_outcomes(tmp_path: Path, given: GateReply, result: str) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
        ended = await answered(at, run, given)
    assert ended.result == {"answer": result}


async def test_a_question_nobody_answers_in_time_goes_on_as_expired(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        ended = await at.ended(await at.start(HURRIED))
        events = await at.events(ended)
    assert ended.result == {"answer": "nobody answered"}
    (closed,) = (event.body for event in events if isinstance(event.body, GateAnswered))
    assert (closed.outcome, closed.answer, closed.by) == ("expired", None, "")


async def test_a_question_that_expired_while_no_server_lived_is_closed_by_the_next_look(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(HURRIED))
    with anyio.fail_after(5):
        while True:
            async with floor(tmp_path, answer) as at:
                at.workflows["hurried"] = HURRIED
                if (await at.engine.reconcile(await at.get(run))).status != "waiting":
                    ended = await at.ended(run)
                    break
    assert ended.result == {"answer": "nobody answered"}


@pytest.mark.parametrize("gone", ["the workspace", "the workflow", "its models"])
async def test_a_run_whose_question_expired_and_that_cannot_go_on_is_shown_and_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(PATIENT, workspace=workspace))
    a_day_passes(monkeypatch)
    if gone == "the workspace":
        workspace.rmdir()
    async with floor(tmp_path, answer, offline=gone == "its models") as at:
        if gone != "the workflow":
            at.workflows["patient"] = PATIENT
        assert (await at.engine.reconcile(await at.get(run))).parked
        await at.engine.reconcile_all()
        for act in (at.engine.answer(run.run_id, reply(YES)), at.engine.resume(run.run_id, by="test")):
            with pytest.raises(WorkflowNotFound if gone == "the workflow" else RunNotResumable):
                await act
        assert (await at.get(run)).gates == run.gates
        ended = await at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted")
    assert ended.status == "cancelled"


async def test_a_list_of_runs_has_none_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(PATIENT))
    a_day_passes(monkeypatch)
    async with floor(tmp_path, answer) as at:
        at.workflows["patient"] = PATIENT
        await at.engine.reconcile_all()
        assert await at.get(run) == run
        await at.engine.reconcile(run)
        ended = await at.ended(run)
    assert ended.result == {"answer": "nobody answered"}


async def test_a_question_of_a_run_whose_input_held_a_secret_can_be_answered(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING, "use this-is-a-secret"))
        assert run.input == {"question": "use ***"}
        ended = await answered(at, run, reply(YES))
    assert ended.result == {"answer": "Ann: yes go"}


@pytest.mark.parametrize("wrong", [{}, {"approved": "maybe"}, "yes", None, {"approved": True, "note": 7}])
async def test_an_answer_that_does_not_fit_is_refused_and_the_question_stays_open(
    tmp_path: Path, wrong: object
) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
        with pytest.raises(InputRejected) as raised:
            await at.engine.answer(run.run_id, reply(wrong))
        assert raised.value.field == "answer"
        assert (await at.get(run)).gates == run.gates
        assert (await answered(at, run, reply(YES))).status == "completed"


async def test_answering_twice_or_a_run_that_does_not_wait_is_refused(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
        gate_id = run.gates[0].gate_id
        with pytest.raises(RunNotWaiting):
            await at.engine.answer(run.run_id, reply(YES, gate_id="7-other"))
        with pytest.raises(RunNotResumable, match="waits for an answer"):
            await at.engine.resume(run.run_id, by="test")
        await answered(at, run, reply(YES, gate_id))
        with pytest.raises(RunNotWaiting, match="completed"):
            await at.engine.answer(run.run_id, reply(YES, gate_id))
        with pytest.raises(RunNotFound):
            await at.engine.answer("nobody", reply(YES))


async def test_of_two_answers_at_once_one_counts(tmp_path: Path) -> None:
    refused = 0

    async def say(at: Floor, run: Run) -> None:
        nonlocal refused
        try:
            await at.engine.answer(run.run_id, reply(YES))
        except RunNotWaiting:
            refused += 1

    async with floor(tmp_path, answer) as at, floor(tmp_path, answer) as other:
        run = await parked(at, await at.start(ASKING))
        other.workflows["asking"] = ASKING
        async with anyio.create_task_group() as tasks:
            for each in (at, other, other, at):
                tasks.start_soon(say, each, run)
        ended = await at.ended(run)
        events = await at.events(run)
    assert (ended.status, refused) == ("completed", 3)
    assert sum(isinstance(event.body, GateAnswered) for event in events) == 1


async def test_two_questions_side_by_side_are_answered_one_by_one(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(TWICE))
        left, right = sorted(run.gates, key=lambda gate: gate.question)
        with pytest.raises(InputRejected, match="say which"):
            await at.engine.answer(run.run_id, reply(YES))
        await at.engine.answer(run.run_id, reply({"approved": True, "note": "R"}, right.gate_id))
        run = await until_run(at, await at.get(run), lambda run: len(run.gates) == 1 and run.parked)
        assert run.gates[0].gate_id == left.gate_id
        ended = await answered(at, run, reply({"approved": True, "note": "L"}, left.gate_id))
        events = await at.events(run)
    assert ended.result == {"answer": "left L, right R"}
    assert len({event.body.gate_id for event in events if isinstance(event.body, GateOpened)}) == 2


async def test_a_run_that_waits_can_be_cancelled(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await at.start(ASKING))
        ended = await at.engine.cancel(run.run_id, by="Ann", reason="no longer wanted")
    assert (ended.status, ended.gates) == ("cancelled", ())


async def test_an_agents_own_question_reaches_a_person_in_another_process(tmp_path: Path) -> None:
    told: list[PermissionAnswer] = []

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        del emit
        assert task.ask_permission is not None
        told.append(await task.ask_permission(PermissionQuestion(tool="Bash", input={"command": "rm -rf build"})))
        told.append(await task.ask_permission(PermissionQuestion(tool="Bash", input={"command": "ls"})))
        return AgentReply(text="done")

    async with floor(tmp_path, act) as at, floor(tmp_path, act) as other:
        at.workflows["work"] = WORK
        request = RunRequest(
            workflow=WORK,
            input=Question(question="clean up"),
            workspace=at.workspace,
            owner="local",
            limits=Limits(),
            options=RunOptions(permissions="ask"),
        )
        run = (await at.engine.start(request)).run
        for each, said in ((other, {"allow": True}), (at, {"allow": False, "message": "not that"})):
            run = await until_run(at, await at.get(run), lambda run: bool(run.gates))
            assert "Bash" in run.gates[0].question
            assert not run.parked
            taken = await each.engine.answer(run.run_id, reply(said, run.gates[0].gate_id))
            assert run.gates[0] not in taken.gates, "whoever is told that it waits would ask the same once more"
            run = taken
        ended = await at.ended(run)
    assert ended.status == "completed"
    assert told == [PermissionAnswer(allowed=True), PermissionAnswer(allowed=False, message="not that")]
