from hypothesis import given, settings
from hypothesis import strategies as st

from agents.review_roles import REVIEWERS, Aspect
from workflows.findings import RANK, Finding, Severity
from workflows.review_code.merging import NEAR_LINES, merged

ASPECTS = tuple(REVIEWERS)
EVAL = "eval runs any code that is in the line it reads"


def finding(claim: str = EVAL, *, file: str = "a.py", line: int | None = 10, severity: Severity = "medium") -> Finding:
    return Finding(file=file, line=line, severity=severity, claim=claim, suggestion="mend it")


def who(*found: tuple[Aspect, Finding]) -> list[tuple[str, list[Aspect]]]:
    return [(each.severity, each.found_by) for each in merged(found)]


def test_what_two_have_found_is_told_once_as_the_more_severe_one_says_it() -> None:
    one = finding("The code that eval runs can be any line", severity="medium")
    other = finding(line=12, severity="high")

    (both,) = merged([("correctness", one), ("security", other)])

    assert both.found_by == ["correctness", "security"]
    assert (both.severity, both.claim, both.line) == ("high", EVAL, 12)


def test_what_one_has_found_twice_is_found_by_one() -> None:
    assert who(("tests", finding()), ("tests", finding())) == [("medium", ["tests"])]


def test_what_one_has_told_apart_stays_apart() -> None:
    one = finding("SQL injection through the name parameter", line=10)
    other = finding("SQL injection through the id parameter", line=12)

    assert [each.claim for each in merged([("security", one), ("security", other)])] == [one.claim, other.claim]
    assert len(merged([("security", one), ("tests", other)])) == 1


def test_another_place_is_another_finding() -> None:
    for other in (finding(file="b.py"), finding(line=10 + NEAR_LINES + 1), finding(line=None)):
        assert len(merged([("security", finding()), ("tests", other)])) == 2


def test_another_claim_at_the_same_place_is_another_finding() -> None:
    assert len(merged([("security", finding()), ("tests", finding("nothing tests this function"))])) == 2


def test_one_shared_word_does_not_make_two_claims_equal() -> None:
    assert len(merged([("security", finding("eval")), ("tests", finding("eval is slow"))])) == 2


def test_the_most_severe_comes_first_and_then_the_place() -> None:
    found: list[tuple[Aspect, Finding]] = [
        ("tests", finding("low one", severity="low", file="a.py")),
        ("security", finding("high two", severity="high", file="b.py")),
        ("security", finding("high one", severity="high", line=2)),
        ("tests", finding("whole file", severity="high", line=None)),
    ]

    assert [each.claim for each in merged(found)] == ["whole file", "high one", "high two", "low one"]


WORDS = ["eval", "runs", "code", "shell", "line", "file", "bounds", "wrong"]
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5)
findings = st.builds(
    Finding,
    file=st.sampled_from(["a.py", "b.py"]),
    line=st.one_of(st.none(), st.integers(1, 12)),
    severity=st.sampled_from(list(RANK)),
    claim=words.map(" ".join),
    suggestion=st.just("mend it"),
)
reviews = st.lists(st.tuples(st.sampled_from(ASPECTS), findings), max_size=12)


@settings(deadline=None)
@given(reviews.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_in_which_reviewers_finish_changes_nothing(
    orders: tuple[list[tuple[Aspect, Finding]], list[tuple[Aspect, Finding]]],
) -> None:
    one, other = orders

    assert merged(one) == merged(other)


@settings(deadline=None)
@given(reviews)
def test_no_finding_is_lost_and_none_becomes_milder(found: list[tuple[Aspect, Finding]]) -> None:
    kept = merged(found)

    assert [RANK[each.severity] for each in kept] == sorted(RANK[each.severity] for each in kept)
    for aspect, each in found:
        assert any(
            aspect in other.found_by
            and other.file == each.file
            and RANK[other.severity] <= RANK[each.severity]
            and ((other.line is None) == (each.line is None))
            and abs((other.line or 0) - (each.line or 0)) <= NEAR_LINES
            for other in kept
        )
    assert len(kept) <= len(found)


@settings(deadline=None)
@given(reviews)
def test_what_was_put_together_stays_as_it_is(found: list[tuple[Aspect, Finding]]) -> None:
    kept = merged(found)
    plain = [Finding(**each.model_dump(exclude={"found_by"})) for each in kept]

    assert [
        Finding(**each.model_dump(exclude={"found_by"})) for each in merged(("tests", each) for each in plain)
    ] == plain
