import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.research.citations import cited_numbers, marked, with_sources
from workflows.research.contract import Source
from workflows.research.notes import Finding, Looked, Opened
from workflows.research.sources import Numbered, identity_of


def looked(number: int, *places: str, opened: tuple[Opened, ...] = (), searched: tuple[str, ...] = ()) -> Looked:
    findings = [Finding(claim="c", sources=list(places))]
    return Looked(number=number, question="q", findings=findings, opened=list(opened), searched=list(searched))


def seen(place: str, problem: str = "") -> Opened:
    return Opened(place=place, problem=problem)


def told(numbered: Numbered) -> list[tuple[int, str, str]]:
    return [(source.number, source.place, source.status) for source in numbered.sources]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://Example.org/a/", "http://example.org/a"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("./src/a.py", "src/a.py"),
        (" src/a.py ", "src/a.py"),
    ],
)
def test_two_spellings_of_one_source_are_one(one: str, other: str) -> None:
    assert identity_of(one) == identity_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a", "https://example.org/b"),
        ("https://example.org/a?x=1", "https://example.org/a?x=2"),
        ("https://example.org/A", "https://example.org/a"),
        ("https://example.org:8080/a", "https://example.org/a"),
        ("README.md", "readme.md"),
    ],
)
def test_different_sources_stay_different(one: str, other: str) -> None:
    assert identity_of(one) != identity_of(other)


@given(st.text())
def test_anything_can_be_a_place(place: str) -> None:
    assert identity_of(place) == identity_of(f" {place}\t")


def test_sources_are_numbered_as_they_are_first_named() -> None:
    numbered = Numbered.of([looked(1, "b", "a"), looked(2, "a", "c")])

    assert told(numbered) == [(1, "b", "unopened"), (2, "a", "unopened"), (3, "c", "unopened")]
    assert numbered.numbers(["./c", "nowhere", "b", "c"]) == [3, 1]


def test_only_what_was_seen_to_be_opened_counts_as_read() -> None:
    opened = (seen("https://a.example/"), seen("https://b.example", "HTTP 404"))
    parts = [looked(1, "https://a.example", "https://b.example", "https://c.example", opened=opened)]

    statuses = [(source.status, source.problem) for source in Numbered.of(parts).sources]

    assert statuses == [("read", ""), ("unreadable", "HTTP 404"), ("unopened", "")]


def test_what_could_not_be_read_is_listed_though_nobody_cites_it() -> None:
    parts = [looked(1, "a", opened=(seen("a"), seen("gone", "no such file"), seen("read but useless")))]

    assert told(Numbered.of(parts)) == [(1, "a", "read"), (2, "gone", "unreadable")]


def test_what_one_could_read_was_read_whoever_could_not() -> None:
    for first, second in ((seen("a", "time-out"), seen("a")), (seen("a"), seen("a", "time-out"))):
        parts = [looked(1, "a", opened=(first,)), looked(2, "a", opened=(second,))]
        assert told(Numbered.of(parts)) == [(1, "a", "read")]


def test_what_the_provider_found_by_itself_is_told_from_what_was_opened() -> None:
    parts = [looked(1, "https://a.example", searched=("https://a.example/", "https://b.example"))]

    assert told(Numbered.of(parts)) == [(1, "https://a.example", "searched"), (2, "https://b.example", "searched")]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It is so [2].", [2]),
        ("Both [3][1] say so [1, 3; 4].", [1, 3, 4]),
        ("A range [2-4] and another [6\u20137].", [2, 3, 4, 6, 7]),
        ("As a footnote[^5].", [5]),
        ("As a link [1](https://a.example).", [1]),
        ("Absurd [1-999].", [1, 999]),
        ("Backwards [9-2].", [2, 9]),
        ("No citations: [x], [ ], [2024], a[i], (3), `list[0]`.", []),
        ("```python\nvalues[1] = [2]\n```\nBut this [3].", [3]),
        ("~~~\n[1]\n~~~", []),
    ],
)
def test_citations_are_found_and_code_has_none(text: str, numbers: list[int]) -> None:
    assert cited_numbers(text) == numbers


def source(number: int, status: str = "read", problem: str = "") -> Source:
    fields = {"number": number, "place": f"place-{number}", "status": status, "problem": problem, "cited": False}
    return Source.model_validate(fields)


def test_the_answer_ends_with_its_sources_and_what_is_wrong_with_them() -> None:
    sources = [source(1), source(2, "unreadable", "HTTP\n404"), source(3, "unopened"), source(4, "searched")]

    answer = with_sources("So [1, 2, 3].\n", marked(sources, [1, 2, 3]), unknown=[])

    assert answer.splitlines() == [
        "So [1, 2, 3].",
        "",
        "## Sources",
        "",
        "1. place-1",
        "2. place-2 (could not be read: HTTP 404)",
        "3. place-3 (named, but nobody was seen to open it)",
        "4. place-4 (found by the provider's search, not opened here; not cited)",
    ]


@pytest.mark.parametrize(
    ("unknown", "warning"),
    [([7], "[7] is cited above and no source."), ([0, 9], "[0], [9] are cited above and no source.")],
)
def test_a_citation_of_nothing_is_flagged_where_everybody_sees_it(unknown: list[int], warning: str) -> None:
    answer = with_sources("So [7].", [source(1)], unknown)

    assert answer.endswith(f"> **Not proven:** {warning}")


def test_an_answer_without_sources_says_so() -> None:
    assert with_sources("So.", [], []).endswith("None: nothing above could be traced to a source.")


@given(st.lists(st.integers(0, 999), max_size=20), st.text(alphabet=st.characters(exclude_characters="[]`~")))
def test_every_number_between_brackets_is_found(numbers: list[int], words: str) -> None:
    text = words.join(f"[{number}]" for number in numbers)

    assert cited_numbers(text) == sorted(set(numbers))
