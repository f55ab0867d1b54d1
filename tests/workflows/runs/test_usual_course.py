from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.events import (
    AgentEvent,
    EventBody,
    RunEvent,
    StageCompleted,
    StageStarted,
    TokenStream,
    WorkflowCompleted,
    WorkflowError,
    WorkflowResumed,
    WorkflowStarted,
)
from workflows.runs.fraction import Fraction
from workflows.runs.usual_course import Beat, Course, Usual, UsualRound, shipped, usual
from workflows.workflow import Stage

STAGES = (Stage(name="plan", title="Plan", share=1), Stage(name="build", title="Build", share=3))
BEGAN = datetime(2026, 11, 21, tzinfo=UTC)
STARTED = WorkflowStarted(workflow="w", input={}, stages=(), offline=False)
SIGN = AgentEvent(agent="a", event_type="think")
COMPLETED = WorkflowCompleted(final_response="", result={}, usage={}, seconds=1, tool_calls=0, steps=0)


def events(*bodies: tuple[float, EventBody]) -> list[RunEvent]:
    return [
        RunEvent(
            run_id="r",
            seq=number,
            time=(BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds"),
            message="",
            progress=0,
            body=body,
        )
        for number, (seconds, body) in enumerate(bodies, 1)
    ]


def started(stage: str, number: int = 1) -> StageStarted:
    return StageStarted(stage=stage, round=number)


def completed(stage: str, number: int = 1) -> StageCompleted:
    return StageCompleted(stage=stage, round=number, seconds=1, output={})


def course(*beats: tuple[float, Literal["started", "completed", "worked"], str], seconds: float = 10) -> Course:
    return Course(seconds, tuple(Beat(*beat) for beat in beats))


SLOW_PLAN = course(
    (0, "started", "plan"), (8, "completed", "plan"), (8, "started", "build"), (10, "completed", "build")
)
TWO_ROUNDS = course(
    (0, "started", "plan"),
    (1, "completed", "plan"),
    (1, "started", "build"),
    (4, "completed", "build"),
    (6, "started", "build"),
    (7, "worked", ""),
    (8, "worked", ""),
    (10, "completed", "build"),
)


def test_what_is_shipped_is_one_round_of_each_stage() -> None:
    assert shipped(STAGES) == Usual({("plan", 1): UsualRound(0, 0.25), ("build", 1): UsualRound(0.25, 1)})
    assert usual(STAGES, []) == shipped(STAGES)


def test_a_course_has_its_stages_and_its_signs_of_work_and_no_live_text() -> None:
    seen = Course.of(
        events(
            (0, STARTED),
            (1, started("plan")),
            (2, TokenStream(agent="a", channel="text", text="x")),
            (3, SIGN),
            (4, completed("plan")),
            (5, COMPLETED),
        )
    )

    assert seen == Course(
        5.0,
        (Beat(0, "worked"), Beat(1, "started", "plan"), Beat(3, "worked"), Beat(4, "completed", "plan")),
    )


@pytest.mark.parametrize(
    "bodies",
    [
        [],
        [(0.0, STARTED), (1.0, SIGN)],
        [(0.0, STARTED), (1.0, WorkflowError(kind="k", error="e", blame="agent", recovery=(), partial={}))],
        [(0.0, STARTED), (1.0, WorkflowResumed(after=1, next=("plan",))), (2.0, COMPLETED)],
        [(0.0, STARTED), (0.0, COMPLETED)],
    ],
)
def test_a_run_whose_time_is_no_measure_teaches_nothing(bodies: list[tuple[float, EventBody]]) -> None:
    assert Course.of(events(*bodies)) is None


def test_the_median_is_learned_and_the_shipped_share_counts_as_one_run() -> None:
    once = usual(STAGES, [SLOW_PLAN]).rounds
    often = usual(STAGES, [SLOW_PLAN] * 2).rounds

    assert once["plan", 1].end == pytest.approx((0.25 + 0.8) / 2)
    assert often["plan", 1].end == pytest.approx(0.8)
    assert often["build", 1].begin == pytest.approx(0.8)


def test_repeated_rounds_are_learned_with_their_signs() -> None:
    learned = usual(STAGES, [TWO_ROUNDS] * 3).rounds

    assert learned["build", 2] == UsualRound(0.6, 1.0, 2, before=6, within=4, after=0)
    assert learned["build", 1].end == pytest.approx(0.4)


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def values(known: Usual, of: Course, learned: Usual | None = None, late: int = 0) -> Iterator[float]:
    """What the bar shows after each beat of a run that goes by its own clock.

    Args:
        known: What is usual, as known when the run begins.
        of: The run.
        learned: What is usual, as learned while it goes on.
        late: Before which beat that is learned.
    """
    clock = Clock()
    fraction = Fraction(STAGES, known, clock)
    for number, beat in enumerate(of.beats):
        clock.now = beat.seconds
        if learned is not None and number == late:
            fraction.learn(learned)
        match beat.what:
            case "started":
                fraction.stage_started(beat.stage)
            case "completed":
                fraction.stage_completed(beat.stage)
            case "worked":
                fraction.worked()
        yield fraction.value


def test_a_bar_that_has_learned_a_loop_leaves_room_for_it() -> None:
    unlearned = list(values(shipped(STAGES), TWO_ROUNDS))
    learned = list(values(usual(STAGES, [TWO_ROUNDS] * 3), TWO_ROUNDS))

    assert unlearned[3] == 99  # as if it were over
    assert learned[3] == pytest.approx(99 * 0.4)
    assert learned[-1] == pytest.approx(99)


def test_signs_of_work_move_evenly_where_it_is_known_how_many_there_are() -> None:
    learned = Usual({("plan", 1): UsualRound(0, 1, 10)})
    fraction = Fraction(STAGES, learned)
    fraction.stage_started("plan")

    steps: list[float] = []
    for _ in range(5):
        before = fraction.value
        fraction.worked()
        steps.append(fraction.value - before)

    assert steps == pytest.approx([99 * 0.95 / 10] * 5)
    for _ in range(100):
        fraction.worked()
    assert fraction.value < 99 * 0.95


SHORT_WAY = course((1, "started", "build"), (9, "completed", "build"))


def test_runs_that_came_the_same_way_tell_more_than_all_runs() -> None:
    shown = list(values(usual(STAGES, [*[TWO_ROUNDS] * 5, SHORT_WAY]), SHORT_WAY))

    assert shown == pytest.approx([99 * 0.1, 99 * 0.9])


def test_what_happens_between_stages_leads_on_to_where_the_next_one_usually_begins() -> None:
    decided = course(
        (1, "worked", ""),
        (2, "worked", ""),
        (4, "started", "plan"),
        (5, "completed", "plan"),
        (6, "worked", ""),
        (7, "worked", ""),
        (8, "started", "build"),
        (10, "completed", "build"),
    )
    shown = list(values(usual(STAGES, [decided] * 3), decided))

    assert 0 < shown[0] < shown[1] < 99 * 0.4
    assert 99 * 0.5 < shown[4] < shown[5] < 99 * 0.8


def test_what_was_learned_later_holds_for_the_rounds_that_follow() -> None:
    clock = Clock()
    fraction = Fraction(STAGES, clock=clock)
    fraction.learn(usual(STAGES, [SLOW_PLAN] * 9))
    fraction.stage_started("plan")
    clock.now = 8.0
    fraction.stage_completed("plan")

    assert fraction.value == pytest.approx(99 * 0.8)


def test_a_run_that_is_slow_so_far_is_expected_to_be_slow_in_what_follows_but_less_so() -> None:
    usual_plan = [course((0, "started", "plan"), (4, "completed", "plan"))] * 9
    slow = course((0, "started", "plan"), (16, "completed", "plan"))  # four times as long as usual

    shown = list(values(usual(STAGES, usual_plan), slow))

    assert shown[-1] == pytest.approx(99 * 16 / (16 + 2 * 6))  # what follows usually takes 6 s; twice that is expected


STORY = st.lists(
    st.tuples(st.sampled_from(["started", "worked", "completed"]), st.sampled_from(["plan", "build", "other"])),
    max_size=40,
)


@given(past=st.lists(STORY, max_size=4), now=STORY, late=st.integers(0, 40))
def test_whatever_was_learned_the_bar_never_goes_back_and_is_not_full_before_the_end(
    past: list[list[tuple[Literal["started", "worked", "completed"], str]]],
    now: list[tuple[Literal["started", "worked", "completed"], str]],
    late: int,
) -> None:
    def course_of(story: list[tuple[Literal["started", "worked", "completed"], str]]) -> Course:
        return Course(len(story) + 1.0, tuple(Beat(at, what, stage) for at, (what, stage) in enumerate(story, 1)))

    learned = usual(STAGES, map(course_of, past))
    shown = list(values(shipped(STAGES), course_of(now), learned, late))

    assert shown == sorted(shown)
    assert all(0 <= value < 100 for value in shown)
    assert all(0 <= one.begin <= one.end <= 1 for one in learned.rounds.values())


def test_a_stage_without_a_usual_end_is_no_division_by_nothing() -> None:
    fraction = Fraction(STAGES, Usual({("plan", 1): UsualRound(0, 0, 0)}))

    fraction.stage_started("plan")
    fraction.worked()
    fraction.stage_completed("plan")

    assert 0 < fraction.value < 99
