from hypothesis import given
from hypothesis import strategies as st

from workflows.runs.fraction import Fraction
from workflows.workflow import Stage

STAGES = (
    Stage(name="plan", title="Plan", share=1),
    Stage(name="build", title="Build", share=2),
    Stage(name="check", title="Check", share=1),
)


def test_a_finished_stage_has_moved_the_bar_by_its_share() -> None:
    fraction = Fraction(STAGES)
    fraction.stage_started("plan")
    fraction.stage_completed("plan")
    assert fraction.value == 99 / 4


def test_signs_of_work_move_the_bar_but_never_to_the_stage_s_end() -> None:
    fraction = Fraction(STAGES)
    fraction.stage_started("plan")
    values = [fraction.value]
    for _ in range(200):
        fraction.worked()
        values.append(fraction.value)
    assert values == sorted(values)
    assert values[1] > values[0]
    assert values[-1] < 99 / 4


def test_nothing_moves_without_work() -> None:
    fraction = Fraction(STAGES)
    fraction.worked()
    assert fraction.value == 0


def test_a_skipped_stage_counts_when_a_later_one_starts() -> None:
    fraction = Fraction(STAGES)
    fraction.stage_started("check")
    assert fraction.value == 99 * 3 / 4


def test_a_repeated_round_moves_on_from_where_the_bar_is() -> None:
    fraction = Fraction(STAGES)
    for stage in ("plan", "build", "check"):
        fraction.stage_started(stage)
        fraction.stage_completed(stage)
    before = fraction.value
    fraction.stage_started("build")
    fraction.worked()
    assert before <= fraction.value < 100


def test_a_stage_nobody_announced_does_not_disturb() -> None:
    fraction = Fraction(STAGES)
    fraction.stage_started("surprise")
    fraction.worked()
    fraction.stage_completed("surprise")
    assert fraction.value == 0


steps = st.lists(
    st.tuples(st.sampled_from(["start", "work", "complete"]), st.sampled_from(["plan", "build", "check", "other"])),
    max_size=60,
)


@given(steps)
def test_the_bar_never_goes_back_and_is_full_only_at_the_end(story: list[tuple[str, str]]) -> None:
    fraction = Fraction(STAGES)
    last = fraction.value
    for what, stage in story:
        match what:
            case "start":
                fraction.stage_started(stage)
            case "complete":
                fraction.stage_completed(stage)
            case _:
                fraction.worked()
        assert last <= fraction.value < 100
        last = fraction.value
    fraction.finish()
    assert fraction.value == 100
