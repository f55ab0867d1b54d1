"""A directory for a child's temporary files."""

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import anyio.to_thread

VARIABLES = ("TMPDIR", "TMP", "TEMP")
"""Where programs look for the place of their temporary files."""
_REMOVE_SECONDS = 5.0
_PREFIX = "agent-workflows-"

_log = logging.getLogger(__name__)


def make(environ: Mapping[str, str], names: Sequence[str]) -> Path:
    """Make one for this user alone; at once, as a thread could be left alone with its result.

    Args:
        environ: Says where temporary files belong on this machine.
        names: The variables that say it, the first that names a directory counts.

    Raises:
        OSError: There is no place for it.
    """
    places = (environ.get(name, "") for name in names)
    place = next((place for place in places if place and Path(place).is_dir()), None)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))


async def remove(path: Path) -> bool:
    """Remove it with all that is in it; whether it is gone. Takes 5 s at most, and is not cancelled."""
    with anyio.move_on_after(_REMOVE_SECONDS, shield=True):
        if await anyio.to_thread.run_sync(_remove, path, abandon_on_cancel=True):
            return True
    _log.warning("Temporary files of a child are still there: %s", path)
    return False


def _remove(path: Path) -> bool:
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()
