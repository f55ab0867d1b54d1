"""A work tree is committed as it is, wherever its agents were in their history when they ended."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from agents.command_runner import command_runner
from agents.workspace.worktree import Worktree, WorktreeRecord
from tests.agents.workspace.repositories import files_in, git, repository, write

pytestmark = pytest.mark.anyio

BRANCH = "agent-workflows/x"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A repository with one commit, and another below it."""
    directory = repository(tmp_path / "project", {"old.txt": "old\n"})
    write(directory, {"a.txt": "a\n"})
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "second")
    return directory


@pytest.fixture
def record(user: Path, tmp_path: Path) -> WorktreeRecord:
    (tmp_path / "trees").mkdir()
    start = git(user, "rev-parse", "HEAD").strip()
    tree = tmp_path / "trees" / "run-1"
    return WorktreeRecord(tree=tree, common=user / ".git", prefix="", branch=BRANCH, start=start)


@pytest.fixture
async def worktree(record: WorktreeRecord) -> AsyncGenerator[Worktree]:
    """One that was made."""
    async with command_runner() as runner:
        worktree = Worktree(record, runner.run, "run-1")
        with anyio.fail_after(20):
            await worktree.make()
        yield worktree


async def tips(worktree: Worktree, record: WorktreeRecord) -> list[str]:
    """What the branch is at after each of three times that the work tree was committed."""
    seen: list[str] = []
    with anyio.fail_after(20):
        for _ in range(3):
            await worktree.commit("the end")
            seen.append(git(record.common, "rev-parse", BRANCH).strip())
    return seen


def files_on_the_branch(record: WorktreeRecord) -> list[str]:
    return git(record.common, "ls-tree", "-r", "--name-only", BRANCH).split()


def two_commits(tree: Path) -> None:
    for name in ("b.txt", "c.txt"):
        write(tree, {name: "x\n"})
        git(tree, "add", ".")
        git(tree, "commit", "--quiet", "-m", name)


async def test_what_is_changed_where_an_earlier_commit_is_checked_out_is_committed_once(
    worktree: Worktree, record: WorktreeRecord
) -> None:
    two_commits(record.tree)
    own = git(record.tree, "rev-parse", "HEAD").strip()
    git(record.tree, "checkout", "--quiet", "--detach", "HEAD^")
    write(record.tree, {"made.txt": "new\n"})

    first, *again = await tips(worktree, record)

    assert again == [first, first]
    assert own in git(record.common, "rev-list", BRANCH).split()
    assert files_on_the_branch(record) == sorted(files_in(record.tree)) == ["a.txt", "b.txt", "made.txt", "old.txt"]


async def test_where_an_unchanged_earlier_commit_is_checked_out_the_branch_stays_as_it_is(
    worktree: Worktree, record: WorktreeRecord
) -> None:
    two_commits(record.tree)
    own = git(record.tree, "rev-parse", "HEAD").strip()
    git(record.tree, "checkout", "--quiet", "--detach", "HEAD^")

    assert await tips(worktree, record) == [own, own, own]


async def test_files_of_a_branch_that_was_put_back_before_its_beginning_are_committed_as_they_are(
    worktree: Worktree, record: WorktreeRecord
) -> None:
    git(record.tree, "reset", "--quiet", "--hard", "HEAD^")
    write(record.tree, {"made.txt": "new\n"})
    git(record.tree, "add", ".")
    git(record.tree, "commit", "--quiet", "-m", "made")
    git(record.tree, "checkout", "--quiet", "--detach")
    git(record.tree, "reset", "--quiet", "--soft", "HEAD^")

    first, *again = await tips(worktree, record)

    assert again == [first, first]
    assert files_on_the_branch(record) == ["made.txt", "old.txt"]
    assert record.start in git(record.common, "rev-list", BRANCH).split()
