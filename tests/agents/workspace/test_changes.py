import hashlib
import os
import stat
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from agents import command_runner as command_runner_module
from agents.command_runner import CommandRunner, command_runner
from agents.workspace import changes as module
from agents.workspace import file_snapshot, git_tree
from agents.workspace.changes import FileChange, Workspace, WorkspaceChanges
from agents.workspace.diff_lines import DiffLines

pytestmark = pytest.mark.anyio


def git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=True, timeout=5
    )
    return done.stdout


def state_of_repository(directory: Path) -> tuple[str, str, str]:
    index = directory / ".git" / "index"
    staged = hashlib.sha256(index.read_bytes()).hexdigest() if index.exists() else ""
    return staged, git(directory, "status", "--porcelain"), git(directory, "for-each-ref")


def objects_of(directory: Path) -> set[Path]:
    return {path for path in (directory / ".git" / "objects").rglob("*") if path.is_file()}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def by_path(changes: WorkspaceChanges) -> dict[str, str]:
    return {change.path: change.change for change in changes.files}


@pytest.fixture
async def runner() -> AsyncGenerator[CommandRunner]:
    async with command_runner() as runner:
        yield runner


@pytest.fixture
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run keeps what nobody else may read; not there yet."""
    return tmp_path_factory.mktemp("run") / "private"


@pytest.fixture(params=["git", "plain"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace with three files: in a repository of which two are committed, and without one."""
    (tmp_path / "kept.txt").write_text("kept\n")
    (tmp_path / "changed.txt").write_text("one\ntwo\n")
    if request.param == "git":
        git(tmp_path, "init", "--quiet")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "-m", "first")
    (tmp_path / "gone.txt").write_text("gone\n")
    return tmp_path


async def test_what_was_added_changed_and_deleted_is_found(
    directory: Path, runner: CommandRunner, private: Path
) -> None:
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (directory / "changed.txt").write_text("one\nthree\n")
        (directory / "gone.txt").unlink()
        (directory / "sub").mkdir()
        (directory / "sub" / "new.txt").write_text("new")
        changes = await workspace.changes_since(baseline)

    assert changes.files == (
        FileChange("changed.txt", "modified"),
        FileChange("gone.txt", "deleted"),
        FileChange("sub/new.txt", "added"),
    )
    for line in (
        "-two\n+three\n",
        "-gone\n",
        "--- /dev/null\n+++ b/sub/new.txt\n",
        "+new\n\\ No newline at end of file\n",
    ):
        assert line in changes.diff
    assert "kept" not in changes.diff
    assert changes.problem == ""


async def test_nothing_has_changed_where_nothing_was_done(
    directory: Path, runner: CommandRunner, private: Path
) -> None:
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        changes = await workspace.changes_since(await workspace.baseline())

    assert changes == WorkspaceChanges((), "")


async def test_what_tools_leave_behind_is_no_change(directory: Path, runner: CommandRunner, private: Path) -> None:
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        for name in ("__pycache__", "node_modules"):
            (directory / name).mkdir()
            (directory / name / "made.txt").write_text("x")
        changes = await workspace.changes_since(baseline)

    assert changes.files == ()


async def test_a_large_or_binary_file_is_named_and_not_shown(
    directory: Path, runner: CommandRunner, private: Path
) -> None:
    workspace = Workspace(directory, runner.run, private)
    (directory / "large.bin").write_bytes(b"\0" * 2_000_000)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (directory / "large.bin").write_bytes(b"\1" * 2_000_001)
        (directory / "other.bin").write_bytes(b"\0" * 2_000_000)
        (directory / "small.bin").write_bytes(b"\0\1\2")
        changes = await workspace.changes_since(baseline)
        (directory / "large.bin").unlink()
        later = await workspace.changes_since(baseline)

    assert by_path(changes) == {"large.bin": "modified", "other.bin": "added", "small.bin": "added"}
    assert "large.bin" in changes.diff
    assert len(changes.diff) < 2000
    assert by_path(later)["large.bin"] == "deleted"


