"""The end of a run's work tree: what was changed is committed, and what is on its branch need not be kept elsewhere."""

import logging
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import anyio

from agents.command_runner import RunCommand
from agents.workspace.directory_lock import DirectoryGone, directory_lock
from agents.workspace.git_commands import GitFailed
from agents.workspace.worktree import Worktree, WorktreeChanges, WorktreeRecord
from workflows.runs.errors import LogUnavailable
from workflows.runs.place_records import PlaceRecords, PlaceState
from workflows.runs.places import Changes

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 60.0
"""How long it may take to commit what a run has changed, and to remove it then; what takes longer is kept."""
KEPT_SECONDS = 14 * 86_400.0
"""How long a work tree is kept that holds what no commit could."""
_MOST_NAMED = 5


class WorktreeClosing:
    """Puts work trees away.

    Args:
        records: Which there are.
        run_command: Runs git.
    """

    def __init__(self, records: PlaceRecords, run_command: RunCommand) -> None:
        self._records = records
        self._run_command = run_command

    async def close(self, run_id: str) -> Changes:
        """As `workflows.runs.places.Places.close`."""
        why = ""
        with anyio.CancelScope(shield=True):
            try:
                record = await self._records.read(run_id)
                if record is None or record.worktree is None:
                    return Changes()
                with anyio.fail_after(CLOSE_SECONDS):
                    changes, state = await self._committed(run_id, record.worktree)
                return await self._put_away(run_id, record.worktree, state, changes)
            except TimeoutError:
                why = f"it took longer than {CLOSE_SECONDS:.0f} s"
            except GitFailed as error:
                why = str(error)
            except LogUnavailable as error:
                why = error.message
        logger.error("run %s: its work tree could not be put away: %s", run_id, why)
        return Changes(note=f"What it changed could not be committed ({why}); it is in {self._records.tree(run_id)}.")

    async def give_up(self, run_id: str, record: WorktreeRecord) -> None:
        """Remove a work tree that has been kept for long enough."""
        why = await self._removed(run_id, record, "kept")
        if why:
            logger.warning("the work tree of run %s is still there: %s", run_id, why)

    async def _committed(self, run_id: str, found: WorktreeRecord) -> tuple[Changes, PlaceState]:
        worktree = Worktree(found, self._run_command, run_id)
        async with AsyncExitStack() as lock:
            with suppress(DirectoryGone):  # then there is nothing to commit
                await lock.enter_async_context(directory_lock(found.tree))
            record = await self._records.read(run_id)  # another process may have done it meanwhile
            if record is None or record.state == "planned":
                return Changes(), "planned"
            if record.state == "committed":  # its files are being removed, or are gone
                return _told(found, await worktree.committed()), "committed"
            changes = await worktree.commit(f"Changes of run {run_id}")
            state: PlaceState = "kept" if changes.uncommitted else "committed"
            await self._records.write(run_id, record.model_copy(update={"state": state}))
        return _told(found, changes), state

    async def _put_away(self, run_id: str, record: WorktreeRecord, state: PlaceState, changes: Changes) -> Changes:
        """Remove the work tree of a closed place, unless it is kept; all that was changed is on its branch by now."""
        why = "" if state == "kept" else await self._removed(run_id, record, state)
        if not why:
            return changes
        logger.error("run %s: its work tree is still there: %s", run_id, why)
        return replace(changes, note=f"The work tree {record.tree} could not be removed ({why}).")

    async def _removed(self, run_id: str, record: WorktreeRecord, state: PlaceState) -> str:
        """Remove a work tree, and its branch if it has nothing on it; why that could not be done, or nothing."""
        worktree = Worktree(record, self._run_command, run_id)
        try:
            with anyio.fail_after(CLOSE_SECONDS):
                await worktree.remove()
                await worktree.delete_branch(record.begins_at if state == "planned" else record.start)
        except TimeoutError:
            return f"it took longer than {CLOSE_SECONDS:.0f} s"
        except GitFailed as error:
            return str(error)
        return ""


def _told(record: WorktreeRecord, changes: WorktreeChanges) -> Changes:
    note = ""
    if changes.uncommitted:
        days = f"{KEPT_SECONDS / 86_400:.0f} days"
        note = f"Not committed, and kept in {record.tree} for {days}: {named(changes.uncommitted)}."
    return Changes(record.branch, changes.diff, note) if changes.changed else Changes(note=note)


def named(names: tuple[str, ...]) -> str:
    """Some files by name, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
