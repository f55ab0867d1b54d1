"""A git work tree of a run's own, on a branch of its own, so that agents never touch what their user is working on.

What the agents have changed is committed at the end; what of it no commit can hold is named, so that nobody removes it
unseen. How the files were in between can be noted as a snapshot: a commit that a reference of our own keeps, and that
no branch shows.
"""

import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from agents.command_runner import RunCommand
from agents.workspace.changes import cut_diff
from agents.workspace.commits import branch_exists, commit_of, committed, is_ancestor, tree_of
from agents.workspace.directory_lock import directory_lock
from agents.workspace.git_commands import GitCommands, GitFailed
from agents.workspace.git_tree import Bounds, scratch_directory, staged_tree
from agents.workspace.uncommittable import uncommittable

COMMITTED = Bounds(file_bytes=100 * 1024 * 1024, all_bytes=1024 * 1024 * 1024)
"""How much of new files is committed at the end; hosts of repositories refuse a file of more than 100 MiB."""
BRANCHES = "agent-workflows"
"""What the names of our branches begin with, before a slash."""
SNAPSHOTS = "refs/agent-workflows"
"""Where references to snapshots are, by run: no branches, and neither fetched nor pushed unless everything is."""
TIDY_SECONDS = 20.0
"""How long it may take to clear what a cancelled or failed start has left."""

_NOT_THERE = ""
"""What git calls the value of a reference that does not exist."""


class WorktreeRecord(BaseModel):
    """By what a work tree is found again, also by another process.

    Attributes:
        tree: Where it is.
        common: The repository's `.git` directory.
        prefix: The workspace's place in it.
        branch: Its branch, without `refs/heads/`.
        start: What the user saw, as a commit: what is changed is told from there on.
        begin: The commit its branch begins at, if that is another one: files of another run. Empty: it is `start`.
    """

    model_config = ConfigDict(frozen=True)

    tree: Path
    common: Path
    prefix: str
    branch: str
    start: str
    begin: str = ""

    @property
    def begins_at(self) -> str:
        """The commit its branch begins at."""
        return self.begin or self.start

    @property
    def directory(self) -> Path:
        """Where agents work in it: what the workspace is in the user's work tree."""
        return self.tree / self.prefix


