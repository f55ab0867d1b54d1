"""What has to be known of a git repository before a work tree is added to it: where it is, and why one cannot be."""

import os
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from agents.workspace.git_commands import GitCommands

_IN_THE_MIDDLE = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}
"""What lies in the git directory of a work tree while something is not finished in it."""


class NoWorktree(Exception):
    """No work tree of its own can be made for a workspace; the message is a clause for people that says why.

    Attributes:
        is_repository: False if the workspace is not in the work tree of a git repository at all.
    """

    def __init__(self, why: str, *, is_repository: bool = True) -> None:
        super().__init__(why)
        self.is_repository = is_repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The repository of a workspace.

    Attributes:
        top: Top of the work tree that the workspace lies in.
        common: What all its work trees share: the `.git` directory of the first of them.
        prefix: The workspace relative to `top`; empty or ending in a slash.
        head: The commit that is checked out.
    """

    top: Path
    common: Path
    prefix: str
    head: str


async def repository_of(git: GitCommands) -> Repository:
    """The repository of a workspace to whom a work tree can be added.

    Args:
        git: In the workspace.

    Raises:
        NoWorktree: There is none, or it is in no state to start from.
        GitFailed: Git could not be asked.
    """
    inside = await git.attempt("rev-parse", "--is-inside-work-tree")
    if inside.timed_out or "dubious ownership" in inside.stderr:
        raise NoWorktree(f"git does not answer for it ({' '.join(inside.stderr.split())[:200] or 'it took too long'})")
    if not inside.ok or inside.stdout.strip() != b"true":
        raise NoWorktree("it is not in the work tree of a git repository", is_repository=False)
    asked = ("--show-toplevel", "--git-common-dir", "--absolute-git-dir", "--show-prefix")
    said = os.fsdecode(await git.output("rev-parse", "--path-format=absolute", *asked)).split("\n")[:-1]
    if len(said) != len(asked):
        raise NoWorktree("there is a line break in its path")
    top, common, git_directory, prefix = said
    if prefix and (await git.attempt("check-ignore", "--quiet", ".")).exit_code != 1:
        raise NoWorktree("its repository ignores it", is_repository=False)
    if await git.output("rev-parse", "--show-superproject-working-tree"):
        raise NoWorktree("it is in a submodule of another repository")
    head = await git.attempt("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head.ok:
        raise NoWorktree("its repository has no commit yet")
    unfinished = await anyio.to_thread.run_sync(_unfinished, Path(git_directory))
    if unfinished:
        raise NoWorktree(f"its repository is in the middle of {unfinished}")
    if await populated_submodules(git.at(Path(top)), Path(top)):
        raise NoWorktree("its repository has submodules, which another work tree would not have")
    return Repository(top=Path(top), common=Path(common), prefix=prefix, head=head.stdout.decode().strip())


async def populated_submodules(git: GitCommands, top: Path) -> list[str]:
    """The submodules of a work tree whose files are there, relative to its top.

    Raises:
        GitFailed: Git could not be started.
    """
    if not await anyio.Path(top / ".gitmodules").is_file():
        return []
    listed = await git.attempt("config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$")
    paths = [os.fsdecode(pair.partition(b"\n")[2]) for pair in listed.stdout.split(b"\0") if pair]
    return [path for path in paths if await anyio.Path(top / path / ".git").exists()]


def _unfinished(git_directory: Path) -> str:
    return next((what for name, what in _IN_THE_MIDDLE.items() if (git_directory / name).exists()), "")
