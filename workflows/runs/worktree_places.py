"""Places of runs in git work trees of their own, in the data directory.

A run's record says where it works, so that a resumed run goes on where it was. When the run ends, what was changed is
committed and the work tree removed; an interrupted run keeps it.
"""

import logging
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from agents.command_runner import RunCommand
from agents.workspace.git_commands import GitFailed
from agents.workspace.private_files import make_private_directory, write_private_file
from agents.workspace.repository import NoWorktree
from agents.workspace.worktree import BRANCHES, Worktree, WorktreeRecord, planned_worktree
from workflows.runs.errors import IsolationUnavailable, LogUnavailable, RunError
from workflows.runs.log import EventLog
from workflows.runs.places import Changes, Place, Wish

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 60.0
"""How long it may take to commit what a run has changed; what takes longer is kept where it is."""
KEPT_SECONDS = 14 * 86_400.0
"""How long a work tree is kept that holds what no commit could."""
_MOST_NAMED = 5
_SHORT = 8
"""Characters of a run's id in the name of its branch."""


class _PlaceRecord(BaseModel):
    """How a run's place is found again.

    Attributes:
        worktree: Its work tree; None where it works in the workspace itself.
        note: As in `Place`.
        state: Of the work tree: `planned` until it is made; `open` while agents work in it; `committed` once all of it
            is on its branch, and it is removed; `kept` where it holds what no commit could.
    """

    model_config = ConfigDict(frozen=True)

    worktree: WorktreeRecord | None
    note: str = ""
    state: Literal["planned", "open", "committed", "kept"] = "planned"


