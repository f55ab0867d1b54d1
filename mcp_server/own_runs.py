"""Finds somebody's own runs; to others they do not exist."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from mcp_server.assembly import Assembly
from mcp_server.owner import OWNER
from workflows.runs.errors import RunNotFound
from workflows.runs.events import RunEvent
from workflows.runs.run import Run, RunFilter

SHORTEST_PREFIX = 4
"""Characters of an id that may stand for the whole."""
_LOOKED_THROUGH = 1000


FindOwnRun: TypeAlias = Callable[[Assembly, str, str], Awaitable[Run]]
"""`own_run`, or one that takes the same."""


async def own_run(assembly: Assembly, run_id: str, owner: str) -> Run:
    """A run by its id, as it really stands; one whose question nobody has answered in time goes on without.

    Args:
        assembly: The server's parts.
        run_id: The run.
        owner: Who asks.

    Raises:
        RunNotFound: There is none, or it is somebody else's.
    """
    return await assembly.engine.reconcile(await own_run_in_the_log(assembly, run_id, owner))


async def own_run_in_the_log(assembly: Assembly, run_id: str, owner: str) -> Run:
    """A run as the log has it, for what must not have it go on, as ending it; otherwise as `own_run`."""
    return _of(owner, await assembly.log.get(run_id), run_id)


async def own_run_with_newest(
    assembly: Assembly, run_id: str, owner: str, events: int
) -> tuple[Run, Sequence[RunEvent]]:
    """A run as `own_run` finds it, and its newest events as they were just before, with one question to the log.

    Args:
        assembly: The server's parts.
        run_id: The run.
        owner: Who asks.
        events: How many events at most.

    Raises:
        RunNotFound: As for `own_run`.
    """
    tail = await assembly.log.tail(run_id, events)
    run = _of(owner, None if tail is None else tail.run, run_id)
    return await assembly.engine.reconcile(run), () if tail is None else tail.events


async def own_run_by_prefix(assembly: Assembly, beginning: str) -> Run:
    """A run of this machine's user by its id, or by its beginning where only one of the newest 1,000 runs begins so.

    Raises:
        RunNotFound: There is none, or more than one.
    """
    if len(beginning) < SHORTEST_PREFIX or await assembly.log.get(beginning) is not None:
        return await own_run(assembly, beginning, OWNER)
    newest = await assembly.log.find(RunFilter(owner=OWNER, limit=_LOOKED_THROUGH))
    found = [run.run_id for run in newest if run.run_id.startswith(beginning)]
    return await own_run(assembly, found[0] if len(found) == 1 else beginning, OWNER)


def _of(owner: str, run: Run | None, run_id: str) -> Run:
    if run is None or run.owner != owner:
        raise RunNotFound(
            f"run_id: there is no run {run_id[:80]!r}.",
            recovery=("`list_runs`, or `agent-workflows runs`, lists them",),
        )
    return run
