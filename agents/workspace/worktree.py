"""A git work tree of a run's own, on a branch of its own, so that agents never touch what their user is working on.

It begins as what the user sees: the commit that is checked out, and on top of it one with the user's uncommitted work
(changed and new files, not ignored ones). That one is made with a private index; the user's index, files, stash and
checked-out branch are only read. What the agents have changed is committed at the end; what of it no commit can hold
is named, so that nobody removes it unseen.
"""

import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from agents.command_runner import RunCommand
from agents.workspace.changes import cut_diff
from agents.workspace.file_snapshot import MOST_FILES, is_storable
from agents.workspace.git_commands import GitCommands, GitFailed
from agents.workspace.git_tree import Bounds, is_uninteresting, scratch_directory, staged_tree
from agents.workspace.repository import NoWorktree, Repository, repository_of
from agents.workspace.repository_lock import repository_lock

TAKEN_ALONG = Bounds(file_bytes=16 * 1024 * 1024, all_bytes=128 * 1024 * 1024)
"""How much that git does not know is taken from the user's files; it is copied into the repository."""
COMMITTED = Bounds(file_bytes=100 * 1024 * 1024, all_bytes=1024 * 1024 * 1024)
"""How much of new files is committed at the end; hosts of repositories refuse a file of more than 100 MiB."""
BRANCHES = "agent-workflows"
"""What the names of our branches begin with, before a slash."""
TIDY_SECONDS = 20.0
"""How long it may take to clear what a cancelled or failed start has left."""

_NOT_THERE = ""
"""What git calls the value of a reference that does not exist."""
_IDENTITY: Mapping[str, str] = {
    "GIT_AUTHOR_NAME": "agent-workflows",
    "GIT_AUTHOR_EMAIL": "agent-workflows@localhost",
    "GIT_COMMITTER_NAME": "agent-workflows",
    "GIT_COMMITTER_EMAIL": "agent-workflows@localhost",
}


class WorktreeRecord(BaseModel):
    """By what a work tree is found again, also by another process.

    Attributes:
        tree: Where it is.
        common: The repository's `.git` directory.
        prefix: The workspace's place in it.
        branch: Its branch, without `refs/heads/`.
        start: The commit it starts from: what the user saw.
    """

    model_config = ConfigDict(frozen=True)

    tree: Path
    common: Path
    prefix: str
    branch: str
    start: str

    @property
    def directory(self) -> Path:
        """Where agents work in it: what the workspace is in the user's work tree."""
        return self.tree / self.prefix


@dataclass(frozen=True, slots=True)
class PlannedWorktree:
    """A work tree that could be made.

    Attributes:
        record: What it would be.
        left_out: The user's new files that are too large to be taken along, relative to the top of the repository.
    """

    record: WorktreeRecord
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorktreeChanges:
    """What was changed in a work tree, all of it committed on its branch.

    Attributes:
        changed: Whether anything was.
        diff: From what the user saw to what is there now, relative to the top of the repository.
        uncommitted: Files no commit holds: too large, too many, or in a repository of their own.
    """

    changed: bool
    diff: str
    uncommitted: tuple[str, ...] = ()


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
        begin: A branch to begin with in the place of what the user sees, if it is there.

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
    start, left_out = await _tip_of(begin, git), tuple[str, ...]()
    if not start:
        start, left_out = await _as_the_user_sees_it(repository, git.at(repository.top), run_id)
    record = WorktreeRecord(tree=tree, common=repository.common, prefix=repository.prefix, branch=branch, start=start)
    return PlannedWorktree(record, left_out)


