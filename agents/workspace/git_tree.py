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
from pathlib import Path
from types import MappingProxyType

import anyio.to_thread

from agents.command_runner import CommandResult, RunCommand
from agents.workspace.file_snapshot import (
    MOST_FILES,
    UNINTERESTING_DIRECTORIES,
    is_storable,
    large_file_fingerprint,
)
from agents.workspace.private_files import make_private_directory

LARGEST_NEW_FILE_BYTES = 1024 * 1024
"""A larger file that git does not know is left out of the tree, for a copy of it would be kept."""
ALL_NEW_BYTES = 64 * 1024 * 1024
"""How much of such files is copied in all; what is more is left out as well."""
_LONGEST_STDERR = 500

_ENVIRONMENT: Mapping[str, str | None] = MappingProxyType(
    {
        # What `git rev-parse --local-env-vars` lists: set where this server was started by a hook of some repository.
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": None,
        "GIT_COMMON_DIR": None,
        "GIT_CONFIG": None,
        "GIT_CONFIG_COUNT": None,
        "GIT_CONFIG_PARAMETERS": None,
        "GIT_DIR": None,
        "GIT_GRAFT_FILE": None,
        "GIT_IMPLICIT_WORK_TREE": None,
        "GIT_INDEX_FILE": None,
        "GIT_NAMESPACE": None,
        "GIT_OBJECT_DIRECTORY": None,
        "GIT_PREFIX": None,
        "GIT_WORK_TREE": None,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
)
_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_SETTINGS = (
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.fsmonitor=false",  # would start a daemon
    "-c", "core.splitIndex=false",
    "-c", "core.safecrlf=false",
)  # fmt: skip


class GitFailed(Exception):
    """A git command failed; the message is one line for people."""


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
        self._workspace = workspace
        self._run_command = run_command
        self._run_id = run_id

    async def is_tracked(self) -> bool:
        """Whether git is there, and the directory in a work tree and not in an ignored place of it."""
        try:
            inside = await self._try("rev-parse", "--is-inside-work-tree")
            if not inside.ok or inside.stdout.strip() != b"true":
                return False
            return (await self._try("check-ignore", "--quiet", ".")).exit_code == 1
        except GitFailed:
            return False

    async def tree(self, objects: Path) -> Tree:
        """The files as they are now.

        Args:
            objects: Where the tree and what is new in it are kept, to be compared with later; made if it is missing.

        Raises:
            GitFailed: Git could not do it, or there are too many files that it does not know.
        """
        async with _scratch() as scratch:
            await self._make_objects(objects, await self._path("objects"))
            tree = await self._tree(_variables(objects, scratch / "index"), frozenset())
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
        async with _scratch() as scratch:
            variables = _variables(scratch / "objects", scratch / "index")
            await self._make_objects(scratch / "objects", objects, await self._path("objects"))
            listed = await self._git("ls-tree", "-r", "-z", "--name-only", before, variables=variables)
            known = frozenset(_names(listed))
            after = await self._tree(variables, known)
            both = ("diff-tree", "-r", "--no-renames", "--relative", before, after.name)
            status = await self._git(*both, "-z", "--name-status", variables=variables)
            patch = (*both, "-p", "--no-color", "--no-ext-diff", "--no-textconv")
            diff = await self._result(*patch, variables=variables)
        fields = status.decode(errors="replace").split("\0")[:-1]
        return Comparison(
            after=after,
            changes=list(zip(fields[::2], fields[1::2], strict=True)),
            diff=diff.stdout.decode(errors="replace"),
            diff_is_whole=not diff.dropped_bytes,
        )

    async def _make_objects(self, directory: Path, *looked_up_in: Path) -> None:
        try:
            await anyio.to_thread.run_sync(_make_objects, directory, looked_up_in)
        except OSError as error:
            raise GitFailed(f"{directory} cannot be written: {error.strerror}") from error

    async def _tree(self, variables: Mapping[str, str], known: frozenset[str]) -> Tree:
        """The files as they are now; of too many new ones those that are known from before come first."""
        index = Path(variables["GIT_INDEX_FILE"])
        # The copy of the index has the files' times in it, which spares git reading every file.
        await anyio.to_thread.run_sync(_copy_if_there, await self._path("index"), index)
        await self._git("add", "--update", variables=variables)
        listed = await self._git("ls-files", "-z", "--others", "--exclude-standard", variables=variables)
        new = await anyio.to_thread.run_sync(_by_size, self._workspace, _names(listed), known)
        arguments = ("update-index", "--add", "--remove", "-z", "--stdin")
        await self._git(*arguments, variables=variables, stdin=_joined(new.small))
        name = (await self._git("write-tree", variables=variables)).decode().strip()
        return Tree(name, new.large, new.complete)

    async def _path(self, name: str) -> Path:
        """Where the repository keeps something."""
        path = os.fsdecode(await self._git("rev-parse", "--git-path", name)).rstrip("\r\n")
        return (self._workspace / path).resolve()

    async def _git(self, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES, stdin: bytes = b"") -> bytes:
        result = await self._result(*arguments, variables=variables, stdin=stdin)
        if result.dropped_bytes:  # a list with its end missing would be read as what is not there
            raise GitFailed(f"git {arguments[0]} failed: it says more than {len(result.stdout):,} bytes")
        return result.stdout

    async def _result(
        self, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES, stdin: bytes = b""
    ) -> CommandResult:
        result = await self._try(*arguments, variables=variables, stdin=stdin)
        if not result.ok:
            why = "it took too long" if result.timed_out else " ".join(result.stderr.split())[:_LONGEST_STDERR]
            raise GitFailed(f"git {arguments[0]} failed: {why or f'exit code {result.exit_code}'}")
        return result

    async def _try(
        self, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES, stdin: bytes = b""
    ) -> CommandResult:
        argv, changed = ("git", *_SETTINGS, *arguments), {**_ENVIRONMENT, **variables}
        try:
            return await self._run_command(argv, self._workspace, run_id=self._run_id, stdin=stdin, variables=changed)
        except OSError as error:
            raise GitFailed(f"git could not be started: {error}") from error


@dataclass(frozen=True, slots=True)
class _NewFiles:
    small: list[str]
    large: dict[str, str]
    complete: bool


def _by_size(workspace: Path, names: Sequence[str], known: frozenset[str]) -> _NewFiles:
    small: list[str] = []
    large: dict[str, str] = {}
    room = ALL_NEW_BYTES
    # A name that ends in `/` is a repository of its own.
    names = [name for name in names if not name.endswith("/") and not _is_uninteresting(name)]
    for name in sorted(names, key=lambda name: name not in known)[:MOST_FILES]:
        path = workspace / name
        try:
            size = path.lstat().st_size
        except OSError:  # just gone
            continue
        if size <= LARGEST_NEW_FILE_BYTES and (size <= room or name in known):
            small.append(name)
            room -= size
        elif is_storable(name):
            large[name] = large_file_fingerprint(path)
    return _NewFiles(small, large, complete=len(names) <= MOST_FILES)


def _is_uninteresting(name: str) -> bool:
    return not UNINTERESTING_DIRECTORIES.isdisjoint(name.split("/")[:-1])


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _joined(names: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(name) + b"\0" for name in names)


@asynccontextmanager
async def _scratch() -> AsyncGenerator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="agent-workflows-"))  # here: a thread could be left alone with its result
    try:
        yield directory
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_remove, directory)


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
