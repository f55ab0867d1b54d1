"""What of a work tree no commit can hold, so that nobody believes it to be safe in one."""

import os
from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread

from agents.workspace.git_commands import GitCommands, GitFailed
from agents.workspace.git_tree import is_uninteresting
from agents.workspace.repository import populated_submodules

_GITLINK = "160000"
"""Mode of an entry that only names the commit of another repository: what that one holds is nowhere in this one."""


async def uncommittable(git: GitCommands, variables: Mapping[str, str], base: str) -> tuple[str, ...]:
    """Files too large or too many for the index, and directories that are repositories of their own.

    Args:
        git: At the top of the work tree.
        variables: Of git's environment; `GIT_INDEX_FILE` names the index of what is to be committed.
        base: A commit. Repositories that it has entries of already are only found as submodules.

    Raises:
        GitFailed: Git could not be asked.
    """
    listed = await git.output("ls-files", "-z", "--others", "--exclude-standard", variables=variables)
    others = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    nested = await _new_gitlinks(git, variables, base) + await populated_submodules(git, git.directory)
    return tuple(name for name in others if not is_uninteresting(name)) + tuple(
        f"{name}/" for name in dict.fromkeys(nested)
    )


async def _new_gitlinks(git: GitCommands, variables: Mapping[str, str], base: str) -> list[str]:
    """`git add` takes a repository in a directory for an entry that names its commit, and no more."""
    options = ("--cached", "--raw", "-z", "--no-renames", "--diff-filter=d")  # what is deleted is no repository
    names: list[str] = []
    start: tuple[str, ...] = ()
    while True:
        listed = await git.result("diff-index", *options, *start, base, variables=variables)
        fields = listed.stdout.split(b"\0")[:-1]
        changes = list(zip(fields[::2], fields[1::2], strict=False))  # the last name may be cut off
        names += [os.fsdecode(name) for entry, name in changes if entry.split()[1].decode() == _GITLINK]
        if not listed.dropped_bytes:
            return await anyio.to_thread.run_sync(_repositories, git.directory, names)
        if len(changes) <= len(start):  # none besides the one it starts with
            raise GitFailed("git diff-index failed: it says too much of one file")
        start = (f"--skip-to={os.fsdecode(changes[-1][1])}",)


def _repositories(top: Path, names: list[str]) -> list[str]:
    return [name for name in names if (top / name / ".git").exists()]
