"""What is written down of the places of runs, so that they are found again, also by another process."""

import time
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from agents.workspace.private_files import write_private_file
from agents.workspace.worktree import WorktreeRecord
from workflows.runs.errors import LogUnavailable

PlaceState: TypeAlias = Literal["planned", "open", "committed", "kept"]


class StageSnapshot(BaseModel):
    """How the files were when a node of a run's graph had ended.

    Attributes:
        commit: Has them; empty if they could not be noted.
        uncommitted: Files no commit holds.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    uncommitted: tuple[str, ...] = ()


class PlaceRecord(BaseModel):
    """How a run's place is found again.

    Attributes:
        worktree: Its work tree; None where it works in the workspace itself.
        note: As in `Place`.
        state: Of the work tree: `planned` until it is made; `open` while agents work in it; `committed` once all of it
            is on its branch, and it is removed; `kept` where it holds what no commit could.
        snapshots: How its files were in between, by the task whose end that was, oldest first.
    """

    model_config = ConfigDict(frozen=True)

    worktree: WorktreeRecord | None
    note: str = ""
    state: PlaceState = "planned"
    snapshots: dict[str, StageSnapshot] = {}


class PlaceRecords:
    """The records in a directory, one file for each run.

    Args:
        root: The directory; it need not be there as long as nothing is written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def read(self, run_id: str) -> PlaceRecord | None:
        """A run's record, if it has one.

        Raises:
            LogUnavailable: It cannot be read.
        """
        file = self.file(run_id)
        try:
            return PlaceRecord.model_validate_json(await anyio.Path(file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            why = f"{file}, which says where the run works, cannot be read: {type(error).__name__}."
            raise LogUnavailable(why) from error

    async def write(self, run_id: str, record: PlaceRecord) -> None:
        """Write a run's record.

        Raises:
            LogUnavailable: The data directory cannot be written.
        """
        try:
            await anyio.to_thread.run_sync(write_private_file, self.file(run_id), record.model_dump_json())
        except OSError as error:
            raise not_writable(self._root, error) from error

    async def delete(self, run_id: str) -> None:
        """Delete a run's record, if it has one.

        Raises:
            OSError: It is still there.
        """
        await anyio.to_thread.run_sync(partial(self.file(run_id).unlink, missing_ok=True))

    async def run_ids(self) -> list[str]:
        """The runs that have one; that written last comes last."""
        return await anyio.to_thread.run_sync(_run_ids, self._root)

    async def age(self, run_id: str) -> float:
        """Seconds since a run's record was written."""
        return time.time() - await anyio.to_thread.run_sync(_written, self.file(run_id))

    def tree(self, run_id: str) -> Path:
        """Where a run's work tree is, if it has one."""
        return self._root / run_id

    def file(self, run_id: str) -> Path:
        """Where a run's record is."""
        return self._root / f"{run_id}.json"


def not_writable(root: Path, error: OSError) -> LogUnavailable:
    """The error that says that a directory in the data directory cannot be written."""
    return LogUnavailable(f"The data directory {root.parent} cannot be written: {error.strerror or error}.")


def _run_ids(root: Path) -> list[str]:
    try:
        return [path.stem for path in sorted(root.glob("*.json"), key=lambda path: (_written(path), path.stem))]
    except OSError:
        return []


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # just gone
        return time.time()
