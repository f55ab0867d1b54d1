"""The ports behind which runs are kept.

The floor above watches through `EventLog`, the runner writes through `RunWriter`; both know nothing of a database.

Rules every implementation keeps (one contract suite checks them):

* An event is durable before any reader or watcher sees it.
* `seq` counts 1, 2, 3 ... per run, without gap or repeat, whatever happens to the process.
* Only one writer at a time: opening a run again takes it over, and the writer before it can store nothing more.
* The run's row is a projection of its log: it changes in the same transaction as the events that change it.
* A reader or watcher never slows a writer.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from workflows.runs.event_text import EventText
from workflows.runs.events import EventBody, RunEvent, Truncation
from workflows.runs.run import CancelRequest, Run, RunFilter, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A named thing a run has made, kept whole.

    Attributes:
        name: Unique within the run; letters, digits, `.`, `-`, `_`.
        media_type: For example `text/markdown`.
        body: The bytes.
    """

    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactInfo:
    """An artifact without its bytes.

    Attributes:
        name: As in `Artifact`.
        media_type: As in `Artifact`.
        bytes: Its size.
    """

    name: str
    media_type: str
    bytes: int


@dataclass(frozen=True, slots=True)
class RunTail:
    """A run at one moment.

    Attributes:
        run: Its row.
        events: Its newest events, in order.
    """

    run: Run
    events: Sequence[RunEvent]


class RunWriter(Protocol):
    """The one writer of a run. Sequence numbers are given out at `append`, in its order."""

    @property
    def last_seq(self) -> int:
        """Number of the event appended last, 0 before the first."""
        ...

    def append(
        self, body: EventBody, *, message: str, progress: float, truncated: Sequence[Truncation] = ()
    ) -> RunEvent:
        """Add an event. Returns at once; it is durable, and seen by others, soon after (see `flush`).

        Raises:
            workflows.runs.errors.RunTakenOver: Another writer has opened this run.
            workflows.runs.errors.LogUnavailable: The events before it could not be stored, and why.
        """
        ...

    def save_artifact(self, artifact: Artifact) -> None:
        """Keep an artifact; it is durable not later than the next event. The same name replaces it."""
        ...

    async def flush(self) -> None:
        """Return when everything appended so far is durable.

        Raises:
            workflows.runs.errors.RunTakenOver: As in `append`.
            workflows.runs.errors.LogUnavailable: As in `append`.
        """
        ...


class EventLog(Protocol):
    """All runs with all their events and artifacts."""

    async def create(self, run: Run) -> tuple[Run, bool]:
        """Store a new run, or find the active or interrupted run with the same `owner` and `key`.

        Returns:
            The run and whether it is new. Two calls at the same time, also from two processes, never both create.

        Raises:
            workflows.runs.errors.LogUnavailable: It cannot be stored, and why.
        """
        ...

    async def open(self, run_id: str, process: str) -> RunWriter:
        """Become the writer of a run; whoever wrote it before can store nothing more.

        Args:
            run_id: An existing run.
            process: Token of this process, kept in the row.

        Raises:
            workflows.runs.errors.RunNotFound: There is none.
        """
        ...

    async def get(self, run_id: str) -> Run | None:
        """The run's row, or None."""
        ...

    async def tail(self, run_id: str, limit: int) -> RunTail | None:
        """The run's row and its newest events, at most `limit`, as they were at one moment; or None."""
        ...

    async def find(self, filter: RunFilter) -> Sequence[Run]:
        """Rows that match, newest first."""
        ...

    async def read(self, run_id: str, after: int = 0, limit: int = 500) -> Sequence[RunEvent]:
        """Events with `seq > after`, in order, at most `limit`."""
        ...

    async def read_texts(self, run_id: str, after: int = 0, limit: int = 500) -> Sequence[EventText]:
        """The same as they are kept, for who only passes them on."""
        ...

    def watch(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Events with `seq > after`, in order, in batches, as they become durable; also of other processes' runs.

        Ends after the run's last event. An empty batch is yielded about every 2 s of quiet, so that the caller can look
        around (is the run's process still alive?).
        """
        ...

    async def claim(self, run_id: str, process: str) -> bool:
        """Make a run that nobody works on, interrupted or parked, one of `process`.

        Returns:
            Whether it is; of several that try, also from other processes, one succeeds.
        """
        ...

    async def park(self, run_id: str, process: str) -> None:
        """Let go of a run of `process` that waits for a person. What was appended to it is stored before."""
        ...

    async def leave_word(self, run_id: str, word: Word) -> None:
        """Leave a word for the process that works on a run."""
        ...

    async def take_words(self, process: str, run_ids: Sequence[str]) -> Sequence[tuple[str, Word]]:
        """Take the words for runs of `process`, oldest first, each with its run; nobody gets them again.

        Args:
            process: Token of a process.
            run_ids: Which of its runs can hear them; those for others are left for later.
        """
        ...

    async def interrupt(self, run_id: str, process: str) -> bool:
        """Mark an active run as interrupted if it still belongs to `process`; True if it was changed."""
        ...

    async def request_cancel(self, run_id: str, request: CancelRequest) -> None:
        """Leave word for the process that runs it."""
        ...

    async def cancel_requests(self, process: str) -> dict[str, CancelRequest]:
        """Requests for the active runs of `process`, by run."""
        ...

    async def artifacts(self, run_id: str) -> Sequence[ArtifactInfo]:
        """What the run has made, in the order of making."""
        ...

    async def artifact(self, run_id: str, name: str) -> Artifact | None:
        """One artifact, or None."""
        ...

    async def flush(self) -> None:
        """Return when everything any writer of this process has appended is durable."""
        ...

    async def close(self, timeout_seconds: float = 5.0) -> None:
        """Flush and let go of the database, within a bound; safe to call twice.

        Args:
            timeout_seconds: What is not durable after this long is given up.
        """
        ...
