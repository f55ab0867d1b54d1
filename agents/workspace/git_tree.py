"""A git work tree as it is at one moment, as a tree object: what `git add -A` would stage, without staging it.

The user's repository is only read: its index is copied, nothing is committed, no hook runs, and what has to be written
goes to an object directory of our own that only looks things up in the repository's.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread

from agents.command_runner import RunCommand
from agents.finished_work import in_thread_to_its_end
from agents.workspace.file_snapshot import (
    MOST_FILES,
    UNINTERESTING_DIRECTORIES,
    is_storable,
    large_file_fingerprint,
)
from agents.workspace.git_commands import GitCommands, GitFailed
from agents.workspace.private_files import make_private_directory

LARGEST_NEW_FILE_BYTES = 1024 * 1024
"""A larger file that git does not know is left out of the tree, for a copy of it would be kept."""
ALL_NEW_BYTES = 64 * 1024 * 1024
"""How much of such files is copied in all; what is more is left out as well."""
_NO_FILES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of the files that git does not know is taken into a tree.

    Attributes:
        file_bytes: A larger one is left out.
        all_bytes: How much of them in all; what is more is left out.
    """

    file_bytes: int
    all_bytes: int


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a work tree.

    Attributes:
        name: Of the tree object.
        left_out: Fingerprints of files that are too large or too many to be in it, by path relative to the workspace.
        complete: False if there were too many new files to look at all of them.
    """

    name: str
    left_out: dict[str, str]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a work tree differs from an earlier tree.

    Attributes:
        after: The tree as it is now.
        changes: Git's status letter and the path relative to the workspace, of every file that differs.
        diff: The same as a unified diff.
        diff_is_whole: False if there was too much of it to keep.
    """

    after: Tree
    changes: list[tuple[str, str]]
    diff: str
    diff_is_whole: bool = True


class GitWorkspace:
    """A workspace that is a git work tree, or a directory in one.

    Args:
        workspace: Existing directory.
        run_command: Runs git.
        run_id: The run it is done for.
    """

    def __init__(self, workspace: Path, run_command: RunCommand, run_id: str = "") -> None:
        self._git = GitCommands(workspace, run_command, run_id)

    async def is_tracked(self) -> bool:
        """Whether git is there, and the directory in a work tree and not in an ignored place of it."""
        try:
            inside = await self._git.attempt("rev-parse", "--is-inside-work-tree")
            if not inside.ok or inside.stdout.strip() != b"true":
                return False
            return (await self._git.attempt("check-ignore", "--quiet", ".")).exit_code == 1
        except GitFailed:
            return False

    async def tree(self, objects: Path) -> Tree:
        """The files as they are now.

        Args:
            objects: Where the tree and what is new in it are kept, to be compared with later; made if it is missing.

        Raises:
            GitFailed: Git could not do it, or there are too many files that it does not know.
        """
        async with scratch_directory() as scratch:
            await self._make_objects(objects, await self._git.path("objects"))
            tree = await staged_tree(self._git, _variables(objects, scratch / "index"))
        if not tree.complete:
            raise GitFailed(f"there are more than {MOST_FILES:,} files that git does not know")
        return tree

    async def compare(self, before: str, objects: Path) -> Comparison:
        """What is different now.

        Args:
            before: Name of an earlier tree.
            objects: Where that is kept.

        Raises:
            GitFailed: Git could not do it.
        """
        async with scratch_directory() as scratch:
            variables = _variables(scratch / "objects", scratch / "index")
            await self._make_objects(scratch / "objects", objects, await self._git.path("objects"))
            listed = await self._git.output("ls-tree", "-r", "-z", "--name-only", before, variables=variables)
            known = frozenset(_names(listed))
            after = await staged_tree(self._git, variables, known)
            both = ("diff-tree", "-r", "--no-renames", "--relative", before, after.name)
            status = await self._git.output(*both, "-z", "--name-status", variables=variables)
            patch = (*both, "-p", "--no-color", "--no-ext-diff", "--no-textconv")
            diff = await self._git.result(*patch, variables=variables)
        fields = status.decode(errors="replace").split("\0")[:-1]
        return Comparison(
            after=after,
            changes=list(zip(fields[::2], fields[1::2], strict=True)),
            diff=diff.stdout.decode(errors="replace"),
            diff_is_whole=not diff.dropped_bytes,
        )

    async def _make_objects(self, directory: Path, *looked_up_in: Path) -> None:
        try:
            await in_thread_to_its_end(partial(_make_objects, directory, looked_up_in))
        except OSError as error:
            raise GitFailed(f"{directory} cannot be written: {error.strerror}") from error


