"""A data directory in which runs get places of their own, as its engine would have it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from agents.command_runner import command_runner
from tests.fakes.event_log import MemoryEventLog, MemoryStore, StoredRun
from workflows.runs.places import Changes, Place, Wish
from workflows.runs.run import Isolation, Run, RunStatus
from workflows.runs.worktree_places import WorktreePlaces

RUN = "0123456789abcdef0123"
BRANCH = "agent-workflows/build-01234567"
SECONDS = 20.0
"""Longer than elsewhere: a place takes some twenty git commands."""


@dataclass
class Home:
    """A data directory."""

    directory: Path
    places: WorktreePlaces
    store: MemoryStore

    @property
    def worktrees(self) -> list[str]:
        return sorted(path.name for path in (self.directory / "worktrees").glob("*"))

    async def open(
        self,
        workspace: Path,
        run_id: str = RUN,
        mode: Isolation = "worktree",
        *,
        strict: bool = False,
    ) -> Place:
        wish = Wish(run_id=run_id, workflow="build", workspace=workspace, mode=mode, strict=strict)
        with anyio.fail_after(SECONDS):
            return await self.places.open(wish)

    async def close(self, run_id: str = RUN) -> Changes:
        with anyio.fail_after(SECONDS):
            return await self.places.close(run_id)

    def end(self, run_id: str, status: RunStatus = "completed") -> None:
        run = Run(run_id=run_id, workflow="build", input={}, workspace="/", owner="local", key=run_id, status=status)
        self.store.runs[run_id] = StoredRun(run)


@asynccontextmanager
async def a_home(directory: Path) -> AsyncGenerator[Home]:
    """A new one, with a log in memory."""
    store = MemoryStore()
    async with command_runner() as runner:
        yield Home(directory, WorktreePlaces(directory / "worktrees", MemoryEventLog(store), runner.run), store)
