"""A workspace without version control, as it was at one moment. Blocks: call it in a thread.

Everything is bounded, because a workspace can be somebody's home directory.
"""

import difflib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

MOST_FILES = 5_000
"""How many files are looked at."""
LARGEST_TEXT_BYTES = 64 * 1024
"""Files up to this size are kept as text, so that a change can be shown."""
LARGEST_HASHED_BYTES = 1024 * 1024
"""Larger files are told apart by size and time instead of content."""
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
        fingerprint: Equal for equal content; of a large file, for equal size and time of change.
        text: Its content, None where it is binary, too large, or there was too much in all.
    """

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    text: str | None = None


class FileSnapshot(BaseModel):
    """All files at one moment.

    Attributes:
        files: By path relative to the workspace, with forward slashes.
        complete: Whether none was left out.
    """

    model_config = ConfigDict(frozen=True)

    files: dict[str, FileState]
    complete: bool


def take_snapshot(workspace: Path, *, text_bytes: int = ALL_TEXT_BYTES) -> FileSnapshot:
    """Look at the files of a workspace.

    Args:
        workspace: Existing directory.
        text_bytes: How much text to keep in all.
    """
    files: dict[str, FileState] = {}
    for path in _walk(workspace):
        if len(files) == MOST_FILES:
            return FileSnapshot(files=files, complete=False)
        state = _state_of(path, min(LARGEST_TEXT_BYTES, text_bytes))
        name = path.relative_to(workspace).as_posix()
        if state is None or not is_storable(name):
            continue
        text_bytes -= len(state.text or "")
        files[name] = state
    return FileSnapshot(files=files, complete=True)


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
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _walk(directory: Path) -> Iterator[Path]:
    try:
        with os.scandir(directory) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError:  # not ours to read, or just gone
        return
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)
        elif entry.name not in UNINTERESTING_DIRECTORIES:
            yield from _walk(Path(entry.path))


def _state_of(path: Path, text_bytes: int) -> FileState | None:
    """None for what is no file, or cannot be read."""
    try:
        if path.is_symlink():
            return FileState(fingerprint=f"-> {path.readlink()}")
        if not path.is_file():
            return None
        if path.stat().st_size > LARGEST_HASHED_BYTES:
            return FileState(fingerprint=large_file_fingerprint(path))
        body = path.read_bytes()
    except OSError:
        return None
    text = _text(body) if len(body) <= text_bytes else None
    return FileState(fingerprint=hashlib.sha256(body).hexdigest()[:24], text=text)


def _text(body: bytes) -> str | None:
    try:
        return None if b"\0" in body else body.decode()
    except UnicodeDecodeError:
        return None
