"""Paths of a workspace. No path that a model gives leads out of it, also not through a link."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.tools.tool import ToolFailed
from agents.workspace.stoppable import Check

SKIPPED_DIRECTORIES = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
    }
)
"""Directories whose files are neither listed nor searched, unless a path names one of them."""
_REPOSITORIES = (("HEAD", "objects", "refs"), ("HEAD", "commondir"))
"""What git takes a directory for a repository by, whatever its name is: that all of one of these stand in it."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A workspace, as tools see it.

    Attributes:
        root: The directory, with all links followed.
    """

    root: Path

    def path(self, given: str) -> Path:
        """The real path of what a model names, which may not exist yet.

        Args:
            given: Relative to the workspace, or absolute.

        Raises:
            ToolFailed: It is outside.
        """
        if "\0" in given:
            raise ToolFailed("denied: a path has no NUL character")
        try:
            whole = (self.root / given).resolve()
        except (OSError, RuntimeError) as error:  # a circle of links
            raise ToolFailed(f"{given} cannot be looked up: {error}") from error
        if not whole.is_relative_to(self.root):
            raise ToolFailed(f"denied: {given} is outside the workspace")
        return whole

    def writable(self, given: str) -> Path:
        """As `path`, but nothing that is git's own: what stands there is run by whoever uses git next, unasked.

        Raises:
            ToolFailed: It is outside, or git's.
        """
        path = self.path(given)
        named = Path(os.path.normpath(self.root / given))
        places = [place for whole in (path, named) for place in (whole, *whole.parents) if place != self.root]
        if any(_is_gits(place) for place in places if place.is_relative_to(self.root)):
            raise ToolFailed(f"denied: {given} belongs to git; its configuration and hooks are commands")
        return path

    def file(self, given: str) -> Path:
        """The real path of an existing regular file.

        Raises:
            ToolFailed: It is outside, or no such file.
        """
        path = self.path(given)
        if path.is_dir():
            raise ToolFailed(f"{given} is a directory; list it with Glob")
        if not path.is_file():  # a pipe or a device could be read for ever
            raise ToolFailed(f"{given} does not exist" if not path.exists() else f"{given} is no regular file")
        return path

    def shown(self, path: Path) -> str:
        """A path as models and people see it: relative to the workspace, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def files(self, below: str, check: Check) -> Iterator[Path]:
        """All regular files below a directory, in order; links are not followed.

        Args:
            below: The directory, as the model names it.
            check: Called for every directory.

        Raises:
            ToolFailed: It is outside, or no directory.
        """
        start = self.path(below)
        if not start.is_dir():
            raise ToolFailed(f"{below} is no directory")
        for directory, names, files in os.walk(start):
            check()
            names[:] = sorted(name for name in names if name not in SKIPPED_DIRECTORIES)
            for name in sorted(files):
                path = Path(directory, name)
                if path.is_file() and not path.is_symlink():
                    yield path


def _is_gits(place: Path) -> bool:
    """Whether a path is a `.git`, however the file system lets it be written, or a repository without files.

    Also what would make one of its directory: git's own files could be written first, and what it is known by last.
    """
    if place.name.casefold() == ".git":
        return True
    with suppress(OSError):
        if place.samefile(place.parent / ".git"):
            return True
    return any(_is_repository(place, names) or _makes_repository(place, names) for names in _REPOSITORIES)


def _is_repository(directory: Path, names: Collection[str]) -> bool:
    return all(os.path.lexists(directory / name) for name in names)


def _makes_repository(place: Path, names: Collection[str]) -> bool:
    """Whether only this path was missing in its directory; a file system may not tell `head` from `HEAD`."""
    missing = place.name.casefold()
    others = [name for name in names if name.casefold() != missing]
    return len(others) < len(names) and _is_repository(place.parent, others)
