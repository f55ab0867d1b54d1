"""The port through which runs are started and ended.

The floor above knows runs through this, `log.py`, `run.py` and `events.py`.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from workflows.budget import Limits
from workflows.runs.events import RunEvent
from workflows.runs.run import Run
from workflows.workflow import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What somebody wants to have run.

    Attributes:
        workflow: Which workflow.
        input: An instance of its input model.
        workspace: Absolute path of an existing directory.
        owner: Who wants it.
        limits: What it may use.
    """

    workflow: Workflow
    input: BaseModel
    workspace: str
    owner: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class StartedRun:
    """The answer to a request.

    Attributes:
        run: The run.
        joined: True if it was there already: the same request, still active.
    """

    run: Run
    joined: bool


class Engine(Protocol):
    """Runs workflows. One contract suite holds for every implementation."""

    async def start(self, request: RunRequest) -> StartedRun:
        """Start a run, or join the active one of the same request. The run is durable when this returns.

        Raises:
            workflows.runs.errors.RunError: It cannot be started.
        """
        ...

    async def cancel(self, run_id: str, *, by: str, reason: str) -> Run:
        """End a run, in whichever process it lives; returns when it has ended, at the latest after about 15 s.

        Repeating it, or cancelling a run that has ended, changes nothing.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
            workflows.runs.errors.NotEndedYet: It was asked to end, and has not ended in time.
            workflows.runs.errors.LogUnavailable: It has ended, but its end cannot be written, or the log not be read.
        """
        ...

    def cancel_soon(self, run_id: str, *, by: str, reason: str) -> None:
        """Like `cancel`, without waiting for anything; for callers that are being cancelled themselves."""
        ...

    def runs_here(self, run_id: str) -> bool:
        """Whether this process runs it; a run of another process may be waited for there."""
        ...

    def follow(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Like `EventLog.watch`, but it also ends when nobody works on the run any more, and yields no empty batches.

        Raises:
            workflows.runs.errors.LogUnavailable: The run has ended, but its end cannot be written; or as in `watch`.
        """
        ...

    async def reconcile(self, run: Run) -> Run:
        """The run as it is: one whose process has died is marked as interrupted and returned so."""
        ...

    async def reconcile_all(self) -> None:
        """Mark every active run that nobody works on as interrupted; before runs are listed by status.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot be read or written.
        """
        ...

    @property
    def closed(self) -> bool:
        """Whether `stop_all` or `close` was called: what ends now is interrupted, not cancelled."""
        ...

    def stop_all(self) -> None:
        """Take no more runs and tell all of this process to stop; `close` does the rest. For signal handlers."""
        ...

    async def close(self) -> None:
        """Stop all runs of this process at once, leaving them `interrupted`.

        Takes 0.3 s at most, never raises, and is safe to call twice. What cannot be stored in that time is logged.
        """
        ...
