"""What executes graphs, opened when the first run needs it and shared by all runs of a process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from workflows.runs.errors import RunError, shutting_down
from workflows.runs.graph_steps import GraphRunner
from workflows.runs.log import EventLog

logger = logging.getLogger(__name__)


KEPT_RUNS = 20
"""Of how many runs that are over the checkpoints are kept, so that a new run can go on from a stage of theirs."""


class SharedGraphs:
    """The one `GraphRunner` of a process.

    Args:
        open_graphs: Opens it; slow, because that is when the graph library is imported.
        log: Says which runs are over, so that their checkpoints need not be kept.
    """

    def __init__(self, open_graphs: Callable[[], Awaitable[GraphRunner]], log: EventLog) -> None:
        self._open_graphs = open_graphs
        self._log = log
        self._opening: asyncio.Task[GraphRunner] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._closed = False
        self._retiring = False
        self._more_to_retire = False

    async def opened(self) -> GraphRunner:
        """The runner. A failure to open it is not kept: the next run tries again.

        Raises:
            workflows.runs.errors.RunError: It cannot be opened, or the server is shutting down.
        """
        if self._closed:
            raise shutting_down()
        if self._opening is None or _failed(self._opening):
            self._opening = asyncio.create_task(self._open())
        graphs = await asyncio.shield(self._opening)
        if self._closed:
            raise shutting_down()
        return graphs

    async def retire(self) -> None:
        """A run is over for good: delete the checkpoints of those that have been so for longest.

        That is done as far as the database is open and can be written. Of runs that are over at the same time the first
        does it for all: each of fifty would otherwise look through what the other forty-nine delete.
        """
        opening = self._opening
        if self._closed or opening is None or not opening.done() or _failed(opening):
            return
        self._more_to_retire = True
        if self._retiring:
            return
        self._retiring = True
        try:
            while self._more_to_retire:
                self._more_to_retire = False
                await self._sweep(opening.result())
        finally:
            self._retiring = False

    async def forget(self, run_id: str) -> None:
        """Delete the checkpoints of one run, if the database is open.

        Raises:
            workflows.runs.errors.LogUnavailable: It cannot be written.
        """
        if self._closed:
            return
        opening = self._opening
        if opening is not None and opening.done() and not _failed(opening):
            await opening.result().forget(run_id)

    async def close(self) -> None:
        """Let go of the database, for good. What is still being opened closes itself, and nobody waits for that."""
        if self._closed:
            return
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        opening = self._opening
        if opening is not None and opening.done() and not _failed(opening):
            await opening.result().close()

    async def _open(self) -> GraphRunner:
        graphs = await self._open_graphs()
        if self._closed:
            await graphs.close()
        else:
            self._sweeping = asyncio.create_task(self._sweep(graphs))
        return graphs

    async def _sweep(self, graphs: GraphRunner) -> None:
        """Delete what nobody will go on from; also what was left by processes that died before they could do so."""
        try:
            remembered = [await self._log.get(run_id) for run_id in await graphs.remembered()]
            over = sorted((run for run in remembered if run is not None and run.ended), key=lambda run: run.ended_at)
            for run in over[:-KEPT_RUNS]:
                await graphs.forget(run.run_id)
        except RunError as error:
            logger.warning("old checkpoints are kept: %s", error.message)


def _failed(opening: "asyncio.Task[GraphRunner]") -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)
