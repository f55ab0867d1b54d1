"""The port through which a run gets its place: the workspace itself, or a branch and a work tree of its own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workflows.runs.run import Isolation


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where a run is to work.

    Attributes:
        run_id: The run.
        workflow: Its workflow's name.
        workspace: Existing directory.
        mode: What is wanted.
        strict: Whether nothing else will do: somebody asked for it by name.
    """

    run_id: str
    workflow: str
    workspace: Path
    mode: Isolation
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkPoint:
    """Where in another run a new one begins.

    Attributes:
        run_id: The other run.
        stage: It had finished this one.
        tasks: The tasks of its graph that had ended last, by the graph library's own ids.
        branch: The branch its result names; empty if it names none.
    """

    run_id: str
    stage: str
    tasks: frozenset[str]
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run works.

    Attributes:
        directory: Of its agents.
        branch: What they change is committed on it; empty where they work in the workspace itself.
        note: What people should know about it, as sentences; may be empty.
    """

    directory: Path
    branch: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run has changed on its branch.

    Attributes:
        branch: Its branch; empty if it has none, or nothing was changed on it.
        diff: What was changed, as a unified diff relative to the top of the repository.
        note: What people should know, as sentences; may be empty.
    """

    branch: str = ""
    diff: str = ""
    note: str = ""


WORKSPACE_NOW = "with the workspace as it is now"
"""With which files a fork begins that has no work tree, or whose other run has had none."""


class Places(Protocol):
    """Gives runs their places."""

    async def plan_fork(self, wish: Wish, point: ForkPoint) -> str:
        """Note with which files a run begins that is a fork, before it is made.

        Args:
            wish: What is wanted.
            point: Where it begins.

        Returns:
            With which, as the end of a sentence: with those of the other run at that point wherever they are known.

        Raises:
            workflows.runs.errors.IsolationUnavailable: They are known, and it cannot have them.
            workflows.runs.errors.LogUnavailable: The data directory cannot be read or written.
        """
        ...

    async def open(self, wish: Wish) -> Place:
        """The place of a run; the same one when it is opened again.

        Raises:
            workflows.runs.errors.IsolationUnavailable: It cannot be had, and nothing else will do.
            workflows.runs.errors.LogUnavailable: The data directory cannot be written.
        """
        ...

    async def snapshot(self, run_id: str, task: str, stage: str) -> None:
        """Note how a run's files are when a task of its graph has ended, for its forks; before another one begins.

        Never raises: a fork then says that it begins with other files.

        Args:
            run_id: The run.
            task: The task, by the graph library's own id.
            stage: Name of its node.
        """
        ...

    async def close(self, run_id: str) -> Changes:
        """Put away what a run has changed; before its end is told. Repeating it gives the same answer.

        Never raises: what could not be put away is kept, and the note says where.
        """
        ...

    async def forget(self, run_id: str) -> None:
        """The run is over for good; what is left of its place is removed, now or by a later sweep.

        What forks begin with is removed when that of `KEPT_RUNS` newer runs is there.
        """
        ...

    async def sweep(self) -> None:
        """Put away what processes have left that died just before they could."""
        ...


class InPlace:
    """Implements `Places` with the workspaces themselves."""

    async def plan_fork(self, wish: Wish, point: ForkPoint) -> str:
        """See the port."""
        del wish, point
        return WORKSPACE_NOW

    async def open(self, wish: Wish) -> Place:
        """See the port."""
        return Place(wish.workspace)

    async def snapshot(self, run_id: str, task: str, stage: str) -> None:
        """See the port."""

    async def close(self, run_id: str) -> Changes:
        """See the port."""
        del run_id
        return Changes()

    async def forget(self, run_id: str) -> None:
        """See the port."""

    async def sweep(self) -> None:
        """See the port."""