class WorktreePlaces:
    """Implements `Places` with work trees in the data directory.

    Args:
        root: Holds them; it need not be there.
        log: Says which runs are over.
        run_command: Runs git.
    """

    def __init__(self, root: Path, log: EventLog, run_command: RunCommand) -> None:
        self._root = root
        self._log = log
        self._run_command = run_command

    async def open(self, wish: Wish) -> Place:
        """See the port."""
        if wish.mode == "in_place":
            return Place(wish.workspace)
        record = await self._read(wish.run_id) or await self._planned(wish)
        if record.worktree is not None:
            record = await self._opened(wish, record, record.worktree)
        if record.worktree is None:
            return Place(wish.workspace, note=record.note)
        return Place(record.worktree.directory, record.worktree.branch, record.note)

    async def close(self, run_id: str) -> Changes:
        """See the port."""
        directory, why = self._root / run_id, ""
        with anyio.CancelScope(shield=True):
            try:
                with anyio.fail_after(CLOSE_SECONDS):
                    return await self._closed(run_id)
            except TimeoutError:
                why = f"it took longer than {CLOSE_SECONDS:.0f} s"
            except GitFailed as error:
                why = str(error)
            except LogUnavailable as error:
                why = error.message
        logger.error("run %s: its work tree could not be put away: %s", run_id, why)
        return Changes(note=f"What it changed could not be committed ({why}); it is in {directory}.")

    async def forget(self, run_id: str) -> None:
        """See the port."""
        if not await anyio.Path(self._root / run_id).exists():
            with suppress(OSError):
                await anyio.to_thread.run_sync(partial(self._file(run_id).unlink, missing_ok=True))

    async def sweep(self) -> None:
        """See the port."""
        for run_id in await anyio.to_thread.run_sync(_run_ids, self._root):
            try:
                run = await self._log.get(run_id)
                if run is not None and run.ended:
                    await self._swept(run_id)
            except RunError as error:
                logger.warning("the work tree of run %s is kept: %s", run_id, error.message)

    async def _planned(self, wish: Wish) -> _PlaceRecord:
        branches = tuple(f"{BRANCHES}/{wish.workflow}-{part}" for part in (wish.run_id[:_SHORT], wish.run_id))
        try:
            await anyio.to_thread.run_sync(make_private_directory, self._root)
            tree = Path(await anyio.Path(self._root / wish.run_id).resolve())
            plan = await planned_worktree(
                wish.workspace, tree, branches, self._run_command, wish.run_id, begin=wish.branch
            )
        except NoWorktree as error:
            record = self._in_place(wish, str(error), silent=not error.is_repository)
        except GitFailed as error:
            record = self._in_place(wish, str(error))
        except OSError as error:
            raise _not_writable(self._root, error) from error
        else:
            record = _PlaceRecord(worktree=plan.record, note=_opening_note(plan.record.branch, plan.left_out))
        await self._write(wish.run_id, record)  # before anything is made, so that it is found after a crash
        return record

    async def _opened(self, wish: Wish, record: _PlaceRecord, found: WorktreeRecord) -> _PlaceRecord:
        """A place whose work tree is there, or that has none after all."""
        worktree = Worktree(found, self._run_command, wish.run_id)
        if record.state in {"open", "kept"}:
            if not await worktree.is_there():  # agents have worked in it: their run must not go on anywhere else
                raise IsolationUnavailable(
                    f"The run's work tree {found.tree} is gone, and with it what its agents had changed.",
                    recovery=("Start the workflow anew",),
                )
            return record
        try:
            await worktree.make()
            opened = record.model_copy(update={"state": "open"})
        except GitFailed as error:
            opened = self._in_place(wish, str(error))
        await self._write(wish.run_id, opened)
        return opened

    def _in_place(self, wish: Wish, why: str, *, silent: bool = False) -> _PlaceRecord:
        """The place of a run that can have no work tree.

        Raises:
            IsolationUnavailable: Nothing else will do.
        """
        if wish.strict:
            raise IsolationUnavailable(
                f"isolation: {wish.workspace} cannot be worked on in a work tree of its own: {why}.",
                recovery=("Say isolation in_place to let the agents work in the directory itself",),
            )
        note = "" if silent else f"Works in the workspace itself, not on a branch of its own: {why}."
        return _PlaceRecord(worktree=None, note=note)

    async def _closed(self, run_id: str) -> Changes:
        record = await self._read(run_id)
        if record is None or record.worktree is None:
            return Changes()
        worktree = Worktree(record.worktree, self._run_command, run_id)
        if record.state == "planned":
            await worktree.remove()
            await worktree.delete_branch()
            return Changes()
        changes = await worktree.commit(f"Changes of run {run_id}")
        branch, note = record.worktree.branch if changes.changed else "", ""
        if changes.uncommitted:
            await self._write(run_id, record.model_copy(update={"state": "kept"}))
            days = f"{KEPT_SECONDS / 86_400:.0f} days"
            note = f"Not committed, and kept in {record.worktree.tree} for {days}: {_named(changes.uncommitted)}."
        else:
            await self._write(run_id, record.model_copy(update={"state": "committed"}))
            await worktree.remove()
            await worktree.delete_branch()
        return Changes(branch, changes.diff if changes.changed else "", note)

    async def _swept(self, run_id: str) -> None:
        record = await self._read(run_id)
        if record is not None and record.worktree is not None and await anyio.Path(record.worktree.tree).exists():
            if record.state != "kept":
                await self.close(run_id)
            elif await anyio.to_thread.run_sync(_age, self._file(run_id)) > KEPT_SECONDS:
                await self._given_up(run_id, Worktree(record.worktree, self._run_command, run_id))
        await self.forget(run_id)

    async def _given_up(self, run_id: str, worktree: Worktree) -> None:
        try:
            await worktree.remove()
            await worktree.delete_branch()
        except GitFailed as error:
            logger.warning("the work tree of run %s is still there: %s", run_id, error)

    async def _read(self, run_id: str) -> _PlaceRecord | None:
        try:
            text = await anyio.Path(self._file(run_id)).read_text(encoding="utf-8")
            return _PlaceRecord.model_validate_json(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            why = f"{self._file(run_id)}, which says where the run works, cannot be read: {type(error).__name__}."
            raise LogUnavailable(why) from error

    async def _write(self, run_id: str, record: _PlaceRecord) -> None:
        try:
            await anyio.to_thread.run_sync(write_private_file, self._file(run_id), record.model_dump_json())
        except OSError as error:
            raise _not_writable(self._root, error) from error

    def _file(self, run_id: str) -> Path:
        return self._root / f"{run_id}.json"


def _opening_note(branch: str, left_out: tuple[str, ...]) -> str:
    note = f"Works on branch {branch}, in a work tree of its own."
    return f"{note} Not taken along, as git does not know them: {_named(left_out)}." if left_out else note


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _not_writable(root: Path, error: OSError) -> LogUnavailable:
    return LogUnavailable(f"The data directory {root.parent} cannot be written: {error.strerror or error}.")


def _run_ids(root: Path) -> list[str]:
    try:
        return sorted(path.stem for path in root.glob("*.json"))
    except OSError:
        return []


def _age(file: Path) -> float:
    """Seconds since a file was written."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return 0.0
