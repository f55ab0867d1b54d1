"""Which directory a run may work in."""

import os
from collections.abc import Sequence
from pathlib import Path

from workflows.runs.errors import InputRejected


class Workspaces:
    """The directories that runs may work in.

    Args:
        roots: A workspace lies in one of these; the first is the default workspace. Without any, nothing can.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)

    def choose(self, asked: str | None, *, writes: bool) -> str:
        """The workspace of a run.

        Args:
            asked: What the caller asked for; a relative path is below the first root; None is the first root.
            writes: Whether the run may change files.

        Returns:
            An absolute path without symbolic links.

        Raises:
            InputRejected: It is missing, not a directory, outside the roots, or not writable.
        """
        if not self._roots:
            raise _rejected(
                "nobody has said in which directories this server may work, and it was started in /.",
                "Set AGENT_WORKFLOWS_ROOTS to the directories you want, in the server's registration",
            )
        path = Path(self.resolved(asked))
        if not any(path.is_relative_to(os.path.realpath(root)) for root in self._roots):
            raise _rejected(
                f"{path} is outside the directories this server may work in: {_listed(self._roots)}.",
                "Choose a directory inside them, or start the server with AGENT_WORKFLOWS_ROOTS that includes it",
            )
        if not _exists(path):
            raise _rejected(f"{path} does not exist.", "Create the directory first, or give another one")
        if not path.is_dir():
            raise _rejected(f"{path} is a file, not a directory.", "Give the directory it lies in")
        needed = os.R_OK | os.X_OK | (os.W_OK if writes else 0)
        if not os.access(path, needed):
            raise _rejected(
                f"{path} cannot be {'written' if writes else 'read'} by this server.",
                "Change its permissions, or give another directory",
            )
        return str(path)

    def resolved(self, asked: str | None) -> str:
        """The path that a run has as its workspace when this is asked for; the directory need not be there any more.

        Args:
            asked: As in `choose`.

        Raises:
            InputRejected: It is no path.
        """
        first = self._roots[0] if self._roots else Path.cwd()
        try:
            return os.path.realpath(first / Path(asked).expanduser() if asked else first)
        except (OSError, ValueError, RuntimeError) as error:  # a NUL, an unknown home, an endless path
            raise _rejected(f"{(asked or '')[:80]!r} is no path: {error}.", "Give a directory's path") from error


def _rejected(message: str, remedy: str) -> InputRejected:
    return InputRejected("workspace", f"workspace: {message}", recovery=(remedy,))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name longer than the system allows
        return False


def _listed(roots: Sequence[Path]) -> str:
    return ", ".join(str(root) for root in roots)