class Worktree:
    """A work tree of a run.

    Args:
        record: What it is.
        run_command: Runs git.
        run_id: The run it is done for.
    """

    def __init__(self, record: WorktreeRecord, run_command: RunCommand, run_id: str) -> None:
        self._record = record
        self._git = GitCommands(record.common, run_command, run_id, {"GIT_DIR": str(record.common)})
        self._own_directory = record.common / "worktrees" / record.tree.name

    async def is_there(self) -> bool:
        """Whether it is where it was made, and its repository knows it."""
        directories = (self._record.tree, self._own_directory)
        return all([await anyio.Path(directory).is_dir() for directory in directories])

    async def make(self) -> None:
        """Make it, from its branch if that is there already; what an earlier attempt has left is removed before.

        Raises:
            GitFailed: It could not be made; nothing of it is left.
        """
        record = self._record
        await self.remove()
        ours = not await _exists(record.branch, self._git)
        try:
            if ours:  # nobody else's: it must not be there when it is created
                await self._git.output("update-ref", f"refs/heads/{record.branch}", record.start, _NOT_THERE)
            why = "a run of agent-workflows is at work in it"
            place = (str(record.tree), record.branch)
            async with repository_lock(record.common):
                await self._git.output("worktree", "add", "--no-checkout", "--lock", "--reason", why, *place)
            await self._inside().output("reset", "--hard", "--quiet")  # takes long where there is much
            await anyio.Path(record.directory).mkdir(parents=True, exist_ok=True)  # git keeps no empty directory
        except BaseException as error:
            with anyio.move_on_after(TIDY_SECONDS, shield=True), suppress(GitFailed):
                await self.remove()
                if ours:
                    await self.delete_branch()
            if isinstance(error, OSError):
                raise GitFailed(f"{record.directory} cannot be made: {error.strerror}") from error
            raise

    async def commit(self, message: str) -> WorktreeChanges:
        """Commit whatever has changed on the branch, and say what that is. Repeating it changes nothing.

        Args:
            message: The commit's.

        Raises:
            GitFailed: It could not be committed; everything is still where it was.
        """
        record = self._record
        tip, uncommitted = await self._tip(), tuple[str, ...]()
        if await anyio.Path(record.tree).is_dir():
            inside = self._inside()
            async with scratch_directory() as scratch:
                variables = {"GIT_INDEX_FILE": str(scratch / "index")}
                tree = (await staged_tree(inside, variables, bounds=COMMITTED)).name
                uncommitted = await _not_in_the_index(inside, variables)
            if tree != await self._git.line("rev-parse", f"{tip}^{{tree}}"):
                tip = await _committed(self._git, tree, tip, message)
        await self._git.output("update-ref", f"refs/heads/{record.branch}", tip)
        options = ("-r", "-p", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
        diff = await self._git.result("diff-tree", *options, record.start, tip)
        return WorktreeChanges(tip != record.start, cut_diff(diff.stdout.decode(errors="replace")), uncommitted)

    async def remove(self) -> None:
        """Remove it and what its repository knows of it, whatever is in it; its branch stays. Repeating it is safe.

        Raises:
            GitFailed: Something of it is still there.
        """
        await anyio.to_thread.run_sync(_remove, self._record.tree)
        if await anyio.Path(self._own_directory).exists():
            async with repository_lock(self._record.common):
                await self._git.output("worktree", "remove", "--force", "--force", str(self._record.tree))
        if await anyio.Path(self._record.tree).exists():
            raise GitFailed(f"{self._record.tree} cannot be removed")

    async def delete_branch(self) -> None:
        """Delete the branch if nothing was changed on it; safe to repeat.

        Raises:
            GitFailed: It could not be deleted.
        """
        branch = f"refs/heads/{self._record.branch}"
        tip = await self._git.attempt("rev-parse", "--verify", "--quiet", branch)
        if tip.ok and tip.stdout.decode().strip() == self._record.start:
            await self._git.output("update-ref", "-d", branch, self._record.start)

    def _inside(self) -> GitCommands:
        """Git in the work tree.

        It is told where that is: an agent may have removed the tree's own `.git`, and git would look further up.
        """
        variables = {"GIT_DIR": str(self._own_directory), "GIT_WORK_TREE": str(self._record.tree)}
        return self._git.at(self._record.tree, variables)

    async def _tip(self) -> str:
        """The newest commit that is a descendant of the start: agents commit, and change branches, as they like."""
        for name in (f"worktrees/{self._own_directory.name}/HEAD", f"refs/heads/{self._record.branch}"):
            found = await self._git.attempt("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            tip = found.stdout.decode().strip()
            if found.ok and (await self._git.attempt("merge-base", "--is-ancestor", self._record.start, tip)).ok:
                return tip
        return self._record.start


async def _as_the_user_sees_it(repository: Repository, git: GitCommands, run_id: str) -> tuple[str, tuple[str, ...]]:
    async with scratch_directory() as scratch:
        variables = {"GIT_INDEX_FILE": str(scratch / "index")}
        seen = await staged_tree(git, variables, bounds=TAKEN_ALONG)
        if not seen.complete:
            raise NoWorktree(f"it has more than {MOST_FILES:,} files that git does not know")
        left_out = await _not_in_the_index(git, variables)
    if seen.name == await git.line("rev-parse", f"{repository.head}^{{tree}}"):
        return repository.head, left_out
    message = f"Uncommitted work, as it was when run {run_id} began"
    return await _committed(git, seen.name, repository.head, message), left_out


async def _committed(git: GitCommands, tree: str, parent: str, message: str) -> str:
    return await git.line("commit-tree", "-p", parent, "-m", message, tree, variables=_IDENTITY)


async def _not_in_the_index(git: GitCommands, variables: Mapping[str, str]) -> tuple[str, ...]:
    listed = await git.output("ls-files", "-z", "--others", "--exclude-standard", variables=variables)
    names = (os.fsdecode(name) for name in listed.split(b"\0") if name)
    return tuple(name for name in names if not is_uninteresting(name))


async def _first_free(branches: tuple[str, ...], git: GitCommands) -> str:
    for branch in branches:
        if not await _exists(branch, git):
            return branch
    raise NoWorktree(f"there is a branch {branches[-1]} already")


async def _tip_of(branch: str, git: GitCommands) -> str:
    """The commit of a branch; empty if there is none."""
    if not branch:
        return ""
    found = await git.attempt("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
    return found.stdout.decode().strip() if found.ok else ""


async def _exists(branch: str, git: GitCommands) -> bool:
    return (await git.attempt("show-ref", "--verify", "--quiet", f"refs/heads/{branch}")).ok


def _remove(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    if tree.exists():  # directories that are read-only, as some package caches make them
        for directory, _, _ in os.walk(tree):
            with suppress(OSError):
                Path(directory).chmod(stat.S_IRWXU)
        shutil.rmtree(tree, ignore_errors=True)
