"""Files that nobody but this user can read. Blocks: call it in a thread."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def make_private_directory(path: Path) -> None:
    """Make a directory for this user alone, or make an existing one such.

    Args:
        path: Where; missing directories above it are made as well.

    Raises:
        OSError: It cannot be made, or is not ours.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o700)


def write_private_file(path: Path, text: str) -> None:
    """Write a file for this user alone; it is there as a whole or not at all.

    Args:
        path: In an existing directory.
        text: Its content.

    Raises:
        OSError: It could not be written.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # for this user alone from the start
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
