"""Finds out what is to be reviewed: the changes since a base, what is not committed, or all files.

Git is asked without being changed: uncommitted and new files are seen, and nothing is staged or stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agents.workspace.file_patches import file_patches
from agents.workspace.file_snapshot import MOST_FILES, file_names
from agents.workspace.git_commands import GitCommands, GitFailed
from agents.workspace.git_tree import Comparison, GitWorkspace
from agents.workspace.stoppable import Check, in_stoppable_thread
from workflows.context import WorkflowContext
from workflows.review_code.contract import Subject
from workflows.review_code.selection import Selection, named, of_files, of_patches
from workflows.runs.errors import InputRejected

LARGEST_LISTED_BYTES = 1024 * 1024
"""A larger file is nothing that somebody wrote, and is left out of a tree's list."""
_SHORT = 8
_BINARY_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Material:
    """What is reviewed.

    Attributes:
        subject: What it is, for people.
        text: What the reviewers are given: a diff, or a list of files.
    """

    subject: Subject
    text: str


async def material_of(base: str, context: WorkflowContext) -> Material:
    """What a run reviews.

    Args:
        base: As in the input.
        context: The run's.

    Raises:
        InputRejected: The base is not known, nothing has changed since it, or there is nothing to review.
    """
    git = GitCommands(context.workspace, context.commands, context.run_id)
    workspace = GitWorkspace(context.workspace, context.commands, context.run_id)
    if not await workspace.is_tracked():
        if base:
            raise InputRejected(
                "base",
                f"base: there is no {base!r} to compare with: the workspace is in no git "
                "repository, or ignored by it, or git is not installed",
                recovery=("Leave base out: then all files are reviewed", "or choose a workspace in a repository"),
            )
        return await _tree("it is in no git repository", context.workspace, None)
    try:
        return await _in_repository(base, git, workspace)
    except GitFailed as error:
        raise InputRejected(
            "workspace",
            f"workspace: what has changed in it cannot be read: {error}",
            recovery=("See whether `git status` works there",),
        ) from error


async def _in_repository(base: str, git: GitCommands, workspace: GitWorkspace) -> Material:
    commit = await _commit(base, git)
    if not commit:
        return await _tree("nothing is committed yet", git.directory, git)
    start = await _parting(commit, git) if base else commit
    comparison = await workspace.compare(start, await git.path("objects"))
    if not comparison.changes and not comparison.after.left_out:
        if not base:
            return await _tree("there are no uncommitted changes", git.directory, git)
        raise InputRejected(
            "base",
            f"base: nothing differs from {base!r} ({start[:_SHORT]})",
            recovery=("Name an older commit or another branch", "or leave base out to have all files reviewed"),
        )
    since = "since it parted from" if start != commit else "since"
    what = f"the changes {since} {base} ({start[:_SHORT]})" if base else f"the uncommitted changes ({start[:_SHORT]})"
    return _diff(what, start, comparison)


async def _commit(base: str, git: GitCommands) -> str:
    """The commit of a base, or the one that is checked out; empty if there is none yet."""
    revision = f"{base or 'HEAD'}^{{commit}}"
    found = await git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    if found.ok:
        return found.stdout.decode().strip()
    if base:
        raise InputRejected(
            "base",
            f"base: the workspace's repository has no commit, branch or tag {base!r}",
            recovery=("Name one that `git log` knows there, for example HEAD~1", "fetch it first if it is elsewhere"),
        )
    return ""


async def _parting(commit: str, git: GitCommands) -> str:
    """Where the work tree's history and a commit parted; the commit itself where they have nothing in common."""
    found = await git.attempt("merge-base", commit, "HEAD")
    return found.stdout.decode().strip() if found.ok else commit


def _diff(what: str, commit: str, comparison: Comparison) -> Material:
    patches = file_patches(comparison.diff)
    if not comparison.diff_is_whole:
        patches = patches[:-1]  # it can have lost its end
    shown = {patch.path for patch in patches}
    selection = of_patches(patches)
    missing = [f"{path}: its changes are beyond what is read" for _, path in comparison.changes if path not in shown]
    large = [f"{path}: too large to be compared" for path in sorted(comparison.after.left_out)]
    many = [] if comparison.after.complete else [f"new files beyond the first {MOST_FILES:,}"]
    left_out = named([*selection.left_out, *missing, *large, *many])
    if not selection.files:
        raise InputRejected(
            "base",
            f"base: {what} have no lines that can be read ({'; '.join(left_out)})",
            recovery=(
                "Name another base",
                "or leave base out where everything is committed, to have all files reviewed",
            ),
        )
    subject = Subject(
        kind="diff", description=what, commit=commit, files=list(selection.files), left_out=list(left_out)
    )
    return Material(subject, selection.text)


async def _tree(why: str, workspace: Path, git: GitCommands | None) -> Material:
    """All files; in a repository those that it does not ignore."""
    listed: Sequence[str] | None = None
    if git is not None:
        said = await git.output("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        listed = sorted(set(said.decode(errors="replace").split("\0")) - {""})
    selection = await in_stoppable_thread(partial(_files, workspace, listed))
    if not selection.files:
        raise InputRejected(
            "workspace",
            "workspace: there is no text file in it to review",
            recovery=("Choose another workspace",),
        )
    subject = Subject(
        kind="tree",
        description=f"all files of the workspace ({why})",
        commit="",
        files=list(selection.files),
        left_out=list(selection.left_out),
    )
    return Material(subject, selection.text)


def _files(workspace: Path, listed: Sequence[str] | None, check: Check) -> Selection:
    names, complete = (
        file_names(workspace, check) if listed is None else (listed[:MOST_FILES], len(listed) <= MOST_FILES)
    )
    lines: list[tuple[str, int]] = []
    left_out: list[str] = []
    for name in names:
        check()
        try:
            path = workspace / name
            if path.is_symlink() or not path.is_file():  # deleted and not committed, or a repository of its own
                continue
            if path.stat().st_size > LARGEST_LISTED_BYTES:
                left_out.append(f"{name}: larger than {LARGEST_LISTED_BYTES // 1024:,} kB")
                continue
            content = path.read_bytes()
        except OSError as error:
            left_out.append(f"{name}: cannot be read ({error.strerror})")
            continue
        if b"\0" in content[:_BINARY_BYTES]:
            left_out.append(f"{name}: binary")
        else:
            lines.append((name, content.count(b"\n") + (bool(content) and not content.endswith(b"\n"))))
    if not complete:
        left_out.append(f"files beyond the first {MOST_FILES:,}")
    return of_files(lines, left_out)
