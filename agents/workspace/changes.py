"""Which files of a workspace have changed since a certain moment, and how.

A git work tree is asked through git, and `.gitignore` is respected; any other directory is compared file by file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, TypeAdapter

from agents.command_runner import RunCommand
from agents.workspace.file_snapshot import (
    MOST_FILES,
    FileSnapshot,
    large_file_fingerprint,
    take_snapshot,
    unified_diff,
)
from agents.workspace.git_tree import GitFailed, GitWorkspace, Tree

LONGEST_DIFF = 400_000
"""Characters of a diff; what is more is cut, and the diff says so."""
_AFTER_TEXT_BYTES = 8 * 1024 * 1024
"""Text kept while comparing; unlike the baseline it is not stored."""

Change: TypeAlias = Literal["added", "modified", "deleted"]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not what it was.

    Attributes:
        path: Relative to the workspace, with forward slashes.
        change: How.
    """

    path: str
    change: Change


@dataclass(frozen=True, slots=True)
class WorkspaceChanges:
    """Everything that changed.

    Attributes:
        files: Sorted by path.
        diff: The same as a unified diff; empty if nothing changed.
        problem: Why this is not the whole truth, as one sentence; empty if it is.
    """

    files: tuple[FileChange, ...]
    diff: str
    problem: str = ""


class _GitBaseline(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["git"] = "git"
    tree: str
    left_out: dict[str, str]


class _FileBaseline(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["files"] = "files"
    snapshot: FileSnapshot


_Baseline = TypeAdapter[_GitBaseline | _FileBaseline](_GitBaseline | _FileBaseline)


class Workspace:
    """A directory whose changes are observed.

    Args:
        directory: It exists.
        run_command: Runs git.
        run_id: The run it is done for.
    """

    def __init__(self, directory: Path, run_command: RunCommand, run_id: str = "") -> None:
        self._directory = directory
        self._git = GitWorkspace(directory, run_command, run_id)

    async def baseline(self) -> str:
        """How it is now, to be kept as text and handed to `changes_since`, also by another process."""
        if await self._git.is_tracked():
            try:
                tree = await self._git.tree()
            except GitFailed:
                pass  # for example a repository that cannot be written: its files can still be compared
            else:
                return _GitBaseline(tree=tree.name, left_out=tree.left_out).model_dump_json()
        snapshot = await anyio.to_thread.run_sync(take_snapshot, self._directory)
        return _FileBaseline(snapshot=snapshot).model_dump_json()

    async def changes_since(self, baseline: str) -> WorkspaceChanges:
        """What is different now.

        Args:
            baseline: From `baseline`.
        """
        match _Baseline.validate_json(baseline):
            case _GitBaseline() as before:
                try:
                    return await self._git_changes(before)
                except GitFailed as error:
                    return WorkspaceChanges((), "", f"What changed could not be read: {error}.")
            case _FileBaseline(snapshot=snapshot):
                return await anyio.to_thread.run_sync(_file_changes, self._directory, snapshot)

    async def _git_changes(self, before: _GitBaseline) -> WorkspaceChanges:
        now = await self._git.compare(before.tree)
        changes: dict[str, Change] = {path: _CHANGE_OF_STATUS.get(status, "modified") for status, path in now.changes}
        large = _left_out_changes(before.left_out, now.after, self._directory)
        diff = now.diff + "".join(f"# {path}: {change}, not shown: too large\n" for path, change in large.items())
        return WorkspaceChanges(_sorted({**large, **changes}), _cut(diff), _gap(complete=now.after.complete))


_CHANGE_OF_STATUS: dict[str, Change] = {"A": "added", "D": "deleted"}


def _left_out_changes(before: dict[str, str], after: Tree, directory: Path) -> dict[str, Change]:
    changes: dict[str, Change] = {}
    for path in sorted({*before, *after.left_out}):
        if path not in before:
            changes[path] = "added"
        elif not large_file_fingerprint(directory / path):
            changes[path] = "deleted"
        elif before[path] != large_file_fingerprint(directory / path):
            changes[path] = "modified"
    return changes


def _file_changes(directory: Path, before: FileSnapshot) -> WorkspaceChanges:
    after = take_snapshot(directory, text_bytes=_AFTER_TEXT_BYTES)
    changes: dict[str, Change] = {}
    for path in sorted({*before.files, *after.files}):
        old, new = before.files.get(path), after.files.get(path)
        if old is None:
            if before.complete:
                changes[path] = "added"
        elif new is None:
            if not large_file_fingerprint(directory / path):  # really gone, not only beyond the bound
                changes[path] = "deleted"
        elif old.fingerprint != new.fingerprint:
            changes[path] = "modified"
    diff = "".join(unified_diff(path, before.files.get(path), after.files.get(path)) for path in changes)
    return WorkspaceChanges(_sorted(changes), _cut(diff), _gap(complete=before.complete and after.complete))


def _sorted(changes: dict[str, Change]) -> tuple[FileChange, ...]:
    return tuple(FileChange(path, change) for path, change in sorted(changes.items()))


def _cut(diff: str) -> str:
    if len(diff) <= LONGEST_DIFF:
        return diff
    kept = diff[:LONGEST_DIFF].rpartition("\n")[0]
    return f"{kept}\n# cut: {len(diff) - len(kept):,} more characters\n"


def _gap(*, complete: bool) -> str:
    return "" if complete else f"The workspace has more than {MOST_FILES:,} files; not all of them were compared."
