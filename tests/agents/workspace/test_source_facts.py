from pathlib import Path

import pytest

from agents.workspace.source_facts import SourceFacts, is_test_file, source_facts

DOCUMENTED = '"""A module."""\n\n\ndef public() -> None:\n    """Do."""\n\n\ndef _private() -> None: ...\n'


def go_on() -> None:
    """Never stops the work."""


def facts_of(directory: Path, files: dict[str, str]) -> SourceFacts:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return source_facts(directory, list(files), go_on)


def test_lines_are_counted_in_the_language_most_of_them_are_in(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, {"a.py": "x = 1\n" * 3, "b.js": "let x\n" * 2, "notes.md": "text\n" * 9})

    assert (facts.language, facts.lines) == ("Python", 5)


def test_without_sources_nothing_is_claimed(tmp_path: Path) -> None:
    assert facts_of(tmp_path, {"notes.md": "text\n"}) == SourceFacts("", 0, has_tests=False, has_docstrings=None)


def test_what_is_not_there_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "dir.py").mkdir()
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe")

    facts = source_facts(tmp_path, ["missing.py", "dir.py", "binary.py"], go_on)

    assert (facts.language, facts.lines) == ("", 0)


@pytest.mark.parametrize(
    ("text", "documented"),
    [
        (DOCUMENTED, True),
        (DOCUMENTED + "\n\ndef other() -> None: ...\n", False),
        ("class Public: ...\n", False),
        ("x = 1\n", None),
        ("def broken(:\n", False),
    ],
)
def test_docstrings_are_looked_for_in_the_code(tmp_path: Path, text: str, documented: bool | None) -> None:  # noqa: FBT001 - a parameter of the test
    assert facts_of(tmp_path, {"a.py": text}).has_docstrings is documented


def test_tests_need_no_docstrings(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, {"a.py": DOCUMENTED, "tests/test_a.py": "def test_it() -> None: ...\n"})

    assert facts.has_docstrings is True
    assert facts.has_tests is True


@pytest.mark.parametrize(
    "path",
    [
        "test_a.py",
        "a_test.go",
        "a.test.ts",
        "a.spec.js",
        "tests/helper.py",
        "__tests__/a.js",
        "ParserTest.java",
        "a_spec.rb",
    ],
)
def test_a_test_file_is_recognised_by_its_name_or_its_folder(path: str) -> None:
    assert is_test_file(path)


@pytest.mark.parametrize("path", ["a.py", "latest.py", "contest/a.py", "testing.py", "Attest.py"])
def test_other_files_are_no_tests(path: str) -> None:
    assert not is_test_file(path)


def test_tests_inside_a_rust_file_are_seen(tmp_path: Path) -> None:
    assert facts_of(tmp_path, {"lib.rs": "#[test]\nfn works() {}\n"}).has_tests
