import os
from collections.abc import Generator
from pathlib import Path

import pytest

from agents.workspace import file_snapshot as module
from agents.workspace.file_snapshot import FileState, take_snapshot, unified_diff
from agents.workspace.stoppable import WorkStopped


def go_on() -> None:
    """Never stops the work."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        for number in range(3):
            (tmp_path / folder / f"{number}.txt").write_text(f"{folder}{number}\n")
    return tmp_path


@pytest.mark.parametrize("steps", [0, 1, 5, 13])
def test_it_stops_at_the_next_file_when_it_is_told_to(workspace: Path, steps: int) -> None:
    left = [steps]

    def stop_after_some() -> None:
        if left[0] == 0:
            raise WorkStopped
        left[0] -= 1

    with pytest.raises(WorkStopped):
        take_snapshot(workspace, stop_after_some)


def test_every_file_is_seen_and_nothing_is_left_out(workspace: Path) -> None:
    snapshot = take_snapshot(workspace, go_on)

    assert list(snapshot.files) == [f"{folder}/{number}.txt" for folder in "abc" for number in range(3)]
    assert snapshot.complete


def test_more_names_than_the_bound_are_not_looked_at(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 7)

    snapshot = take_snapshot(workspace, go_on)

    assert len(snapshot.files) == 4
    assert not snapshot.complete


def test_empty_directories_count_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    for number in range(20):
        (tmp_path / f"{number:02}").mkdir()

    assert not take_snapshot(tmp_path, go_on).complete


DEEP = 1200
"""More directories than Python's own stack is deep; too long for one path."""


@pytest.fixture
def deep(tmp_path: Path) -> Generator[Path]:
    """A directory with a very deep one in it, which is taken away again: what cleans up after tests cannot."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=here)
        here = _moved(here, "d")
    yield tmp_path
    for _ in range(DEEP):
        here = _moved(here, "..")
        os.rmdir("d", dir_fd=here)
    os.close(here)


def _moved(here: int, name: str) -> int:
    there = os.open(name, os.O_RDONLY, dir_fd=here)
    os.close(here)
    return there


def test_directories_may_be_nested_deeply(deep: Path) -> None:
    assert take_snapshot(deep, go_on).complete


def test_beyond_the_bound_files_are_told_apart_by_size_and_time(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALL_HASHED_BYTES", 8)
    before = take_snapshot(workspace, go_on).files
    assert [bool(state.digest) for state in before.values()] == [True, True] + [False] * 7

    monkeypatch.setattr(module, "ALL_HASHED_BYTES", 4)
    (workspace / "c" / "2.txt").write_text("longer than before\n")
    after = take_snapshot(workspace, go_on).files

    assert [name for name in before if not before[name].is_same(after[name])] == ["c/2.txt"]


def test_a_file_that_was_only_touched_is_the_same(workspace: Path) -> None:
    before = take_snapshot(workspace, go_on).files["a/0.txt"]
    os.utime(workspace / "a" / "0.txt", (1, 1))
    after = take_snapshot(workspace, go_on).files["a/0.txt"]

    assert before.stamp != after.stamp
    assert before.is_same(after)


@pytest.mark.parametrize("break_", ["\f", "\u2028", "\x85", "\r"])
def test_only_a_newline_ends_a_line_of_a_diff(break_: str) -> None:
    before = FileState(stamp="1", text=f"a{break_}b\nc\n")
    after = FileState(stamp="2", text=f"a{break_}b\nd\n")
    assert unified_diff("x.py", before, after).split("\n")[2:] == ["@@ -1,2 +1,2 @@", f" a{break_}b", "-c", "+d", ""]
