"""What runs keep beside the log to be able to go on: graph states, private directories, work trees; and their end."""

import logging

import anyio

from workflows.runs.admission import Admission
from workflows.runs.errors import RunError
from workflows.runs.events import EventBody, Heartbeat, WorkflowCancelled
from workflows.runs.history import History
from workflows.runs.log import EventLog
from workflows.runs.message import describe
from workflows.runs.places import Places
from workflows.runs.private_directories import PrivateDirectories
from workflows.runs.redaction import Redactor
from workflows.runs.run import Run
from workflows.runs.shared_graphs import SharedGraphs
from workflows.runs.workplace import CHANGES, of_the_place

logger = logging.getLogger(__name__)

DROP_SECONDS = 20.0
"""How long it may take to delete what was noted for a run that never came to be."""


class Upkeep:
    """Puts away what is not needed any more.

    Args:
        log: Where runs are kept.
        token: This process, as the log names it.
        redactor: Masks secrets.
        graphs: Their states.
        private: Their directories.
        places: Where they work.
    """

    def __init__(
        self,
        log: EventLog,
        token: str,
        redactor: Redactor,
        graphs: SharedGraphs,
        private: PrivateDirectories,
        places: Places,
    ) -> None:
        self._log = log
        self._token = token
        self._redactor = redactor
        self._graphs = graphs
        self._private = private
        self._places = places

    async def sweep(self) -> None:
        """Delete what servers that are gone have left of runs that are over."""
        await self._private.sweep()
        await self._places.sweep()

    async def forget(self, run_id: str) -> None:
        """Delete what was only kept so that a run could go on, which is over now."""
        await self._graphs.retire()
        await self._private.remove(run_id)
        await self._places.forget(run_id)

    async def drop(self, run_id: str) -> None:
        """Delete what was noted for a run that never came to be; one that is in the log all the same is interrupted.

        Never raises, and is bounded: what is still there then is swept later. Who was to store the run may have gone
        away before that was done, so the question must be one that is answered after it.
        """
        with anyio.move_on_after(DROP_SECONDS, shield=True):
            try:
                if not await self._log.interrupt(run_id, self._token):
                    await self._places.close(run_id)
                    await self._places.forget(run_id)
                    await self._graphs.forget(run_id)
            except RunError as error:
                logger.warning("what was noted for run %s is kept: %s", run_id, error.message)

    async def cancel_idle(self, run: Run, by: str, reason: str) -> None:
        """End a run that this process has claimed and that nobody works on.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot take it.
        """
        history = await History.read(self._log, run.run_id)
        writer = await self._log.open(run.run_id, self._token)
        admission = Admission(run.run_id, self._redactor, writer.save_artifact, history.made)

        def tell(body: EventBody) -> None:
            said, cuts = admission.admit(body)
            writer.append(said, message=describe(said), progress=run.progress, truncated=cuts)

        # Tells the time until now, in which nobody worked on it, from that which its end takes.
        idle = "ended while nobody works"
        tell(Heartbeat(agent="", stage=run.stage, seconds=0, waiting_for="start", reason=idle))
        for used in history.lose_usage():
            tell(used)
        changes = await self._places.close(run.run_id)
        if changes.diff:
            admission.artifact(CHANGES, "text/x-diff", changes.diff)
        if changes.note:
            tell(of_the_place(changes.note, changes.branch))
        tell(WorkflowCancelled(by=by, reason=reason, partial=history.finished, branch=changes.branch))
        await writer.flush()
        await self.forget(run.run_id)
