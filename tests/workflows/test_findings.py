from pathlib import Path

import pytest

from workflows.findings import Finding, by_severity, placed, relative_path, told_by_severity


def unstopped() -> None:
    pass


def finding(file: str, line: int | None) -> Finding:
    return Finding(file=file, line=line, severity="high", claim="wrong", suggestion="mend it")


def reason_of(workspace: Path, file: str, line: int | None) -> str:
    places = placed(workspace, [finding(file, line)], unstopped)
    return places.misplaced[0].reason if places.misplaced else ""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    (inside / "src").mkdir(parents=True)
    (inside / "src" / "a.py").write_text("one\ntwo\n")
    (inside / "open.txt").write_text("one\ntwo")
    (inside / "empty").touch()
    (tmp_path / "secret").write_text("one\n")
    (inside / "link").symlink_to(tmp_path / "secret")
    return inside


@pytest.mark.parametrize(
    ("file", "line"), [("src/a.py", 1), ("src/a.py", 2), ("src/a.py", None), ("open.txt", 2), ("empty", None)]
)
def test_a_place_that_is_there_is_believed(workspace: Path, file: str, line: int | None) -> None:
    assert reason_of(workspace, file, line) == ""


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("src/b.py", 1, "there is no file src/b.py"),
        ("src", 1, "there is no file src"),
        ("src/a.py", 3, "src/a.py has no line 3: it has 2"),
        ("open.txt", 3, "open.txt has no line 3: it has 2"),
        ("src/a.py", 0, "src/a.py has no line 0: it has 2"),
        ("src/a.py", -1, "src/a.py has no line -1: it has 2"),
        ("empty", 1, "empty has no line 1: it has 0"),
        ("../secret", 1, "'../secret' is no path in the workspace"),
        ("link", 1, "'link' is no path in the workspace"),
        ("/etc/hostname", 1, "'/etc/hostname' is no path in the workspace"),
        ("", 1, "'' is no path in the workspace"),
        ("a\0b", 1, "'a\\x00b' is no path in the workspace"),
        ("x" * 5000, 1, "there is no file"),
    ],
)
def test_a_place_that_is_not_there_is_told_with_why(workspace: Path, file: str, line: int, reason: str) -> None:
    assert reason_of(workspace, file, line).startswith(reason)


@pytest.mark.parametrize(
    "written", ["src/a.py", "./src/a.py", "src/../src/a.py", "b/src/a.py", "a/src/a.py", " src/a.py "]
)
def test_a_path_is_read_as_reviewers_write_it(workspace: Path, written: str) -> None:
    (place,) = placed(workspace, [finding(written, 1)], unstopped).findings

    assert place.file == "src/a.py"


def test_an_absolute_path_below_the_workspace_is_one_of_its_own(workspace: Path) -> None:
    assert relative_path(workspace, str(workspace / "src" / "a.py")) == "src/a.py"


def test_a_folder_named_like_a_side_of_a_diff_is_taken_first(workspace: Path) -> None:
    (workspace / "b" / "src").mkdir(parents=True)
    (workspace / "b" / "src" / "a.py").touch()

    assert relative_path(workspace, "b/src/a.py") == "b/src/a.py"


def test_a_large_file_has_all_its_lines(workspace: Path) -> None:
    (workspace / "large").write_bytes(b"line\n" * 300_000)

    assert reason_of(workspace, "large", 300_000) == ""
    assert reason_of(workspace, "large", 300_001) != ""


def test_each_severity_is_counted_the_worst_first() -> None:
    high = finding("a.py", None)
    low = high.model_copy(update={"severity": "low"})

    assert list(by_severity([low, high, low]).items()) == [("high", 1), ("low", 2)]
    assert told_by_severity([low, high, low]) == "1 high, 2 low"
    assert told_by_severity([]) == ""
