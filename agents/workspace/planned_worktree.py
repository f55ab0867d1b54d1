"""A git work tree that could be made: with what the user sees, or with files another run had.

What the user sees is the commit that is checked out and, on top of it, one with the user's uncommitted work (changed
and new files, not ignored ones). That one is made with a private index; the user's index, files, stash and checked-out
branch are only read.
"""

from dataclasses import dataclass
from pathlib import Path

import anyio

from agents.command_runner import RunCommand
from agents.workspace.commits import branch_exists, commit_of, committed, tree_of
from agents.workspace.file_snapshot import MOST_FILES, is_storable
from agents.workspace.git_commands import GitCommands
from agents.workspace.git_tree import Bounds, scratch_directory, staged_tree
from agents.workspace.repository import NoWorktree, Repository, repository_of
from agents.workspace.uncommittable import uncommittable
from agents.workspace.worktree import SNAPSHOTS, WorktreeRecord

TAKEN_ALONG = Bounds(file_bytes=16 * 1024 * 1024, all_bytes=128 * 1024 * 1024)
"""How much that git does not know is taken from the user's files; it is copied into the repository."""


@dataclass(frozen=True, slots=True)
class PlannedWorktree:
    """A work tree that could be made.

    Attributes:
        record: What it would be.
        left_out: The user's new files that are too large to be taken along, relative to the top of the repository.
    """

    record: WorktreeRecord
    left_out: tuple[str, ...]


async def planned_worktree(
    workspace: Path, tree: Path, branches: tuple[str, ...], run_command: RunCommand, run_id: str, *, begin: str = ""
) -> PlannedWorktree:
    """Note what the user sees, as a commit that no branch refers to yet.

    Args:
        workspace: Existing directory.
        tree: Where the work tree would be; nothing is there yet.
        branches: Names for its branch; the first free one is taken.
        run_command: Runs git.
        run_id: The run it is done for.
        begin: A branch to begin with in the place of what the user sees, if it is there; what the user saw before it
            is then not known, and what is changed is told from there on.

    Raises:
        NoWorktree: The workspace cannot have one.
        GitFailed: Git could not do it.
    """
    git = GitCommands(workspace, run_command, run_id)
    repository = await repository_of(git)
    if not is_storable(f"{repository.top}{repository.common}{repository.prefix}"):
        raise NoWorktree("its path is no text")
    if tree.is_relative_to(repository.top):
        raise NoWorktree("the data directory is inside its repository")
    branch = await _first_free(branches, git)
    start, left_out = await commit_of(f"refs/heads/{begin}", git) if begin else "", tuple[str, ...]()
    found = start
    if not start:
        start, left_out = await _as_the_user_sees_it(repository, git.at(repository.top), run_id)
    record = WorktreeRecord(
        tree=tree, common=repository.common, prefix=repository.prefix, branch=branch, start=start, begin=found
    )
    return PlannedWorktree(record, left_out)


async def forked_worktree(
    source: WorktreeRecord, begin: str, tree: Path, branches: tuple[str, ...], run_command: RunCommand, run_id: str
) -> WorktreeRecord | None:
    """A work tree that begins with files of another one, and tells what is changed from what the user saw there.

    Nothing is looked up in the user's files, so nothing that goes on in them is in its way.

    Args:
        source: The other one; it need not be there any more.
        begin: Name of the commit that has the files, or of what refers to it. It is kept until the new run's snapshots
            are deleted.
        tree: Where the work tree would be; nothing is there yet.
        branches: Names for its branch; the first free one is taken.
        run_command: Runs git.
        run_id: The run it is done for.

    Returns:
        What it would be; None if the commit, or what the user saw, is gone.

    Raises:
        NoWorktree: There is no name left for its branch.
        GitFailed: Git could not do it.
    """
    if not await anyio.Path(source.common).is_dir():
        return None
    git = GitCommands(source.common, run_command, run_id, {"GIT_DIR": str(source.common)})
    commit = await commit_of(begin, git)
    if not commit or not await commit_of(source.start, git):
        return None
    branch = await _first_free(branches, git)
    await git.output("update-ref", f"{SNAPSHOTS}/{run_id}/begin", commit)
    return source.model_copy(update={"tree": tree, "branch": branch, "begin": commit})


async def _as_the_user_sees_it(repository: Repository, git: GitCommands, run_id: str) -> tuple[str, tuple[str, ...]]:
    async with scratch_directory() as scratch:
        variables = {"GIT_INDEX_FILE": str(scratch / "index")}
        seen = await staged_tree(git, variables, bounds=TAKEN_ALONG)
        if not seen.complete:
            raise NoWorktree(f"it has more than {MOST_FILES:,} files that git does not know")
        left_out = await uncommittable(git, variables, repository.head)
    if seen.name == await tree_of(repository.head, git):
        return repository.head, left_out
    message = f"Uncommitted work, as it was when run {run_id} began"
    return await committed(git, seen.name, (repository.head,), message), left_out


async def _first_free(branches: tuple[str, ...], git: GitCommands) -> str:
    for branch in branches:
        if not await branch_exists(branch, git):
            return branch
    raise NoWorktree(f"there is a branch {branches[-1]} already")
