"""One at a time, over all processes: what must not be done twice at once in a directory.

* Adding a work tree to a repository, and taking one away: while git adds one, another git that lists them can read its
  half-written files and fail ("failed to read .git/worktrees/.../commondir"; seen with git 2.39).
* Committing what is in a work tree: another process could be removing it already, and what is gone would be committed
  as deleted.

The lock is the kernel's, on the directory itself: nothing is written, and a process that dies gives it back.
"""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from agents.workspace.git_commands import GitFailed

LOCK_SECONDS = 60.0
"""How long to wait for the others; each takes well below a second, if it has not much to commit."""
_AGAIN_SECONDS = 0.01

if sys.platform != "win32":
    import fcntl


class DirectoryGone(GitFailed):
    """There is no such directory any more."""


@asynccontextmanager
async def directory_lock(directory: Path) -> AsyncGenerator[None]:
    """Hold the lock of a directory; bounded.

    Args:
        directory: A repository's `.git`, or the top of a work tree.

    Raises:
        DirectoryGone: It is not there.
        GitFailed: It cannot be opened, or others hold the lock for too long.
    """
    if sys.platform == "win32":  # directories cannot be locked there
        yield
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except FileNotFoundError as error:
        raise DirectoryGone(f"{directory} is gone") from error
    except OSError as error:
        raise GitFailed(f"{directory} cannot be opened: {error.strerror}") from error
    try:
        with anyio.move_on_after(LOCK_SECONDS) as waited:
            while not _locked(descriptor):  # noqa: ASYNC110 - the kernel tells nobody when a lock is free
                await anyio.sleep(_AGAIN_SECONDS)
        if waited.cancelled_caught:
            raise GitFailed(f"others have been at work on {directory} for {LOCK_SECONDS:.0f} s")
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Whether it is ours now, or cannot be locked at all: some network file systems know no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