async def staged_tree(
    git: GitCommands, variables: Mapping[str, str], known: frozenset[str] = _NO_FILES, bounds: Bounds | None = None
) -> Tree:
    """The files of a work tree as they are now, as `git add -A` would stage them.

    Args:
        git: In the work tree.
        variables: Of git's environment; `GIT_INDEX_FILE` names a file of our own, which becomes a copy of the index:
            that has the files' times in it, which spares git reading every file.
        known: New files that come first where there are too many.
        bounds: How much of new files is taken; None takes what is kept for comparing.

    Raises:
        GitFailed: Git could not do it.
    """
    bounds = bounds or Bounds(LARGEST_NEW_FILE_BYTES, ALL_NEW_BYTES)
    index = Path(variables["GIT_INDEX_FILE"])
    try:
        await in_thread_to_its_end(partial(_copy_if_there, await git.path("index"), index))
    except OSError as error:
        raise GitFailed(f"{index} cannot be written: {error.strerror}") from error
    await git.output("add", "--update", variables=variables)
    listed = await git.output("ls-files", "-z", "--others", "--exclude-standard", variables=variables)
    new = await anyio.to_thread.run_sync(_by_size, git.directory, _names(listed), known, bounds)
    arguments = ("update-index", "--add", "--remove", "-z", "--stdin")
    await git.output(*arguments, variables=variables, stdin=_joined(new.small))
    name = (await git.output("write-tree", variables=variables)).decode().strip()
    return Tree(name, new.large, new.complete)


@dataclass(frozen=True, slots=True)
class _NewFiles:
    small: list[str]
    large: dict[str, str]
    complete: bool


def _by_size(workspace: Path, names: Sequence[str], known: frozenset[str], bounds: Bounds) -> _NewFiles:
    small: list[str] = []
    large: dict[str, str] = {}
    room = bounds.all_bytes
    # A name that ends in `/` is a repository of its own.
    names = [name for name in names if not name.endswith("/") and not is_uninteresting(name)]
    for name in sorted(names, key=lambda name: name not in known)[:MOST_FILES]:
        path = workspace / name
        try:
            size = path.lstat().st_size
        except OSError:  # just gone
            continue
        if size <= bounds.file_bytes and (size <= room or name in known):
            small.append(name)
            room -= size
        elif is_storable(name):
            large[name] = large_file_fingerprint(path)
    return _NewFiles(small, large, complete=len(names) <= MOST_FILES)


def is_uninteresting(name: str) -> bool:
    """Whether a path lies in a directory that tools make by themselves."""
    return not UNINTERESTING_DIRECTORIES.isdisjoint(name.split("/")[:-1])


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _joined(names: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(name) + b"\0" for name in names)


@asynccontextmanager
async def scratch_directory() -> AsyncGenerator[Path]:
    """A directory that is gone when the block is left; what threads put into it is to be there, or not, by then.

    Raises:
        GitFailed: It cannot be made.
    """
    try:
        # Here: a thread could be left alone with its result.
        directory = Path(tempfile.mkdtemp(prefix="agent-workflows-"))
    except OSError as error:
        raise GitFailed(f"no directory can be made in {tempfile.gettempdir()}: {error.strerror}") from error
    try:
        yield directory
    finally:
        await in_thread_to_its_end(partial(_remove, directory))


def _variables(objects: Path, index: Path) -> dict[str, str]:
    return {"GIT_INDEX_FILE": str(index), "GIT_OBJECT_DIRECTORY": str(objects)}


def _make_objects(directory: Path, looked_up_in: Sequence[Path]) -> None:
    """An object directory that git writes to, and others where it only looks things up."""
    make_private_directory(directory)
    (directory / "info").mkdir(exist_ok=True)
    # Not a variable: there a colon separates paths, and can be in one.
    (directory / "info" / "alternates").write_bytes(b"".join(os.fsencode(path) + b"\n" for path in looked_up_in))


def _copy_if_there(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copy2(source, target)


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
