"""Which files of a workspace have changed since a certain moment, and how.

A git work tree is asked through git, and `.gitignore` is respected; any other directory is compared file by file.
How a workspace was is kept in a private directory of the run, for it can hold anything, passwords for example.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, TypeAdapter

from agents.command_runner import RunCommand
from agents.workspace.diff_lines import DiffLines, diff_lines
from agents.workspace.file_snapshot import (
    FileSnapshot,
    large_file_fingerprint,
    take_snapshot,
    unified_diff,
)
from agents.workspace.git_commands import GitFailed
from agents.workspace.git_tree import GitWorkspace, Tree
from agents.workspace.private_files import make_private_directory, write_private_file
from agents.workspace.stoppable import Check, in_stoppable_thread

LONGEST_DIFF = 400_000
"""Characters of a diff; what is more is cut, and the diff says so."""
_AFTER_TEXT_BYTES = 8 * 1024 * 1024
"""Text kept while comparing; unlike the baseline it is not stored."""
_BASELINE_FILE = "baseline.json"
_OBJECTS = "objects"

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
        known: False if nothing could be compared: `files` and `diff` then say nothing.
        lines: How many lines were added and removed.
    """

    files: tuple[FileChange, ...]
    diff: str
    problem: str = ""
    known: bool = True
    lines: DiffLines = field(default_factory=DiffLines)


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
        private: Directory of the run outside of it; made when it is needed. It has to be there as long as changes are
            asked for, and is not cleared here.
        run_id: The run it is done for.
    """

    def __init__(self, directory: Path, run_command: RunCommand, private: Path, run_id: str = "") -> None:
        self._directory = directory
        self._private = private
        self._git = GitWorkspace(directory, run_command, run_id)

    async def baseline(self) -> str:
        """Note how it is now.

        Returns:
            By what `changes_since` finds it again, also in another process: nothing of the workspace is in it.

        Raises:
            OSError: The private directory cannot be written.
        """
        await anyio.to_thread.run_sync(make_private_directory, self._private)
        text = (await self._noted()).model_dump_json()
        await anyio.to_thread.run_sync(write_private_file, self._private / _BASELINE_FILE, text)
        return _BASELINE_FILE

    async def changes_since(self, baseline: str) -> WorkspaceChanges:
        """What is different now.

        Args:
            baseline: From `baseline`.
        """
        try:
            text = await anyio.to_thread.run_sync((self._private / baseline).read_text, "utf-8")
            before = _Baseline.validate_json(text)
        except (OSError, ValueError) as error:  # gone, or no longer what was written
            return _unknown(f"what was noted when the run began cannot be read ({type(error).__name__})")
        match before:
            case _GitBaseline():
                try:
                    return await self._git_changes(before)
                except (GitFailed, OSError) as error:
                    return _unknown(str(error))
            case _FileBaseline(snapshot=snapshot):
                return await in_stoppable_thread(partial(_file_changes, self._directory, snapshot))

    async def _noted(self) -> _GitBaseline | _FileBaseline:
        if await self._git.is_tracked():
            try:
                tree = await self._git.tree(self._private / _OBJECTS)
            except GitFailed:
                pass  # for example too many files that git does not know: they can still be compared
            else:
                return _GitBaseline(tree=tree.name, left_out=tree.left_out)
        return _FileBaseline(snapshot=await in_stoppable_thread(partial(take_snapshot, self._directory)))

    async def _git_changes(self, before: _GitBaseline) -> WorkspaceChanges:
        now = await self._git.compare(before.tree, self._private / _OBJECTS)
        changes: dict[str, Change] = {path: _CHANGE_OF_STATUS.get(status, "modified") for status, path in now.changes}
        large = _left_out_changes(before.left_out, now.after, self._directory)
        # Between the tree and what is left out of it a file moves where it grows or shrinks.
        moved: dict[str, Change] = dict.fromkeys(changes.keys() & {*before.left_out, *now.after.left_out}, "modified")
        for path in [
            path for path in moved if before.left_out.get(path) == large_file_fingerprint(self._directory / path)
        ]:
            del changes[path], moved[path]  # it is as it was, and there is room for it now
        notes = "".join(f"# {path}: {change}, not shown: too large\n" for path, change in {**large, **moved}.items())
        problem = _gap(complete=now.after.complete)
        files = _sorted({**large, **changes, **moved})
        diff = now.diff + notes
        return WorkspaceChanges(
            files, cut_diff(diff), problem, lines=_lines(diff, whole=now.diff_is_whole and not problem)
        )


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


def _file_changes(directory: Path, before: FileSnapshot, check: Check) -> WorkspaceChanges:
    after = take_snapshot(directory, check, text_bytes=_AFTER_TEXT_BYTES)
    changes: dict[str, Change] = {}
    for path in sorted({*before.files, *after.files}):
        old, new = before.files.get(path), after.files.get(path)
        if old is None:
            if before.complete:
                changes[path] = "added"
        elif new is None:
            if not large_file_fingerprint(directory / path):  # really gone, not only beyond the bound
                changes[path] = "deleted"
        elif not old.is_same(new):
            changes[path] = "modified"
    diffs: list[str] = []
    for path in changes:
        check()
        diffs.append(unified_diff(path, before.files.get(path), after.files.get(path)))
    diff, problem = "".join(diffs), _gap(complete=before.complete and after.complete)
    return WorkspaceChanges(_sorted(changes), cut_diff(diff), problem, lines=_lines(diff, whole=not problem))


def _unknown(why: str) -> WorkspaceChanges:
    return WorkspaceChanges((), "", f"What changed could not be read: {why}.", known=False)


def _lines(diff: str, *, whole: bool) -> DiffLines:
    counted = diff_lines(diff)
    return counted if whole else DiffLines(counted.added, counted.removed, complete=False)


def _sorted(changes: dict[str, Change]) -> tuple[FileChange, ...]:
    return tuple(FileChange(path, change) for path, change in sorted(changes.items()))


def cut_diff(diff: str) -> str:
    """A diff of at most `LONGEST_DIFF` characters; what is left of a longer one says so."""
    if len(diff) <= LONGEST_DIFF:
        return diff
    kept = diff[:LONGEST_DIFF].rpartition("\n")[0]
    return f"{kept}\n# cut: {len(diff) - len(kept):,} more characters\n"


def _gap(*, complete: bool) -> str:
    return "" if complete else "The workspace has too many files; not all of them were compared."
