"""A live run's events for all who are up to date: read once, framed once, and written to each connection.

Who watches a live run has mostly seen everything up to a moment ago. A reader of the log and a task that wakes for each
of them cost several times what the writing does. So those listen to one broadcast, which writes without ever waiting:
a listener whose client does not read just now leaves, reads the log with a cursor of its own, and comes back once it is
up to date again.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import anyio
from anyio.abc import TaskGroup

from mcp_server.http.connection import chunk
from mcp_server.http.event_frames import EventFrames
from mcp_server.http.metrics import Metrics
from mcp_server.http.stream_connection import StreamConnection
from workflows.runs.engine import Engine
from workflows.runs.events import LastEvent, RunEvent

Left: TypeAlias = Literal["told_all", "fell_behind", "run_ended"]
"""Why a listener left: it has had the run's last event, its client does not read, or nothing more will be told."""


@dataclass(slots=True, eq=False)
class Listener:
    """A stream that is up to date.

    Attributes:
        connection: Where to.
        cursor: Number of the last event it has.
        left: Why it left; None while it listens.
        error: What broke the broadcast.
        gone: Set once it has left.
    """

    connection: StreamConnection
    cursor: int
    left: Left | None = None
    error: Exception | None = None
    gone: anyio.Event = field(default_factory=anyio.Event)

    def leave(self, why: Left, error: Exception | None = None) -> None:
        """It will be told nothing more here."""
        if self.left is None:
            self.left, self.error = why, error
            self.gone.set()


class Broadcast:
    """One run's.

    Args:
        run_id: The run.
        after: Number of the event behind which it begins.
        frames: Writes events out.
    """

    def __init__(self, run_id: str, after: int, frames: EventFrames) -> None:
        self.run_id = run_id
        self.cursor = after
        self.listeners: set[Listener] = set()
        self.scope = anyio.CancelScope()
        self._frames = frames

    def tell(self, events: Sequence[RunEvent]) -> int:
        """Write consecutive events to all who listen.

        Args:
            events: They come right behind the broadcast's cursor, which moves on.

        Returns:
            How many were written, each counted for everyone it was written to.
        """
        first, last = events[0].seq, events[-1].seq
        self.cursor = last
        piece = chunk(self._frames.of(events))
        is_over = isinstance(events[-1].body, LastEvent)
        written = 0
        for listener in tuple(self.listeners):
            if listener.cursor >= last:
                continue
            new = last - listener.cursor
            own = piece if listener.cursor == first - 1 else chunk(self._frames.of(events[-new:]))
            if not listener.connection.write(own):
                self._leave(listener, "fell_behind")
                continue
            listener.cursor = last
            written += new
            if is_over:
                self._leave(listener, "told_all")
        return written

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will be told."""
        for listener in tuple(self.listeners):
            self._leave(listener, "run_ended", error)

    def _leave(self, listener: Listener, why: Left, error: Exception | None = None) -> None:
        self.listeners.discard(listener)
        listener.leave(why, error)


class Broadcasts:
    """All broadcasts of a server.

    Args:
        engine: Tells the events.
        frames: Writes them out.
        metrics: Counts what is sent.
    """

    def __init__(self, engine: Engine, frames: EventFrames, metrics: Metrics) -> None:
        self._engine = engine
        self._frames = frames
        self._metrics = metrics
        self._by_run: dict[str, Broadcast] = {}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """While this is open there are broadcasts."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                tasks.cancel_scope.cancel()

    def has_place_for(self, connection: StreamConnection, run_id: str, cursor: int) -> bool:
        """Whether a stream can listen: it has all that the run's broadcast, if there is one, has told."""
        if self._tasks is None or not connection.has_outlet:
            return False
        known = self._by_run.get(run_id)
        return known is None or known.cursor <= cursor

    async def listen(self, connection: StreamConnection, run_id: str, cursor: int) -> tuple[int, Left]:
        """Have a run's events written to a stream there is a place for, for as long as its client reads.

        Args:
            connection: The stream.
            run_id: The run.
            cursor: Number of the last event it has.

        Returns:
            Number of the last event it has then, and why it left.

        Raises:
            workflows.runs.errors.RunError: The log cannot be read.
        """
        broadcast = self._of(run_id, cursor)
        listener = Listener(connection, cursor)
        broadcast.listeners.add(listener)
        try:
            await listener.gone.wait()
        finally:
            broadcast.listeners.discard(listener)
            if not broadcast.listeners:
                self._close(broadcast)
        if listener.error is not None:
            raise listener.error
        assert listener.left is not None
        return listener.cursor, listener.left

    def _of(self, run_id: str, cursor: int) -> Broadcast:
        known = self._by_run.get(run_id)
        if known is not None:
            return known
        assert self._tasks is not None
        made = self._by_run[run_id] = Broadcast(run_id, cursor, self._frames)
        self._tasks.start_soon(self._keep_telling, made, name=f"broadcast of run {run_id}")
        return made

    async def _keep_telling(self, broadcast: Broadcast) -> None:
        with broadcast.scope:
            try:
                async with aclosing(self._engine.follow(broadcast.run_id, broadcast.cursor)) as batches:
                    async for events in batches:
                        self._metrics.events_sent("sse", broadcast.tell(events))
            except Exception as error:  # noqa: BLE001 - whatever it is: every listener raises it where it is answered
                broadcast.end(error)
        self._close(broadcast)

    def _close(self, broadcast: Broadcast) -> None:
        if self._by_run.get(broadcast.run_id) is broadcast:
            del self._by_run[broadcast.run_id]
        broadcast.scope.cancel()
        broadcast.end()
