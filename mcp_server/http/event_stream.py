"""A run's events over Server-Sent Events: history, then live, without gap or repeat.

Each watcher reads the log with a cursor of its own, and holds nothing but what it is sending. Once it is up to date it
listens to the run's broadcast instead, for as long as its client reads. One that does not read fills its connection's
buffer and then waits, alone; after a while it is let go, and finds the rest when it comes back.

The stream ends after the run's last event. Where it ends earlier, a last frame of the type `stream_end`, which has no
`id`, says why. A client that comes back to a run that has told it everything gets 204: that ends the reconnecting of an
`EventSource`.
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Literal, TypeAlias

import anyio
import anyio.lowlevel
import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mcp_server.http.broadcast import Broadcasts
from mcp_server.http.closing import Closing
from mcp_server.http.connection import ABORT
from mcp_server.http.event_frames import HISTORY_PIECE, LARGEST_CACHED_BATCH, EventFrames
from mcp_server.http.limits import OpenStreams
from mcp_server.http.metrics import Metrics
from mcp_server.http.patience import Patience
from mcp_server.http.presence import until_gone
from mcp_server.http.stream_connection import StreamConnection
from workflows.runs.engine import Engine
from workflows.runs.errors import RunError
from workflows.runs.events import LAST_TYPES, LastEvent
from workflows.runs.log import EventLog

logger = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
RETRY_MILLISECONDS = 1000
"""After how long a client that lost the stream should come back."""
LARGEST_SEQ = 2**53
"""The largest whole number every JSON reader keeps."""

CaughtUp: TypeAlias = Literal["told_all", "up_to_date", "run_ended"]
"""How a stream stands: it has had the run's last event, the rest is still to come, or nothing more will."""
EndReason: TypeAlias = Literal["run_interrupted", "server_closing", "log_unavailable"]

HEADERS: Mapping[str, str] = {
    "cache-control": "no-store, no-transform",
    "content-type": f"{MEDIA_TYPE}; charset=utf-8",
    "x-accel-buffering": "no",
}
"""What keeps proxies from storing, compressing or holding back a stream."""


@dataclass(frozen=True, slots=True)
class EventStreams:
    """What all streams share.

    Attributes:
        engine: Tells the events.
        log: Tells how the runs stand.
        open: Counts the streams.
        closing: Tells when the server ends.
        metrics: Counts what is sent.
        patience: How long to wait.
        frames: Writes events out.
        broadcasts: Tell who is up to date what happens.
    """

    engine: Engine
    log: EventLog
    open: OpenStreams
    closing: Closing
    metrics: Metrics
    patience: Patience
    frames: EventFrames
    broadcasts: Broadcasts


class EventStream(Response):
    """The answer that is a run's stream.

    Args:
        streams: What all streams share.
        run_id: A run the client may see.
        owner: Whose.
        after: Number of the event behind which it begins.
        headers: Further headers.
        place: Its place among the open streams, where it has one already; given back at its end.
    """

    def __init__(
        self,
        streams: EventStreams,
        run_id: str,
        owner: str,
        after: int,
        headers: Mapping[str, str] | None = None,
        *,
        place: AbstractContextManager[object] | None = None,
    ) -> None:
        super().__init__(status_code=200, headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._streams = streams
        self._run_id = run_id
        self._place = streams.open.one_more(owner) if place is None else place
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until it ends, the client goes or the server ends."""
        with self._place:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body"})
                return
            connection = StreamConnection(scope, send, self._streams.patience)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(until_gone, receive, tasks.cancel_scope)
                    tasks.start_soon(connection.attend)
                    await self._tell(connection)
                    await connection.finish()
                    tasks.cancel_scope.cancel()
            except* TimeoutError:
                logger.warning("a watcher of run %s did not read for long, and is let go", self._run_id)
                scope["extensions"][ABORT]()  # what it did not read would otherwise be kept for it

    async def _tell(self, connection: StreamConnection) -> None:
        await connection.send(b"retry: %d\n\n" % RETRY_MILLISECONDS)
        reason: EndReason = "run_interrupted"
        try:
            if await self._tell_events(connection):
                return
        except RunError as error:
            logger.warning("the stream of run %s ends: %s", self._run_id, error.message)
            reason = "log_unavailable"
        if self._streams.closing.begun:
            reason = "server_closing"
        await connection.send(_stream_end(self._run_id, reason))

    async def _tell_events(self, connection: StreamConnection) -> bool:
        """Send all there are and will be; False if they end without the run's last one."""
        cursor, is_over = await self._tell_history(connection)
        if is_over:
            return True
        while True:
            cursor, caught_up = await self._catch_up(connection, cursor)
            if caught_up != "up_to_date":
                return caught_up == "told_all"
            cursor, left = await self._streams.broadcasts.listen(connection, self._run_id, cursor)
            if left != "fell_behind":
                return left == "told_all"

    async def _tell_history(self, connection: StreamConnection) -> tuple[int, bool]:
        """Send what lies far back as it is kept; with the number of the last one sent, and whether it is the run's."""
        cursor, streams = self._after, self._streams
        while len(texts := await streams.log.read_texts(self._run_id, cursor, HISTORY_PIECE)) > LARGEST_CACHED_BATCH:
            await connection.send(streams.frames.of_texts(texts))
            streams.metrics.events_sent("sse", len(texts))
            cursor = texts[-1].seq
            if texts[-1].type in LAST_TYPES:
                return cursor, True
        return cursor, False

    async def _catch_up(self, connection: StreamConnection, cursor: int) -> tuple[int, CaughtUp]:
        """Send what the log has until the run's broadcast has the rest; with the number of the last event sent."""
        streams = self._streams
        async with aclosing(streams.engine.follow(self._run_id, cursor)) as batches:
            async for events in batches:
                for piece in streams.frames.pieces(events):
                    await connection.send(piece)
                    await anyio.lowlevel.checkpoint()  # to send waits only for who does not read; others want a turn
                streams.metrics.events_sent("sse", len(events))
                cursor = events[-1].seq
                if isinstance(events[-1].body, LastEvent):
                    return cursor, "told_all"
                is_live = len(events) <= LARGEST_CACHED_BATCH
                if is_live and streams.broadcasts.has_place_for(connection, self._run_id, cursor):
                    return cursor, "up_to_date"
        return cursor, "run_ended"


def _stream_end(run_id: str, reason: EndReason) -> bytes:
    return b"event: stream_end\ndata: %s\n\n" % orjson.dumps({"run_id": run_id, "reason": reason})
