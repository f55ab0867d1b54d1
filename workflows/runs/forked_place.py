"""With which files of another run a fork begins: those at the stage it goes on from, where they are known."""

from dataclasses import dataclass
from pathlib import Path

from agents.command_runner import RunCommand
from agents.workspace.git_commands import GitFailed
from agents.workspace.planned_worktree import forked_worktree
from agents.workspace.repository import NoWorktree
from agents.workspace.worktree import SNAPSHOTS, Worktree, WorktreeRecord
from workflows.runs.errors import IsolationUnavailable
from workflows.runs.place_records import PlaceRecord, StageSnapshot
from workflows.runs.places import ForkPoint


@dataclass(frozen=True, slots=True)
class ForkedPlace:
    """The place of a fork, before it is made.

    Attributes:
        worktree: Its work tree.
        uncommitted: Files of the other run that it does not have, as no commit holds them.
        told: With which files it begins, as the end of a sentence.
    """

    worktree: WorktreeRecord
    uncommitted: tuple[str, ...]
    told: str


async def forked_place(
    source: PlaceRecord,
    worktree: WorktreeRecord,
    point: ForkPoint,
    run_id: str,
    where: tuple[Path, tuple[str, ...]],
    run_command: RunCommand,
) -> ForkedPlace:
    """Plan the place of a fork.

    Args:
        source: Of the other run.
        worktree: The work tree it has, or had.
        point: Where the fork begins.
        run_id: The fork.
        where: Where its work tree would be, and names for its branch.
        run_command: Runs git.

    Raises:
        IsolationUnavailable: The other run's files cannot be had: with any others the fork would go wrong.
    """

    async def begun_at(commit: str, told: str, uncommitted: tuple[str, ...] = ()) -> ForkedPlace | None:
        found = await forked_worktree(worktree, commit, *where, run_command, run_id)
        return None if found is None else ForkedPlace(found, uncommitted, told)

    why, unknown = "", f"as those it had when it had finished {point.stage} are not known"
    try:
        noted = _snapshot_at(point, source)
        if noted.commit and (place := await begun_at(noted.commit, "with the files it had then", noted.uncommitted)):
            return place
        other = Worktree(worktree, run_command, run_id)
        if source.state in {"open", "kept"} and await other.is_there():
            message = f"Changes of run {point.run_id}, as they were when run {run_id} began"
            now = await other.snapshot(f"{SNAPSHOTS}/{run_id}/begin", message)
            if place := await begun_at(now.commit, f"with the files it has now, {unknown}", now.uncommitted):
                return place
        branch = worktree.branch
        if place := await begun_at(f"refs/heads/{branch}", f"with the files on its branch {branch}, {unknown}"):
            return place
        if place := await begun_at(worktree.begins_at, f"with the files it began with, {unknown}"):
            return place
    except (NoWorktree, GitFailed) as error:
        why = str(error)
    raise IsolationUnavailable(
        f"The files of run {point.run_id} cannot be gone on with: {why or 'its repository has them no more'}.",
        recovery=("Start the workflow anew",),
    )


def _snapshot_at(point: ForkPoint, source: PlaceRecord) -> StageSnapshot:
    """The newest of those at the ends of the tasks: of several side by side, that of the last one to end."""
    at_the_point = [noted for task, noted in source.snapshots.items() if task in point.tasks]
    return at_the_point[-1] if at_the_point else StageSnapshot(commit="")
