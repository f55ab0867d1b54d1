"""Places of runs in git work trees of their own, in the data directory.

A run's record says where it works, so that a resumed run goes on where it was. When the run ends, what was changed is
committed and the work tree removed; an interrupted run keeps it. How its files were after each node is kept for its
forks, as long as the states of its graph are.
"""

import logging
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread

from agents.command_runner import RunCommand
from agents.workspace.git_commands import GitFailed
from agents.workspace.planned_worktree import planned_worktree
from agents.workspace.private_files import make_private_directory
from agents.workspace.repository import NoWorktree
from agents.workspace.worktree import BRANCHES, SNAPSHOTS, Worktree, WorktreeRecord, delete_snapshots
from workflows.runs.errors import IsolationUnavailable, LogUnavailable, RunError
from workflows.runs.forked_place import forked_place
from workflows.runs.log import EventLog
from workflows.runs.place_records import PlaceRecord, PlaceRecords, StageSnapshot, not_writable
from workflows.runs.places import WORKSPACE_NOW, Changes, ForkPoint, Place, Wish
from workflows.runs.shared_graphs import KEPT_RUNS
from workflows.runs.worktree_closing import KEPT_SECONDS, WorktreeClosing, named

logger = logging.getLogger(__name__)

SNAPSHOT_SECONDS = 30.0
"""How long it may take to note a run's files for its forks; the run waits meanwhile."""
ABANDONED_SECONDS = 3600.0
"""After how long the place of a run that the log does not know is nobody's; a plan is in the log within a minute."""
_SHORT = 8
"""Characters of a run's id in the name of its branch."""


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
        self._records = PlaceRecords(root)
        self._closing = WorktreeClosing(self._records, run_command)

    async def plan_fork(self, wish: Wish, point: ForkPoint) -> str:
        """See the port."""
        if wish.mode == "in_place":
            return WORKSPACE_NOW
        source = await self._records.read(point.run_id)
        if source is not None and source.worktree is not None:
            where = await self._free_place(wish), _branches(wish)
            fork = await forked_place(source, source.worktree, point, wish.run_id, where, self._run_command)
            note = _opening_note(fork.worktree.branch, fork.uncommitted, "no commit holds them")
            await self._records.write(wish.run_id, PlaceRecord(worktree=fork.worktree, note=note))
            return fork.told
        with suppress(IsolationUnavailable):  # that is said once the run has begun, as of any run
            planned = (await self._planned(wish, begin=point.branch)).worktree
            if planned is not None and planned.begin:
                return f"with the files on branch {point.branch}, as nothing else is known of that run's"
        return WORKSPACE_NOW

    async def open(self, wish: Wish) -> Place:
        """See the port."""
        if wish.mode == "in_place":
            return Place(wish.workspace)
        record = await self._records.read(wish.run_id) or await self._planned(wish)
        if record.worktree is not None:
            record = await self._opened(wish, record, record.worktree)
        if record.worktree is None:
            return Place(wish.workspace, note=record.note)
        return Place(record.worktree.directory, record.worktree.branch, record.note)

    async def snapshot(self, run_id: str, task: str, stage: str) -> None:
        """See the port."""
        why = f"it took longer than {SNAPSHOT_SECONDS:.0f} s"
        try:
            record = await self._records.read(run_id)
            if record is None or record.worktree is None or record.state != "open":
                return
            noted = StageSnapshot(commit="")  # where it fails, an earlier one must not be taken for it
            try:
                with anyio.fail_after(SNAPSHOT_SECONDS):
                    noted = await self._noted(run_id, record.worktree, task, stage)
                why = ""
            except GitFailed as error:
                why = str(error)
            except TimeoutError:
                pass
            others = {name: earlier for name, earlier in record.snapshots.items() if name != task}
            await self._records.write(run_id, record.model_copy(update={"snapshots": {**others, task: noted}}))
        except LogUnavailable as error:
            why = error.message
        if why:
            logger.warning("run %s: its files after %s could not be noted for forks: %s", run_id, stage, why)

    async def close(self, run_id: str) -> Changes:
        """See the port."""
        return await self._closing.close(run_id)

    async def forget(self, run_id: str) -> None:
        """See the port."""
        try:
            await self._forgotten(run_id)
            await self._retire()
        except RunError as error:
            logger.warning("run %s: what is left of its place is kept: %s", run_id, error.message)

    async def sweep(self) -> None:
        """See the port."""
        for run_id in await self._records.run_ids():
            try:
                if await self._is_over(run_id):
                    await self._swept(run_id)
            except RunError as error:
                logger.warning("the work tree of run %s is kept: %s", run_id, error.message)
        try:
            await self._retire()
        except RunError as error:
            logger.warning("old snapshots are kept: %s", error.message)

    async def _is_over(self, run_id: str) -> bool:
        run = await self._log.get(run_id)
        if run is not None:
            return run.ended
        # A fork that never came to be, as its server died; a younger one may still be on its way into the log.
        record = await self._records.read(run_id)
        return record is not None and record.state == "planned" and await self._records.age(run_id) > ABANDONED_SECONDS

    async def _forgotten(self, run_id: str) -> None:
        record = await self._records.read(run_id)
        if record is None or await anyio.Path(self._root / run_id).exists():
            return
        if record.state != "committed" or not record.snapshots:  # no fork will ask with what it could begin
            await self._deleted(run_id, record)

    async def _retire(self) -> None:
        """Let go of what forks begin with, of all but the newest runs that are over."""
        run_ids = await self._records.run_ids()
        if len(run_ids) <= KEPT_RUNS:
            return
        records = [(run_id, await self._records.read(run_id)) for run_id in run_ids]
        over = [(run_id, record) for run_id, record in records if record is not None and record.state == "committed"]
        for run_id, record in over[:-KEPT_RUNS]:
            if await self._is_over(run_id):
                await self._deleted(run_id, record)

    async def _deleted(self, run_id: str, record: PlaceRecord) -> None:
        try:
            if record.worktree is not None:
                await delete_snapshots(record.worktree.common, self._run_command, run_id)
            await self._records.delete(run_id)
        except (GitFailed, OSError) as error:
            logger.warning("run %s: its snapshots are still there: %s", run_id, error)

    async def _noted(self, run_id: str, worktree: WorktreeRecord, task: str, stage: str) -> StageSnapshot:
        message = f"Changes of run {run_id}, as they were when it had finished {stage}"
        reference = f"{SNAPSHOTS}/{run_id}/{task}"
        noted = await Worktree(worktree, self._run_command, run_id).snapshot(reference, message)
        return StageSnapshot(commit=noted.commit, uncommitted=noted.uncommitted)

    async def _free_place(self, wish: Wish) -> Path:
        """Where a run's work tree would be.

        Raises:
            LogUnavailable: The data directory cannot be written.
        """
        try:
            await anyio.to_thread.run_sync(make_private_directory, self._root)
            return Path(await anyio.Path(self._root / wish.run_id).resolve())
        except OSError as error:
            raise not_writable(self._root, error) from error

    async def _planned(self, wish: Wish, *, begin: str = "") -> PlaceRecord:
        tree = await self._free_place(wish)
        try:
            plan = await planned_worktree(
                wish.workspace, tree, _branches(wish), self._run_command, wish.run_id, begin=begin
            )
        except NoWorktree as error:
            record = self._in_place(wish, str(error), silent=not error.is_repository)
        except GitFailed as error:
            record = self._in_place(wish, str(error))
        else:
            note = _opening_note(plan.record.branch, plan.left_out, "git does not know them")
            record = PlaceRecord(worktree=plan.record, note=note)
        await self._records.write(wish.run_id, record)  # before anything is made, so that it is found after a crash
        return record

    async def _opened(self, wish: Wish, record: PlaceRecord, found: WorktreeRecord) -> PlaceRecord:
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
            if found.begin:  # what it goes on from has been done there, and not in the workspace
                raise IsolationUnavailable(
                    f"The run begins with files of another one, and its work tree cannot be made: {error}.",
                    recovery=("Start the workflow anew",),
                ) from error
            opened = self._in_place(wish, str(error))
        await self._records.write(wish.run_id, opened)
        return opened

    def _in_place(self, wish: Wish, why: str, *, silent: bool = False) -> PlaceRecord:
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
        return PlaceRecord(worktree=None, note=note)

    async def _swept(self, run_id: str) -> None:
        record = await self._records.read(run_id)
        if record is not None and record.worktree is not None and await anyio.Path(record.worktree.tree).exists():
            if record.state != "kept":
                await self.close(run_id)
            elif await self._records.age(run_id) > KEPT_SECONDS:
                await self._closing.give_up(run_id, record.worktree)
        await self._forgotten(run_id)


def _branches(wish: Wish) -> tuple[str, ...]:
    return tuple(f"{BRANCHES}/{wish.workflow}-{part}" for part in (wish.run_id[:_SHORT], wish.run_id))


def _opening_note(branch: str, left_out: tuple[str, ...], why: str) -> str:
    note = f"Works on branch {branch}, in a work tree of its own."
    return f"{note} Not taken along, as {why}: {named(left_out)}." if left_out else note
