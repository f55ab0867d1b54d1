import pytest
from pydantic import ValidationError

from agents.review_roles import REVIEWERS
from workflows.review_code.contract import MOST_FOCUS, WORKFLOW, ReviewCodeInput
from workflows.review_code.focus import ALL_ASPECTS, Focus

ALL = ("correctness", "security", "performance", "tests")


def test_without_a_focus_everything_is_reviewed() -> None:
    assert Focus.of([]) == Focus(ALL, ())
    assert ALL_ASPECTS == ALL == tuple(REVIEWERS)


def test_named_aspects_are_reviewed_alone_and_in_their_usual_order() -> None:
    assert Focus.of(["tests", "Security ", "security"]) == Focus(("security", "tests"), ())


def test_everything_else_is_a_point_for_all_of_them() -> None:
    assert Focus.of(["the retry loop", "the retry loop"]) == Focus(ALL, ("the retry loop",))
    assert Focus.of(["security", "how uploads are stored"]) == Focus(("security",), ("how uploads are stored",))


@pytest.mark.parametrize("base", ["main", "HEAD~3", "v1.0^{commit}", "@{upstream}", "feature/ü", "", "  main "])
def test_a_base_is_whatever_git_may_know(base: str) -> None:
    assert ReviewCodeInput(base=base).base == base.strip()


@pytest.mark.parametrize("base", ["--output=x", "-n", "a\nb", "a\0b", "x" * 251])
def test_what_git_could_take_for_an_option_is_no_base(base: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ReviewCodeInput(base=base)

    assert len(base) > 250 or "none begins with '-' or has a line break in it" in str(caught.value)


@pytest.mark.parametrize("focus", [[""], ["x" * 501], ["x"] * (MOST_FOCUS + 1), "security"])
def test_a_focus_has_its_bounds(focus: object) -> None:
    with pytest.raises(ValidationError):
        ReviewCodeInput.model_validate({"focus": focus})


def test_nothing_it_does_changes_the_workspace() -> None:
    assert not WORKFLOW.writes
    assert {role.access for role in REVIEWERS.values()} == {"read"}
