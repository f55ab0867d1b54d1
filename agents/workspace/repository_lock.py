"""One at a time, over all processes: adding a work tree to a repository, and taking one away.

While git adds one, another git that lists them can read its half-written files and fail ("failed to read
.git/worktrees/.../commondir"; seen with git 2.39). The lock is the kernel's, on the repository's directory itself:
nothing is written, and a process that dies gives it back.
"""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from agents.workspace.git_commands import GitFailed

LOCK_SECONDS = 60.0
"""How long to wait for the others; each takes well below a second."""
_AGAIN_SECONDS = 0.01

if sys.platform != "win32":
    import fcntl


@asynccontextmanager
async def repository_lock(common: Path) -> AsyncGenerator[None]:
    """Hold the lock of a repository; bounded.

    Args:
        common: What all its work trees share, its `.git` directory.

    Raises:
        GitFailed: The repository is gone, or others hold the lock for too long.
    """
    if sys.platform == "win32":  # directories cannot be locked there
        yield
        return
    try:
        descriptor = os.open(common, os.O_RDONLY)
    except OSError as error:
        raise GitFailed(f"{common} cannot be opened: {error.strerror}") from error
    try:
        with anyio.move_on_after(LOCK_SECONDS) as waited:
            while not _locked(descriptor):  # noqa: ASYNC110 - the kernel tells nobody when a lock is free
                await anyio.sleep(_AGAIN_SECONDS)
        if waited.cancelled_caught:
            raise GitFailed(f"others have been adding work trees to {common} for {LOCK_SECONDS:.0f} s")
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
