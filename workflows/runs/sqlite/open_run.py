"""A run that this process writes: what its writer, on the event loop, and the committing thread share."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.runs.errors import RunError, RunTakenOver
from workflows.runs.events import RunEvent
from workflows.runs.log import Artifact
from workflows.runs.projection import project_all
from workflows.runs.run import Run
from workflows.runs.sqlite.events import LARGEST_BATCH, LARGEST_BATCH_BYTES, Batch, Entry


@dataclass(slots=True)
class Backlog:
    """What is appended and not yet stored.

    Attributes:
        events: In order.
        texts: The JSON of each.
        artifacts: In order.
        size: Bytes of the JSON and the artifacts.
    """

    events: list[RunEvent] = field(default_factory=list[RunEvent])
    texts: list[bytes] = field(default_factory=list[bytes])
    artifacts: list[Artifact] = field(default_factory=list[Artifact])
    size: int = 0

    def extend(self, later: "Backlog") -> None:
        """Put what came later behind."""
        self.events += later.events
        self.texts += later.texts
        self.artifacts += later.artifacts
        self.size += later.size


@dataclass(slots=True, eq=False, weakref_slot=True)
class OpenRun:
    """A run that this process writes.

    Attributes:
        run: As it is stored. Only the committing thread changes it.
        attempt: The attempt this process writes.
        refusal: Why nothing more is stored, if so.
        backlog: What the thread has not taken yet. Guarded by the thread's lock.
    """

    run: Run
    attempt: int
    refusal: RunError | None = None
    backlog: Backlog = field(default_factory=Backlog)

    def entry(self, backlog: Backlog) -> Entry:
        """What the log gets when a backlog of this run is stored."""
        return Entry(
            attempt=self.attempt,
            after=self.run.last_seq,
            run=project_all(self.run, backlog.events),
            batches=tuple(_batches(backlog)),
            artifacts=backlog.artifacts,
        )


def taken_over(run_id: str) -> RunTakenOver:
    """What a writer gets when it is not the run's writer any more."""
    return RunTakenOver(f"Run {run_id} was taken over by another writer, or marked as interrupted.")


def _batches(backlog: Backlog) -> Iterator[Batch]:
    start, size = 0, 0
    for position, text in enumerate(backlog.texts):
        if position - start >= LARGEST_BATCH or size >= LARGEST_BATCH_BYTES:
            yield _batch(backlog, start, position)
            start, size = position, 0
        size += len(text)
    if backlog.texts:
        yield _batch(backlog, start, len(backlog.texts))


def _batch(backlog: Backlog, start: int, end: int) -> Batch:
    return Batch(
        first_seq=backlog.events[start].seq,
        last_seq=backlog.events[end - 1].seq,
        events=b"[" + b",".join(backlog.texts[start:end]) + b"]",
    )
