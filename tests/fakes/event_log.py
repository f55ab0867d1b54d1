"""A log in memory, for everything that needs a log but not a disk. Keeps the port's contract, tests and all.

Two logs on one `MemoryStore` are two processes on one data directory.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from workflows.runs.errors import LogUnavailable, RunError, RunNotFound, RunTakenOver
from workflows.runs.event_json import decode, encode, storable
from workflows.runs.event_text import EventText
from workflows.runs.events import EventBody, LastEvent, RunEvent, Truncation
from workflows.runs.log import Artifact, ArtifactInfo, RunTail
from workflows.runs.projection import project_all
from workflows.runs.run import CancelRequest, Run, RunFilter, Word
from workflows.runs.sqlite.writer import check_artifact
from workflows.runs.timestamps import just_after, utc_now


@dataclass(slots=True)
class StoredRun:
    """A run as the store has it."""

    run: Run
    attempt: int = 0
    events: list[bytes] = field(default_factory=list[bytes])
    artifacts: dict[str, Artifact] = field(default_factory=dict[str, Artifact])
    cancel: CancelRequest | None = None


class MemoryStore:
    """What a data directory is to the real log."""

    def __init__(self) -> None:
        self.runs: dict[str, StoredRun] = {}
        self.words: list[tuple[str, Word]] = []
        self.changed = asyncio.Event()

    def existing(self, run_id: str) -> StoredRun:
        if run_id not in self.runs:
            raise RunNotFound(f"There is no run {run_id!r}.")
        return self.runs[run_id]

    def announce(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class MemoryRunWriter:
    """Implements `workflows.runs.log.RunWriter`; what is appended is stored on the next turn of the loop."""

    def __init__(self, log: "MemoryEventLog", stored: StoredRun) -> None:
        self._log = log
        self._stored = stored
        self._attempt = stored.attempt
        self._last_seq = stored.run.last_seq
        self._ended = stored.run.ended
        self._lost = False
        self._events: list[RunEvent] = []
        self._artifacts: list[Artifact] = []

    @property
    def last_seq(self) -> int:
        return self._last_seq

    def append(
        self, body: EventBody, *, message: str, progress: float, truncated: Sequence[Truncation] = ()
    ) -> RunEvent:
        self._check()
        event = RunEvent(
            run_id=self._stored.run.run_id,
            seq=self._last_seq + 1,
            time=utc_now(),
            message=message,
            progress=progress,
            body=body,
            truncated=truncated,
        )
        try:
            encode(event)
        except TypeError:
            event = storable(event)
        self._events.append(event)
        self._last_seq = event.seq
        self._ended = isinstance(body, LastEvent)
        self._log.store_soon(self)
        return event

    def save_artifact(self, artifact: Artifact) -> None:
        check_artifact(artifact)
        self._check()
        self._artifacts.append(artifact)
        self._log.store_soon(self)

    async def flush(self) -> None:
        self.store()
        refusal = self._refusal()
        if refusal is not None:
            raise refusal

    def store(self) -> None:
        """Move what was appended to the store, unless another writer has the run."""
        events, self._events = self._events, []
        artifacts, self._artifacts = self._artifacts, []
        if self._stored.attempt != self._attempt:
            self.lose()
            return
        self._stored.run = project_all(self._stored.run, events)
        self._stored.events += [encode(event) for event in events]
        self._stored.artifacts |= {artifact.name: artifact for artifact in artifacts}
        self._log.store.announce()

    def lose(self) -> None:
        """The run has another writer now, or none; a writer in another process learns of it when it stores."""
        self._lost = True

    def _check(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            raise refusal
        if self._ended:
            raise RunTakenOver(f"Run {self._stored.run.run_id} has ended.")

    def _refusal(self) -> RunError | None:
        if self._log.closed:
            return LogUnavailable("The log is closed.")
        if self._lost:
            return RunTakenOver(f"Run {self._stored.run.run_id} was taken over.")
        return None


class MemoryEventLog:
    """Implements `workflows.runs.log.EventLog`.

    Args:
        store: Where the runs are; one of its own by default.
        quiet_seconds: After how much silence a watcher gets an empty batch.
    """

    def __init__(self, store: MemoryStore | None = None, *, quiet_seconds: float = 2.0) -> None:
        self.store = store or MemoryStore()
        self.closed = False
        self._quiet_seconds = quiet_seconds
        self._unstored: dict[MemoryRunWriter, None] = {}
        self._writers: dict[str, MemoryRunWriter] = {}

    def store_soon(self, writer: MemoryRunWriter) -> None:
        if not self._unstored:
            asyncio.get_running_loop().call_soon(self._store_all)
        self._unstored[writer] = None

    async def create(self, run: Run) -> tuple[Run, bool]:
        self._check()
        for stored in self.store.runs.values():
            found = stored.run
            if (
                (found.active or found.status == "interrupted")
                and run.key
                and (found.owner, found.key) == (run.owner, run.key)
            ):
                return found, False
        created_at = run.created_at or utc_now()
        while any(stored.run.created_at == created_at for stored in self.store.runs.values()):
            created_at = just_after(created_at)
        run = replace(run, created_at=created_at, updated_at=run.updated_at or created_at)
        self.store.runs[run.run_id] = StoredRun(run)
        return run, True

    async def open(self, run_id: str, process: str) -> MemoryRunWriter:
        self._check()
        self._store_all()
        stored = self.store.existing(run_id)
        stored.attempt += 1
        stored.run = replace(stored.run, process=process)
        self._take_from_writer(run_id)
        self._writers[run_id] = MemoryRunWriter(self, stored)
        return self._writers[run_id]

    async def get(self, run_id: str) -> Run | None:
        self._check()
        stored = self.store.runs.get(run_id)
        return None if stored is None else stored.run

    async def tail(self, run_id: str, limit: int) -> RunTail | None:
        run = await self.get(run_id)
        return None if run is None else RunTail(run, await self.read(run_id, max(0, run.last_seq - limit), limit))

    async def find(self, filter: RunFilter) -> Sequence[Run]:
        self._check()
        matching = [stored.run for stored in self.store.runs.values() if _matches(stored.run, filter)]
        return sorted(matching, key=lambda run: run.created_at, reverse=True)[: max(0, filter.limit)]

    async def read(self, run_id: str, after: int = 0, limit: int = 500) -> Sequence[RunEvent]:
        self._check()
        stored = self.store.runs.get(run_id)
        return [] if stored is None else [decode(text) for text in stored.events[after:][: max(0, limit)]]

    async def read_texts(self, run_id: str, after: int = 0, limit: int = 500) -> Sequence[EventText]:
        self._check()
        stored = self.store.runs.get(run_id)
        texts = [] if stored is None else stored.events[after:][: max(0, limit)]
        return [EventText(event.seq, event.type, text) for text in texts for event in (decode(text),)]

    async def watch(self, run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
        self._check()
        cursor = max(0, after)
        while not self.closed:
            stored, changed = self.store.existing(run_id), self.store.changed
            events = await self.read(run_id, cursor)
            if events:
                cursor = events[-1].seq
                yield events
            elif stored.run.ended and stored.run.last_seq <= cursor:
                return
            elif not await self._news(changed):
                yield ()

    async def interrupt(self, run_id: str, process: str) -> bool:
        self._check()
        self._store_all()
        stored = self.store.runs.get(run_id)
        if stored is None or not stored.run.active or stored.run.process != process:
            return False
        stored.attempt += 1
        stored.run = replace(stored.run, status="interrupted", updated_at=utc_now())
        self._take_from_writer(run_id)
        return True

    async def claim(self, run_id: str, process: str) -> bool:
        self._check()
        self._store_all()
        stored = self.store.runs.get(run_id)
        if stored is None or not (stored.run.status == "interrupted" or stored.run.parked):
            return False
        stored.attempt += 1
        status = "queued" if stored.run.status == "interrupted" else stored.run.status
        stored.run = replace(stored.run, status=status, process=process)
        self._take_from_writer(run_id)
        return True

    async def park(self, run_id: str, process: str) -> None:
        self._check()
        self._store_all()
        stored = self.store.existing(run_id)
        if stored.run.process == process and stored.run.status == "waiting":
            stored.attempt += 1
            stored.run = replace(stored.run, process="")
        self._take_from_writer(run_id)

    async def leave_word(self, run_id: str, word: Word) -> None:
        self._check()
        self.store.words.append((run_id, word))

    async def take_words(self, process: str, run_ids: Sequence[str]) -> Sequence[tuple[str, Word]]:
        self._check()
        mine = [
            entry
            for entry in self.store.words
            if entry[0] in run_ids and self.store.existing(entry[0]).run.process == process
        ]
        self.store.words = [entry for entry in self.store.words if entry not in mine]
        return mine

    async def request_cancel(self, run_id: str, request: CancelRequest) -> None:
        self._check()
        stored = self.store.existing(run_id)
        stored.cancel = stored.cancel or request

    async def cancel_requests(self, process: str) -> dict[str, CancelRequest]:
        self._check()
        mine = (stored for stored in self.store.runs.values() if stored.run.active and stored.run.process == process)
        return {stored.run.run_id: stored.cancel for stored in mine if stored.cancel is not None}

    async def artifacts(self, run_id: str) -> Sequence[ArtifactInfo]:
        self._check()
        stored = self.store.runs.get(run_id)
        if stored is None:
            return []
        made = stored.artifacts.values()
        return [ArtifactInfo(name=item.name, media_type=item.media_type, bytes=len(item.body)) for item in made]

    async def artifact(self, run_id: str, name: str) -> Artifact | None:
        self._check()
        stored = self.store.runs.get(run_id)
        return None if stored is None else stored.artifacts.get(name)

    async def flush(self) -> None:
        self._check()
        self._store_all()

    async def close(self, timeout_seconds: float = 5.0) -> None:
        del timeout_seconds  # memory is never slow
        self._store_all()
        self.closed = True
        self.store.announce()

    def _take_from_writer(self, run_id: str) -> None:
        writer = self._writers.pop(run_id, None)
        if writer is not None:
            writer.lose()

    def _store_all(self) -> None:
        unstored, self._unstored = self._unstored, {}
        for writer in unstored:
            writer.store()

    async def _news(self, changed: asyncio.Event) -> bool:
        try:
            async with asyncio.timeout(self._quiet_seconds):
                return await changed.wait()
        except TimeoutError:
            return False

    def _check(self) -> None:
        if self.closed:
            raise LogUnavailable("The log is closed.")


def _matches(run: Run, filter: RunFilter) -> bool:
    return (
        filter.owner in {None, run.owner}
        and filter.workflow in {None, run.workflow}
        and filter.workspace in {None, run.workspace}
        and (filter.statuses is None or run.status in filter.statuses)
        and (filter.before is None or run.created_at < filter.before)
        and (filter.since is None or run.created_at >= filter.since)
    )
