"""What a bar learns from the runs in a real log."""

from pathlib import Path

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.errors import RateLimited
from agents.events import Emit
from tests.workflows.runs.floor import Floor, answer, floor
from tests.workflows.runs.small_workflows import one_stage, two_side_by_side, workflow
from workflows.runs import learned_courses
from workflows.runs.chronicle import Chronicle
from workflows.runs.errors import LogUnavailable
from workflows.runs.events import StageCompleted
from workflows.runs.learned_courses import LearnedCourses
from workflows.runs.usual_course import Usual, shipped

pytestmark = pytest.mark.anyio

CHOSEN = workflow(one_stage, "work")


async def finished(on: Floor, question: str) -> None:
    run = await on.ended(await on.start(CHOSEN, question))
    assert run.ended


async def test_finished_runs_are_learned_from(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as on:
        courses = LearnedCourses(on.log)
        assert await courses.usual_for(CHOSEN, offline=False) == shipped(CHOSEN.stages)

        for question in ("one", "two", "three"):
            await finished(on, question)
        learned = await courses.usual_for(CHOSEN, offline=False)

    work = learned.rounds["work", 1]
    assert work.signs is not None
    assert work.signs > 0
    assert 0 < work.begin <= work.end < 1


async def test_runs_that_failed_and_runs_of_another_kind_teach_nothing(tmp_path: Path) -> None:
    async def fail(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        raise RateLimited("too many requests")

    async with floor(tmp_path / "a", fail) as on:
        await finished(on, "one")
        assert await LearnedCourses(on.log).usual_for(CHOSEN, offline=False) == shipped(CHOSEN.stages)

    async with floor(tmp_path / "b", answer, offline=True) as on:
        await finished(on, "one")
        assert await LearnedCourses(on.log).usual_for(CHOSEN, offline=False) == shipped(CHOSEN.stages)
        assert await LearnedCourses(on.log).usual_for(CHOSEN, offline=True) != shipped(CHOSEN.stages)


async def test_a_run_is_read_once_and_a_very_long_one_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with floor(tmp_path, answer) as on:
        await finished(on, "one")
        courses, read = LearnedCourses(on.log), type(on.log).read
        calls: list[str] = []

        async def counted(_: object, run_id: str, after: int = 0, limit: int = 500) -> object:
            calls.append(run_id)
            return await read(on.log, run_id, after, limit)

        monkeypatch.setattr(type(on.log), "read", counted)
        first = await courses.usual_for(CHOSEN, offline=False)
        reads = len(calls)
        assert await courses.usual_for(CHOSEN, offline=False) == first
        assert len(calls) == reads > 0

        monkeypatch.setattr(learned_courses, "MOST_EVENTS", 2)
        assert await courses.usual_for(CHOSEN, offline=False) == shipped(CHOSEN.stages)


async def test_a_log_that_cannot_be_read_costs_no_run_its_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with floor(tmp_path, answer) as on:
        await finished(on, "one")

        async def broken(*_: object) -> object:
            raise LogUnavailable("the disk is gone")

        monkeypatch.setattr(type(on.log), "read", broken)
        assert await LearnedCourses(on.log).usual_for(CHOSEN, offline=False) == shipped(CHOSEN.stages)


async def test_the_bar_of_a_run_goes_by_those_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer_once_learned(task: AgentTask, emit: Emit) -> AgentReply:
        with anyio.fail_after(5):
            await learned.wait()
        return await answer(task, emit)

    def learn(chronicle: Chronicle, usual: Usual) -> None:
        chronicle_learn(chronicle, usual)
        learned.set()

    learned, chronicle_learn = anyio.Event(), Chronicle.learn
    monkeypatch.setattr(Chronicle, "learn", learn)
    # The last stage never comes, and is shipped with a third of the time.
    chosen = workflow(two_side_by_side, "left", "join", "never")
    async with floor(tmp_path, answer_once_learned) as on:
        bars: list[float] = []
        for question in ("one", "two", "three", "four", "five"):
            learned = anyio.Event()
            events = await on.events(await on.ended(await on.start(chosen, question)))
            bars.append([event.progress for event in events if isinstance(event.body, StageCompleted)][-1])

    assert bars[0] == pytest.approx(99 * 2 / 3, abs=0.01)
    assert bars[-1] > bars[0] + 10


async def test_no_run_waits_for_what_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = anyio.Event()

    async def never(*_: object, **__: object) -> Usual:
        reading.set()
        await anyio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(LearnedCourses, "usual_for", never)
    async with floor(tmp_path, answer) as on:
        run = await on.ended(await on.start(CHOSEN, "one"))

    assert reading.is_set()
    assert run.status == "completed"
