"""Events as frames of an SSE stream. Many watch the same run: each event is written out once for all of them."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from workflows.runs.event_json import encode
from workflows.runs.event_text import EventText
from workflows.runs.events import RunEvent

CACHED_BYTES = 1024 * 1024
"""How much of what was written out last is kept for whoever is a little later."""
LARGEST_CACHED_BATCH = 100
"""A watcher that reads more at once reads history, which nobody else is likely to read at the same moment."""
HISTORY_PIECE = 500
"""Events of history that are written out before others get a turn: about 1 ms of work."""


_END = b"\n\n"


def frame(event: RunEvent) -> bytes:
    """One event: `id` is its number, `event` its type, `data` the JSON object that is also in the log, in one line."""
    return _head(event) + encode(event) + _END


def _head(event: RunEvent) -> bytes:
    return b"id: %d\nevent: %s\ndata: " % (event.seq, event.type.encode())


class EventFrames:
    """Writes events out, and keeps the newest."""

    def __init__(self) -> None:
        self._frames: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0

    @staticmethod
    def of_texts(texts: Sequence[EventText]) -> bytes:
        """Consecutive events as they are kept, as they go over the wire."""
        return b"".join([b"id: %d\nevent: %s\ndata: %b\n\n" % (one.seq, one.type.encode(), one.json) for one in texts])

    def of(self, events: Sequence[RunEvent]) -> bytes:
        """Consecutive events of a run, as they go over the wire."""
        return b"".join([self._cached(event) for event in events])

    def pieces(self, events: Sequence[RunEvent]) -> Iterator[bytes]:
        """As `of`, for any number of events: each piece is small enough to be made between two turns of others."""
        if len(events) <= LARGEST_CACHED_BATCH:
            yield self.of(events)
            return
        for start in range(0, len(events), LARGEST_CACHED_BATCH):
            yield b"".join(map(frame, events[start : start + LARGEST_CACHED_BATCH]))

    def objects(self, events: Sequence[RunEvent]) -> Iterator[bytes]:
        """Each event as it stands in its frame: a JSON object."""
        if len(events) > LARGEST_CACHED_BATCH:
            return map(encode, events)
        return (self._cached(event)[len(_head(event)) : -len(_END)] for event in events)

    def _cached(self, event: RunEvent) -> bytes:
        key = event.run_id, event.seq
        known = self._frames.get(key)
        if known is not None:
            return known
        made = self._frames[key] = frame(event)
        self._bytes += len(made)
        while self._bytes > CACHED_BYTES:
            _, oldest = self._frames.popitem(last=False)
            self._bytes -= len(oldest)
        return made