@dataclass(frozen=True, slots=True)
class WorktreeChanges:
    """What was changed in a work tree, all of it committed on its branch.

    Attributes:
        changed: Whether anything is not what the user saw.
        diff: From what the user saw to what is there now, relative to the top of the repository.
        uncommitted: Files no commit holds: too large, too many, or in a repository of their own.
    """

    changed: bool
    diff: str
    uncommitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How the files of a work tree were at one moment.

    Attributes:
        commit: Has them.
        uncommitted: Files no commit holds, as in `WorktreeChanges`.
    """

    commit: str
    uncommitted: tuple[str, ...] = ()


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
        ours = not await branch_exists(record.branch, self._git)
        try:
            if ours:  # nobody else's: it must not be there when it is created
                await self._git.output("update-ref", f"refs/heads/{record.branch}", record.begins_at, _NOT_THERE)
            why = "a run of agent-workflows is at work in it"
            place = (str(record.tree), record.branch)
            async with directory_lock(record.common):
                await self._git.output("worktree", "add", "--no-checkout", "--lock", "--reason", why, *place)
            await self._inside().output("reset", "--hard", "--quiet")  # takes long where there is much
            await anyio.Path(record.directory).mkdir(parents=True, exist_ok=True)  # git keeps no empty directory
        except BaseException as error:
            with anyio.move_on_after(TIDY_SECONDS, shield=True), suppress(GitFailed):
                await self.remove()
                if ours:
                    await self.delete_branch(record.begins_at)
            if isinstance(error, OSError):
                raise GitFailed(f"{record.directory} cannot be made: {error.strerror}") from error
            raise

    async def commit(self, message: str) -> WorktreeChanges:
        """Commit whatever has changed on the branch, and say what that is. Repeating it changes nothing.

        Not to be called once its removal has begun: what is gone by then would be committed as deleted.

        Args:
            message: The commit's.

        Raises:
            GitFailed: It could not be committed; everything is still where it was.
        """
        branch = f"refs/heads/{self._record.branch}"
        before = await commit_of(branch, self._git)
        now = await self._as_it_is(message)
        await self._git.output("update-ref", branch, now.commit, before or _NOT_THERE)
        return replace(await self.committed(), uncommitted=now.uncommitted)

    async def committed(self) -> WorktreeChanges:
        """What its branch has, without looking at the files.

        Raises:
            GitFailed: The repository is gone, or what the user saw is.
        """
        tip = await commit_of(f"refs/heads/{self._record.branch}", self._git) or self._record.start
        options = ("-r", "-p", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
        diff = await self._git.result("diff-tree", *options, self._record.start, tip)
        return WorktreeChanges(tip != self._record.start, cut_diff(diff.stdout.decode(errors="replace")))

    async def snapshot(self, reference: str, message: str) -> Snapshot:
        """Note how the files are now, for a work tree that is to begin with them.

        Args:
            reference: What keeps it: the whole name of a reference that is no branch.
            message: The commit's, if one has to be made.

        Raises:
            GitFailed: It could not be noted.
        """
        now = await self._as_it_is(message)
        await self._git.output("update-ref", reference, now.commit)
        return now

    async def remove(self) -> None:
        """Remove it and what its repository knows of it, whatever is in it; its branch stays. Repeating it is safe.

        Raises:
            GitFailed: Something of it is still there.
        """
        await anyio.to_thread.run_sync(_remove, self._record.tree)
        if await anyio.Path(self._own_directory).exists():
            async with directory_lock(self._record.common):
                removed = await self._git.attempt("worktree", "remove", "--force", "--force", str(self._record.tree))
                if not removed.ok:  # git was stopped while it made it, and does not know it as a work tree
                    await anyio.to_thread.run_sync(_remove, self._own_directory)
        for directory in (self._record.tree, self._own_directory):
            if await anyio.Path(directory).exists():
                raise GitFailed(f"{directory} cannot be removed")

    async def delete_branch(self, at: str) -> None:
        """Delete the branch if it still is at a commit; safe to repeat.

        Raises:
            GitFailed: It could not be deleted.
        """
        branch = f"refs/heads/{self._record.branch}"
        if await commit_of(branch, self._git) == at:
            await self._git.output("update-ref", "-d", branch, at)

    async def _as_it_is(self, message: str) -> Snapshot:
        """A commit of the files as they are, from which all can be reached that agents have committed.

        It is a new one where there is none yet. Agents commit, and change branches, as they like; and they may be ended
        in the middle of a bisection or a rebase, where an earlier commit is checked out: what they have then is what
        the branch has, as long as no file says otherwise.
        """
        own = await commit_of(f"refs/heads/{self._record.branch}", self._git)
        out = await commit_of(f"worktrees/{self._own_directory.name}/HEAD", self._git)  # what is checked out
        out = out or own or self._record.begins_at
        tree, uncommitted = await self._files()
        if own and await is_ancestor(out, own, self._git):
            if tree == await tree_of(out, self._git):
                tree = ""
            if tree in {"", await tree_of(own, self._git)}:  # also what the branch got when this was done before
                out = own
        base, besides = await self._joined(out, own)
        there = await tree_of(base, self._git)
        if besides or tree not in {"", there}:
            base = await committed(self._git, tree or there, (base, *besides), message)
        return Snapshot(base, uncommitted)

    async def _files(self) -> tuple[str, tuple[str, ...]]:
        """The tree of the files as they are, empty where there are none any more; and what no commit can hold."""
        if not await anyio.Path(self._record.tree).is_dir():
            return "", ()
        inside = self._inside()
        async with scratch_directory() as scratch:
            variables = {"GIT_INDEX_FILE": str(scratch / "index")}
            tree = (await staged_tree(inside, variables, bounds=COMMITTED)).name
            return tree, await uncommittable(inside, variables, self._record.start)

    async def _joined(self, *tips: str) -> tuple[str, list[str]]:
        """The first of some commits that is a descendant of where the branch begins, and those not reached from it."""
        first, tips = self._record.begins_at, tuple(dict.fromkeys(tip for tip in tips if tip))
        descendants = [tip for tip in tips if await is_ancestor(first, tip, self._git)]
        base = descendants[0] if descendants else first
        return base, [tip for tip in tips if not await is_ancestor(tip, base, self._git)]

    def _inside(self) -> GitCommands:
        """Git in the work tree.

        It is told where that is: an agent may have removed the tree's own `.git`, and git would look further up.
        """
        variables = {"GIT_DIR": str(self._own_directory), "GIT_WORK_TREE": str(self._record.tree)}
        return self._git.at(self._record.tree, variables)


async def delete_snapshots(common: Path, run_command: RunCommand, run_id: str) -> None:
    """Let go of all snapshots of a run; safe to repeat.

    Args:
        common: The repository's `.git` directory; it may be gone.
        run_command: Runs git.
        run_id: The run.

    Raises:
        GitFailed: They are still there.
    """
    if not await anyio.Path(common).is_dir():
        return
    git = GitCommands(common, run_command, run_id, {"GIT_DIR": str(common)})
    every = await git.output("for-each-ref", "--format=delete %(refname)", f"{SNAPSHOTS}/{run_id}/")
    if every:
        await git.output("update-ref", "--stdin", stdin=every)


def _remove(tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    if tree.exists():  # directories that are read-only, as some package caches make them
        for directory, _, _ in os.walk(tree):
            with suppress(OSError):
                Path(directory).chmod(stat.S_IRWXU)
        shutil.rmtree(tree, ignore_errors=True)
