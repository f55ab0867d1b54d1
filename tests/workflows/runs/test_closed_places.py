"""What becomes of a work tree at the end of its run, whatever its agents and the machine did to it: nothing is lost."""

import errno
import shutil
import tempfile
from pathlib import Path

import anyio
import pytest

from agents.workspace import worktree as worktree_module
from tests.agents.workspace.repositories import files_in, git, our_branches, repository, write
from tests.workflows.runs.worktree_home import BRANCH, RUN, Home
from workflows.runs.places import Changes

pytestmark = pytest.mark.anyio


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return repository(tmp_path / "project", {"a.txt": "a\n", "b.txt": "b\n"})


def commit(directory: Path, name: str) -> None:
    """Commit a new file named so, as an agent does."""
    write(directory, {name: f"{name}\n"})
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", name)


def on_the_branch(user: Path) -> list[str]:
    return git(user, "ls-tree", "-r", "--name-only", BRANCH).split()


def commits_of_the_branch(user: Path) -> set[str]:
    return set(git(user, "log", "--format=%s", BRANCH).split("\n")) - {""}


async def test_a_work_tree_that_could_only_be_half_removed_is_not_committed_again(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await home.open(user)
    write(place.directory, {"made.txt": "new\n"})

    def half_removed(directory: Path) -> None:
        for name in (".git", "a.txt"):
            (directory / name).unlink(missing_ok=True)

    with monkeypatch.context() as patch:
        patch.setattr(worktree_module, "_remove", half_removed)
        first = await home.close()
    again = await home.close()
    home.end(RUN)
    await home.places.sweep()

    assert first.note.startswith(f"The work tree {place.directory} could not be removed")
    assert (first.branch, first.diff) == (again.branch, again.diff)
    assert "deleted" not in again.diff
    assert again.note == ""
    assert on_the_branch(user) == ["a.txt", "b.txt", "made.txt"]
    assert home.worktrees == []


async def test_a_work_tree_that_two_processes_close_at_once_is_committed_once(home: Home, user: Path) -> None:
    place = await home.open(user)
    write(place.directory, {f"{number}.txt": "new\n" for number in range(50)})
    told: list[Changes] = []

    async def close() -> None:
        told.append(await home.close())

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(close)

    assert {(changes.branch, changes.diff) for changes in told} == {(BRANCH, told[0].diff)}
    assert len(on_the_branch(user)) == 52
    assert commits_of_the_branch(user) == {"first", f"Changes of run {RUN}"}


@pytest.mark.parametrize("where", ["HEAD~1", "HEAD~2"])
async def test_commits_stay_when_an_earlier_one_is_checked_out_at_the_end(home: Home, user: Path, where: str) -> None:
    directory = (await home.open(user)).directory
    commit(directory, "one.txt")
    commit(directory, "two.txt")
    git(directory, "checkout", "--quiet", "--detach", where)

    changes = await home.close()
    assert (changes.branch, changes.note) == (BRANCH, "")
    assert on_the_branch(user) == ["a.txt", "b.txt", "one.txt", "two.txt"]


async def test_files_that_are_written_on_an_earlier_commit_are_joined_with_the_commits_after_it(
    home: Home, user: Path
) -> None:
    directory = (await home.open(user)).directory
    commit(directory, "one.txt")
    git(directory, "checkout", "--quiet", "--detach", "HEAD~1")
    write(directory, {"other.txt": "new\n"})

    await home.close()
    assert on_the_branch(user) == ["a.txt", "b.txt", "other.txt"], "the files are as they were"
    assert commits_of_the_branch(user) == {"first", "one.txt", f"Changes of run {RUN}"}


async def test_commits_on_a_branch_without_a_past_are_kept(home: Home, user: Path) -> None:
    directory = (await home.open(user)).directory
    git(directory, "checkout", "--quiet", "--orphan", "anew")
    commit(directory, "one.txt")
    git(directory, "checkout", "--quiet", "--detach")
    git(directory, "branch", "--quiet", "-D", "anew")

    changes = await home.close()
    assert "+++ b/one.txt" in changes.diff
    assert commits_of_the_branch(user) == {"first", "one.txt", f"Changes of run {RUN}"}


async def test_a_repository_that_an_agent_has_added_is_kept_and_named(home: Home, user: Path) -> None:
    directory = (await home.open(user)).directory
    repository(directory / "vendor" / "lib", {"precious.txt": "x\n"})
    git(directory, "add", "-A")

    changes = await home.close()
    assert changes.note == f"Not committed, and kept in {directory} for 14 days: vendor/lib/."
    home.end(RUN)
    await home.places.sweep()
    assert files_in(directory / "vendor" / "lib") == {"precious.txt": b"x\n"}


async def test_a_full_disk_for_temporary_files_is_told_and_loses_nothing(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    directory = (await home.open(user)).directory
    write(directory, {"made.txt": "new\n"})
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", full)
        await home.places.snapshot(RUN, "task", "stage")
        told = await home.close()
    assert "No space left on device" in told.note
    assert str(directory) in told.note

    assert (await home.close()).branch == BRANCH
    assert "made.txt" in on_the_branch(user)


async def test_a_work_tree_whose_directory_is_gone_ends_with_what_is_on_its_branch(home: Home, user: Path) -> None:
    directory = (await home.open(user)).directory
    commit(directory, "one.txt")
    shutil.rmtree(directory)

    changes = await home.close()
    assert (changes.branch, changes.note) == (BRANCH, "")
    assert our_branches(user) == [BRANCH]
    assert on_the_branch(user) == ["a.txt", "b.txt", "one.txt"]
