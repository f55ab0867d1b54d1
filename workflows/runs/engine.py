"""The port through which runs are started and ended.

The floor above knows runs through this, `log.py`, `run.py` and `events.py`.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel

from workflows.budget import Limits
from workflows.runs.events import Json, RunEvent
from workflows.runs.run import GateReply, Run, RunOptions, Steering
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
        options: How it works.
    """

    workflow: Workflow
    input: BaseModel
    workspace: str
    owner: str
    limits: Limits
    options: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True)
class StartedRun:
    """The answer to a request.

    Attributes:
        run: The run.
        joined: True if it was there already: the same request, not ended yet.
        resumed: True if it was interrupted, and goes on because of this request.
    """

    run: Run
    joined: bool
    resumed: bool = False


class Engine(Protocol):
    """Runs workflows. One contract suite holds for every implementation."""

    async def start(self, request: RunRequest) -> StartedRun:
        """Start a run, or join the one of the same request that has not ended. The run is durable when this returns.

        One that was interrupted goes on.

        Raises:
            workflows.runs.errors.RunError: It cannot be started.
        """
        ...

    async def cancel(self, run_id: str, *, by: str, reason: str) -> Run:
        """End a run, in whichever process it lives; returns when it has ended, at the latest after about 15 s.

        It is gone through with also where the caller is cancelled before.

        Repeating it, or cancelling a run that has ended, changes nothing.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
            workflows.runs.errors.NotEndedYet: It was asked to end, and has not ended in time.
            workflows.runs.errors.LogUnavailable: It has ended, but its end cannot be written, or the log not be read.
        """
        ...

    async def resume(self, run_id: str, *, by: str) -> Run:
        """Go on with an interrupted run, from its last finished stage. A run that is at work already is left alone.

        Args:
            run_id: The run.
            by: Who wants it.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
            workflows.runs.errors.RunNotResumable: It is over, or cannot go on, or waits for an answer.
            workflows.runs.errors.RunError: It cannot be started.
        """
        ...

    async def answer(self, run_id: str, reply: GateReply) -> Run:
        """Settle a question that a run waits with; the run goes on.

        Args:
            run_id: The run.
            reply: What settles it; an empty `gate_id` means the only question that is open.

        Returns:
            The run, once the answer was taken; it still says that it waits with this question where the process that
            has to take it has not done so within 3 s.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
            workflows.runs.errors.RunNotWaiting: It does not wait for this answer, or not any more.
            workflows.runs.errors.InputRejected: The answer does not fit; the question stays open.
            workflows.runs.errors.RunError: It cannot go on; the question stays open.
        """
        ...

    async def steer(self, run_id: str, steering: Steering) -> Run:
        """Add an instruction to a run; its agents hear of it at their next turn, its supervisor at its next decision.

        A run that is parked or interrupted hears of it when it goes on.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
            workflows.runs.errors.RunNotResumable: It is over.
        """
        ...

    async def fork(self, run_id: str, stage: str, changes: Json, *, owner: str) -> Run:
        """Start a new run from where another one had finished a stage, with changed input.

        Args:
            run_id: The other run.
            stage: The name of a stage it has finished; of its newest round.
            changes: Fields of its input that are to have another value.
            owner: Whose the new run is.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
            workflows.runs.errors.InputRejected: The stage was not finished, is not kept, or a change does not fit.
            workflows.runs.errors.RunNotResumable: It was begun offline and this server works with models, or the other
                way round; or its workspace is gone.
        """
        ...

    def cancel_soon(self, run_id: str, *, by: str, reason: str) -> None:
        """Like `cancel`, without waiting for anything; for callers that are being cancelled themselves."""
        ...

    def leave_soon(self, run_id: str) -> None:
        """Stop working on a run of this process, which is then interrupted; returns at once.

        For callers whose client is gone without a word: nobody pays for what nobody may want, and whoever does want it
        goes on with it.
        """
        ...

    def runs_here(self, run_id: str) -> bool:
        """Whether this process runs it; a run of another process may be waited for there."""
        ...

    @property
    def at_work(self) -> bool:
        """Whether this process works on any run, or is about to; told without asking the log."""
        ...

    def follow(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Like `EventLog.watch`, but it also ends when nobody works on the run any more, and yields no empty batches.

        Raises:
            workflows.runs.errors.LogUnavailable: The run has ended, but its end cannot be written; or as in `watch`.
        """
        ...

    async def reconcile(self, run: Run) -> Run:
        """The run as it is: one whose process has died is marked as interrupted and returned so.

        One that waits with a question whose time is over goes on, if it can.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot be read or written.
        """
        ...

    async def reconcile_all(self) -> None:
        """Mark every active run that nobody works on as interrupted; before runs are listed by status.

        No run goes on because of that, whatever it waits for.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot be read or written.
        """
        ...

    @property
    def draining(self) -> bool:
        """Whether it takes no more runs: `drain`, `stop_all` or `close` was called."""
        ...

    def drain(self) -> None:
        """Take no more runs; those of this process go on to their ends.

        From now on `start`, `resume`, `fork` and `answer` raise `workflows.runs.errors.LogUnavailable` where a run that
        nobody works on would have to be worked on. A run can still be joined, steered and cancelled, and an agent that
        waits in its process be answered. A parked question stays open, also when its time is over.
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