async def test_a_baseline_is_text_that_another_workspace_object_can_use(
    directory: Path, runner: CommandRunner, private: Path
) -> None:
    with anyio.fail_after(5):
        baseline = str(await Workspace(directory, runner.run, private).baseline())
        (directory / "new.txt").write_text("new\n")
        changes = await Workspace(directory, runner.run, private).changes_since(baseline)

    assert by_path(changes) == {"new.txt": "added"}


async def test_a_long_diff_is_cut_and_says_so(
    directory: Path, runner: CommandRunner, monkeypatch: pytest.MonkeyPatch, private: Path
) -> None:
    monkeypatch.setattr(module, "LONGEST_DIFF", 200)
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (directory / "new.txt").write_text("a line of it\n" * 100)
        changes = await workspace.changes_since(baseline)

    assert len(changes.diff) < 300
    assert changes.diff.splitlines()[-1].startswith("# cut: ")


async def test_a_name_in_any_script_is_told_as_it_is(directory: Path, runner: CommandRunner, private: Path) -> None:
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (directory / "größe – 大.txt").write_text("x\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"größe – 大.txt": "added"}


async def test_a_name_that_is_no_text_does_no_harm(directory: Path, runner: CommandRunner, private: Path) -> None:
    workspace = Workspace(directory, runner.run, private)
    path = directory / os.fsdecode(b"\xff.txt")
    try:
        path.write_text("x\n")
    except OSError:
        pytest.skip("this file system only takes text as names")
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        path.write_text("y\n")
        (directory / "new.txt").write_text("x\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes)["new.txt"] == "added"
    assert all(change.path.encode() for change in changes.files)


async def test_the_users_index_work_tree_and_history_are_left_alone(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.txt").write_text("one\n")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    (tmp_path / "a.txt").write_text("two\n")
    git(tmp_path, "add", "a.txt")
    (tmp_path / "a.txt").write_text("three\n")
    (tmp_path / "b.txt").write_text("unknown to git\n")
    before = state_of_repository(tmp_path)

    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        assert state_of_repository(tmp_path) == before
        objects = objects_of(tmp_path)
        (tmp_path / "b.txt").write_text("changed\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"b.txt": "modified"}
    assert state_of_repository(tmp_path) == before
    assert objects_of(tmp_path) == objects


async def test_a_repository_without_a_commit_is_compared(tmp_path: Path, runner: CommandRunner, private: Path) -> None:
    git(tmp_path, "init", "--quiet")
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "a.txt").write_text("one\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "added"}
    assert not (tmp_path / ".git" / "index").exists()


async def test_what_gitignore_names_is_no_change(tmp_path: Path, runner: CommandRunner, private: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*.log\n")
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "run.log").write_text("x\n")
        (tmp_path / "a.txt").write_text("x\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "added"}


async def test_a_directory_inside_a_repository_sees_its_own_changes_only(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("one\n")
    git(tmp_path, "add", ".")
    workspace = Workspace(tmp_path / "sub", runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "sub" / "a.txt").write_text("two\n")
        (tmp_path / "sub" / "b.txt").write_text("new\n")
        (tmp_path / "above.txt").write_text("not here\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "modified", "b.txt": "added"}
    assert "above" not in changes.diff


async def test_a_directory_that_its_repository_ignores_is_compared_file_by_file(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / "out").mkdir()
    workspace = Workspace(tmp_path / "out", runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "out" / "a.txt").write_text("x\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "added"}


async def test_a_repository_inside_the_workspace_is_left_alone(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "inner").mkdir()
    git(tmp_path / "inner", "init", "--quiet")
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "inner" / "a.txt").write_text("x\n")
        (tmp_path / "b.txt").write_text("x\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"b.txt": "added"}
    assert changes.problem == ""


async def test_variables_of_a_repository_elsewhere_have_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: Path
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for directory in (here, elsewhere):
        directory.mkdir()
        git(directory, "init", "--quiet")
    before = state_of_repository(elsewhere)
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(elsewhere / ".git"))
        patch.setenv("GIT_WORK_TREE", str(elsewhere))
        patch.setenv("GIT_INDEX_FILE", str(elsewhere / ".git" / "index"))
        async with command_runner() as runner:
            workspace = Workspace(here, runner.run, private)
            with anyio.fail_after(5):
                baseline = await workspace.baseline()
                (here / "a.txt").write_text("x\n")
                changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "added"}
    assert state_of_repository(elsewhere) == before


async def test_no_hook_of_the_repository_runs(tmp_path: Path, runner: CommandRunner, private: Path) -> None:
    git(tmp_path, "init", "--quiet")
    hook = tmp_path / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch hook-ran\n")
    hook.chmod(0o755)
    (tmp_path / "a.txt").write_text("x\n")
    with anyio.fail_after(5):
        await Workspace(tmp_path, runner.run, private).baseline()

    assert not (tmp_path / "hook-ran").exists()


async def test_what_is_noted_can_be_read_by_nobody_else_and_is_not_in_the_handle(
    directory: Path, runner: CommandRunner, private: Path
) -> None:
    (directory / ".env").write_text("PASSWORD=hunter2\n")
    with anyio.fail_after(5):
        handle = await Workspace(directory, runner.run, private).baseline()

    assert "hunter2" not in handle
    assert len(handle) < 100
    assert [mode_of(path) for path in (private, private / handle)] == [0o700, 0o600]


async def test_the_repository_gets_nothing_and_may_be_tidied_up(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.txt").write_text("unknown to git\n")
    objects = objects_of(tmp_path)
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(15):
        baseline = await workspace.baseline()
        assert objects_of(tmp_path) == objects
        git(tmp_path, "gc", "--quiet", "--prune=now")
        (tmp_path / "a.txt").write_text("changed\n")
        changes = await workspace.changes_since(baseline)

    assert changes.known
    assert by_path(changes) == {"a.txt": "modified"}


async def test_a_repository_in_a_directory_with_a_colon_is_compared(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    directory = tmp_path / "a:b"
    directory.mkdir()
    git(directory, "init", "--quiet")
    (directory / "a.txt").write_text("one\n")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "first")
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (directory / "a.txt").write_text("two\n")
        changes = await workspace.changes_since(baseline)

    assert "-one\n+two\n" in changes.diff


async def test_where_nothing_is_noted_any_more_nothing_is_known(
    directory: Path, runner: CommandRunner, private: Path
) -> None:
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (private / baseline).unlink()
        changes = await workspace.changes_since(baseline)

    assert not changes.known
    assert "What changed could not be read" in changes.problem


async def test_a_list_that_is_too_long_to_keep_is_not_read_as_a_short_one(
    tmp_path: Path, runner: CommandRunner, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet")
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(10):
        baseline = await workspace.baseline()
        for number in range(100):
            (tmp_path / f"a-name-that-is-rather-long-{number:03}.txt").write_text("x\n")
        monkeypatch.setattr(command_runner_module, "KEPT_BYTES", 3200)  # cuts the list of changes, not that of files
        changes = await workspace.changes_since(baseline)

    assert not changes.known
    assert "says more than 3,200 bytes" in changes.problem


async def test_a_diff_that_is_too_long_to_keep_still_tells_which_files_changed(
    tmp_path: Path, runner: CommandRunner, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet")
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "a.txt").write_text("a line\n" * 1000)
        monkeypatch.setattr(command_runner_module, "KEPT_BYTES", 1000)
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "added"}
    assert changes.lines.added < 1000
    assert not changes.lines.complete


async def test_a_file_that_grows_or_shrinks_past_the_bound_is_modified(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    small, large = b"x\n", b"x\n" * 600_000
    (tmp_path / "grows.txt").write_bytes(small)
    (tmp_path / "shrinks.txt").write_bytes(large)
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "grows.txt").write_bytes(large)
        (tmp_path / "shrinks.txt").write_bytes(small)
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"grows.txt": "modified", "shrinks.txt": "modified"}
    assert not changes.lines.complete


async def test_new_files_that_are_too_much_in_all_are_not_copied_and_still_compared(
    tmp_path: Path, runner: CommandRunner, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_tree, "ALL_NEW_BYTES", 25)
    git(tmp_path, "init", "--quiet")
    for name in "abcd":
        (tmp_path / f"{name}.txt").write_text("10 bytes.\n")
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "a.txt").unlink()
        (tmp_path / "d.txt").write_text("changed\n")
        changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "deleted", "d.txt": "modified"}


async def test_what_was_added_and_removed_is_counted(directory: Path, runner: CommandRunner, private: Path) -> None:
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (directory / "changed.txt").write_text("one\nthree\nfour\n")
        changes = await workspace.changes_since(baseline)

    assert changes.lines == DiffLines(added=2, removed=1)


async def test_without_git_files_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private: Path) -> None:
    git(tmp_path, "init", "--quiet")
    nowhere = tmp_path / "no-commands"
    nowhere.mkdir()
    monkeypatch.setenv("PATH", str(nowhere))
    async with command_runner() as runner:
        workspace = Workspace(tmp_path, runner.run, private)
        with anyio.fail_after(5):
            baseline = await workspace.baseline()
            (tmp_path / "a.txt").write_text("x\n")
            changes = await workspace.changes_since(baseline)

    assert by_path(changes) == {"a.txt": "added"}


async def test_a_repository_that_has_gone_is_a_problem_and_no_error(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / ".git" / "HEAD").unlink()
        changes = await workspace.changes_since(baseline)

    assert not changes.known
    assert changes.files == ()
    assert "not a git repository" in changes.problem


async def test_too_many_files_are_a_problem_and_never_a_false_change(
    directory: Path, runner: CommandRunner, monkeypatch: pytest.MonkeyPatch, private: Path
) -> None:
    for number in range(6):
        (directory / f"n{number}.txt").write_text("x\n")
    monkeypatch.setattr(file_snapshot, "MOST_FILES", 4)
    monkeypatch.setattr(git_tree, "MOST_FILES", 4)
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (directory / "a-first.txt").write_text("new\n")
        changes = await workspace.changes_since(baseline)

    assert "not all of them were compared" in changes.problem
    assert "deleted" not in by_path(changes).values()


async def test_an_agent_that_makes_too_many_files_hides_no_earlier_one(
    directory: Path, runner: CommandRunner, monkeypatch: pytest.MonkeyPatch, private: Path
) -> None:
    monkeypatch.setattr(file_snapshot, "MOST_FILES", 4)
    monkeypatch.setattr(git_tree, "MOST_FILES", 4)
    workspace = Workspace(directory, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        for number in range(6):
            (directory / f"a{number}.txt").write_text("x\n")
        changes = await workspace.changes_since(baseline)

    assert "not all of them were compared" in changes.problem
    assert set(by_path(changes).values()) == {"added"}


async def test_text_beyond_the_bound_is_named_and_not_shown(
    tmp_path: Path, runner: CommandRunner, private: Path
) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.txt").write_text("x" * 60_000)
    workspace = Workspace(tmp_path, runner.run, private)
    with anyio.fail_after(5):
        baseline = await workspace.baseline()
        (tmp_path / "00.txt").write_text("first\n")
        (tmp_path / "19.txt").write_text("last\n")
        changes = await workspace.changes_since(baseline)

    assert (private / baseline).stat().st_size < 600_000
    assert by_path(changes) == {"00.txt": "modified", "19.txt": "modified"}
    assert "+first" in changes.diff
    assert "--- a/19.txt\n+++ b/19.txt\n# not shown" in changes.diff
