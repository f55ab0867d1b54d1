"""A directory for a child's temporary files, which goes with the child."""

import logging
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

VARIABLES = ("TMPDIR", "TMP", "TEMP")
"""Where programs look for the place of their temporary files."""
_REMOVE_SECONDS = 5.0
_PREFIX = "agent-workflows-"

_log = logging.getLogger(__name__)


@asynccontextmanager
async def temporary_directory(environ: Mapping[str, str], names: Sequence[str] = VARIABLES) -> AsyncGenerator[Path]:
    """Make a directory for this user alone; when the block is left, it is gone with all that is in it.

    Args:
        environ: Says where temporary files belong on this machine.
        names: The variables that say it, the first that names a directory counts; without any, the usual place does.

    Raises:
        OSError: There is no place for it.
    """
    path = await anyio.to_thread.run_sync(_make, [environ.get(name, "") for name in names])
    try:
        yield path
    finally:
        with anyio.move_on_after(_REMOVE_SECONDS, shield=True) as bound:
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(path, ignore_errors=True), abandon_on_cancel=True)
        if bound.cancelled_caught:
            _log.warning("Temporary files of a child are still being removed: %s", path)


def _make(places: Sequence[str]) -> Path:
    place = next((place for place in places if place and Path(place).is_dir()), None)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
