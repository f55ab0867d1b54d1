"""Finds the `claude` command. Looks only; runs nothing."""

import os
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from agents.errors import ClaudeNotFound

_NAMES = ("claude.exe", "claude.cmd") if sys.platform == "win32" else ("claude",)
"""In this order. The `.cmd` is npm's wrapper: `cmd.exe` reads its arguments again, so the real binary goes first."""
_HOME_DIRECTORIES = (".local/bin", ".claude/local")
"""Where Claude Code's own installers put it, below the home directory."""


def find_claude(explicit: str | None, environ: Mapping[str, str]) -> Path:
    """Find the `claude` command.

    Args:
        explicit: What the user set: a path, or the name of a command; None or empty if nothing. Where it is set,
            nothing else is tried: running another `claude` than the one asked for would be a false answer.
        environ: Its `PATH` and home directory are searched.

    Returns:
        Absolute path of an executable file.

    Raises:
        ClaudeNotFound: There is none; says where it was looked for.
    """
    if explicit:
        return _explicit(explicit, environ)
    candidates = [*_on_path(environ), *_at_home(environ)]
    for candidate in candidates:
        if _is_executable(candidate):
            return candidate.absolute()
    places = dict.fromkeys(str(candidate.parent) for candidate in candidates)
    where = ", ".join(places) or "nowhere: PATH is empty and there is no home directory"
    raise ClaudeNotFound(f"There is no `claude` command. Looked in: {where}.")


def _explicit(explicit: str, environ: Mapping[str, str]) -> Path:
    path = _expand_home(explicit, environ)
    if path.name == explicit:
        found = shutil.which(explicit, path=environ.get("PATH", ""))
        if found is None:
            raise _unusable(explicit, "no command of that name is on PATH")
        return Path(found).absolute()
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else None
        raise _unusable(explicit, f"that cannot be used: {reason or error}") from error
    if not stat.S_ISREG(mode):
        raise _unusable(explicit, "that is not a file")
    if not os.access(path, os.X_OK):
        raise _unusable(explicit, "that file is not executable")
    return path.absolute()


def _unusable(explicit: str, problem: str) -> ClaudeNotFound:
    return ClaudeNotFound(
        f"The claude command is set to {explicit!r}, but {problem}.",
        recovery=(
            "Correct AGENT_WORKFLOWS_CLAUDE: the path of the claude command",
            "or remove it: then claude is looked for on PATH",
        ),
    )


def _on_path(environ: Mapping[str, str]) -> list[Path]:
    # Relative entries (also the empty one) mean the current directory, which may be anybody's project: not searched.
    directories = [Path(entry) for entry in environ.get("PATH", "").split(os.pathsep) if entry]
    return [directory / name for directory in directories if directory.is_absolute() for name in _NAMES]


def _at_home(environ: Mapping[str, str]) -> list[Path]:
    home = _home(environ)
    return [home / directory / name for directory in _HOME_DIRECTORIES for name in _NAMES] if home else []


def _home(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    return Path(home) if home else None


def _expand_home(explicit: str, environ: Mapping[str, str]) -> Path:
    home = _home(environ)
    if home is not None and explicit.startswith(("~/", "~\\")):
        return home / explicit[2:]
    return Path(explicit)


def _is_executable(path: Path) -> bool:
    # In this order: asking a directory that may not be searched what it holds is an error for `is_file`.
    return os.access(path, os.X_OK) and path.is_file()
