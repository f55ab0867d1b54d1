"""A workspace without version control, as it was at one moment. Blocks: call it in a thread.

Everything is bounded, because a workspace can be somebody's home directory.
"""

import difflib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agents.workspace.stoppable import Check

MOST_FILES = 5_000
"""How many files are looked at."""
MOST_ENTRIES = 50_000
"""How many names of files and directories are looked at, wherever they are."""
LARGEST_TEXT_BYTES = 64 * 1024
"""Files up to this size are kept as text, so that a change can be shown."""
LARGEST_HASHED_BYTES = 1024 * 1024
"""Larger files are told apart by size and time instead of content."""
ALL_HASHED_BYTES = 256 * 1024 * 1024
"""How much is read in all; what is more is told apart by size and time."""
ALL_TEXT_BYTES = 512 * 1024
"""How much text is kept in all; it is stored with the run."""

UNINTERESTING_DIRECTORIES = frozenset(
    {
        ".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", "venv", ".tox", ".nox", ".mypy_cache",
        ".pytest_cache", ".ruff_cache", ".hypothesis", ".gradle",
    }
)  # fmt: skip
"""What tools make by themselves."""


class FileState(BaseModel):
    """A file at one moment.

    Attributes:
        stamp: Its size and time of change.
        digest: Equal for equal content; empty where the file was not read.
        text: Its content, None where it is binary, too large, or there was too much in all.
    """

    model_config = ConfigDict(frozen=True)

    stamp: str
    digest: str = ""
    text: str | None = None

    def is_same(self, other: "FileState") -> bool:
        """Whether the file is what it was: by its content, or by size and time where that is all there is."""
        return self.digest == other.digest if self.digest and other.digest else self.stamp == other.stamp


class FileSnapshot(BaseModel):
    """All files at one moment.

    Attributes:
        files: By path relative to the workspace, with forward slashes.
        complete: Whether none was left out.
    """

    model_config = ConfigDict(frozen=True)

    files: dict[str, FileState]
    complete: bool


def take_snapshot(workspace: Path, check: Check, *, text_bytes: int = ALL_TEXT_BYTES) -> FileSnapshot:
    """Look at the files of a workspace.

    Args:
        workspace: Existing directory.
        check: Called before every file.
        text_bytes: How much text to keep in all.
    """
    walk = _Walk(workspace, check)
    rest = _Rest(text_bytes, ALL_HASHED_BYTES)
    files: dict[str, FileState] = {}
    for path in walk.paths():
        check()
        name = path.relative_to(workspace).as_posix()
        state = _state_of(path, rest) if is_storable(name) else None
        if state is not None:
            files[name] = state
    return FileSnapshot(files=files, complete=walk.complete)


def file_names(workspace: Path, check: Check) -> tuple[list[str], bool]:
    """The files of a workspace, without looking into them.

    Args:
        workspace: Existing directory.
        check: Called before every name.

    Returns:
        Their paths relative to it, with forward slashes; and whether none was left out.
    """
    walk = _Walk(workspace, check)
    names = [path.relative_to(workspace).as_posix() for path in walk.paths()]
    return [name for name in names if is_storable(name)], walk.complete


def large_file_fingerprint(path: Path) -> str:
    """Tells a file from its earlier self without reading it; empty if it is gone."""
    try:
        status = path.lstat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def is_storable(name: str) -> bool:
    """Whether a name is text at all; on some systems it can be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def unified_diff(path: str, before: FileState | None, after: FileState | None) -> str:
    """A change of one file as text.

    Args:
        path: Relative to the workspace.
        before: None for a new file.
        after: None for a deleted file.
    """
    old, new = before.text if before else "", after.text if after else ""
    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    if old is None or new is None:
        return f"--- {names[0]}\n+++ {names[1]}\n# not shown: binary or too large\n"
    lines = difflib.unified_diff(_lines(old), _lines(new), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Each with its end; not `splitlines`, which also takes the form feeds in sources for ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


class _Walk:
    """Finds the files below a directory, each directory's own in the order of their names, as far as the bounds go.

    Args:
        directory: Where to begin.
        check: Called before every name.
    """

    def __init__(self, directory: Path, check: Check) -> None:
        self.complete = True
        self._directory = directory
        self._check = check
        self._entries = 0

    def paths(self) -> list[Path]:
        found: list[Path] = []
        waiting = [self._directory]
        while waiting and self.complete:
            files, directories = self._look_into(waiting.pop())
            found += files
            waiting += reversed(directories)
            self.complete = self.complete and len(found) <= MOST_FILES
        return found[:MOST_FILES]

    def _look_into(self, directory: Path) -> tuple[list[Path], list[Path]]:
        files: list[Path] = []
        directories: list[Path] = []
        try:
            with os.scandir(directory) as scanned:
                for entry in scanned:
                    self._check()
                    self._entries += 1
                    if self._entries > MOST_ENTRIES:
                        self.complete = False
                        break
                    if not entry.is_dir(follow_symlinks=False):
                        files.append(Path(entry.path))
                    elif entry.name not in UNINTERESTING_DIRECTORIES:
                        directories.append(Path(entry.path))
        except OSError:  # not ours to read, or just gone
            return [], []
        return sorted(files), sorted(directories)


@dataclass(slots=True)
class _Rest:
    """How much may still be kept and read."""

    text_bytes: int
    hashed_bytes: int


def _state_of(path: Path, rest: _Rest) -> FileState | None:
    """None for what is no file, or cannot be read."""
    try:
        if path.is_symlink():
            return FileState(stamp=f"-> {path.readlink()}")
        if not path.is_file():
            return None
        stamp, size = large_file_fingerprint(path), path.stat().st_size
        if size > min(LARGEST_HASHED_BYTES, rest.hashed_bytes):
            return FileState(stamp=stamp)
        body = path.read_bytes()
    except OSError:
        return None
    rest.hashed_bytes -= len(body)
    text = _text(body) if len(body) <= min(LARGEST_TEXT_BYTES, rest.text_bytes) else None
    rest.text_bytes -= len(text or "")
    return FileState(stamp=stamp, digest=hashlib.sha256(body).hexdigest()[:24], text=text)


def _text(body: bytes) -> str | None:
    try:
        return None if b"\0" in body else body.decode()
    except UnicodeDecodeError:
        return None
