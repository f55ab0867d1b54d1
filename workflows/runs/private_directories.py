"""Where runs keep what must not be in their states: a directory for each, gone when its run is over."""

import logging
import shutil
from pathlib import Path

import anyio.to_thread

from workflows.runs.errors import RunError
from workflows.runs.log import EventLog

logger = logging.getLogger(__name__)


class PrivateDirectories:
    """The directories of all runs of a data directory. They are made by those who need them.

    Args:
        root: Holds them; it need not be there.
        log: Says which runs are over.
    """

    def __init__(self, root: Path, log: EventLog) -> None:
        self._root = root
        self._log = log

    def of(self, run_id: str) -> Path:
        """A run's own."""
        return self._root / run_id

    async def remove(self, run_id: str) -> None:
        """Remove the one of a run that is over for good; what cannot be removed stays until the next sweep."""
        await anyio.to_thread.run_sync(_remove, self.of(run_id))

    async def sweep(self) -> None:
        """Remove what was left by processes that died just before they could do so. Interrupted runs keep theirs."""
        try:
            for run_id in await anyio.to_thread.run_sync(_names, self._root):
                run = await self._log.get(run_id)
                if run is not None and run.ended:
                    await self.remove(run_id)
        except RunError as error:
            logger.warning("private directories of old runs are kept: %s", error.message)


def _names(root: Path) -> list[str]:
    try:
        return sorted(path.name for path in root.iterdir())
    except OSError:  # not there
        return []


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
