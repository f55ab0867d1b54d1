"""Progress of one call: follows a run's log and sends lines, rising, paced, and none after the call's result."""

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import anyio

from mcp_server.progress_lines import Line, ProgressLines, Weight, weigh
from workflows.runs.engine import Engine
from workflows.runs.event_json import to_json_object
from workflows.runs.events import Json, RunEvent
from workflows.runs.log import EventLog
from workflows.runs.run import Run

LEAST_INTERVAL = 0.1
"""Seconds between two lines: at most 10 a second."""
LONGEST_SILENCE = 8.0
"""Seconds after which the last line is said again if nothing else was; clients must hear something every 10 s."""
DRAIN_SECONDS = 1.0
"""How long lines that still wait may hold up a result."""
_SMALLEST_RISE = 1e-6
"""Part of what is left to 100 by which progress rises when nothing measurable was done."""
_HIGHEST = 99.9
_PAGE = 500
"""Events read at once."""


@dataclass(frozen=True, slots=True)
class ProgressFrame:
    """What goes over the wire.

    Attributes:
        progress: 0 to 100, higher than in the frame before.
        message: One line.
        event: The event's JSON object, with `first_seq` and `last_seq` of the events the line covers.
    """

    progress: float
    message: str
    event: Json


class SendProgress(Protocol):
    """Sends one frame; returns when the transport has taken it."""

    def __call__(self, frame: ProgressFrame) -> Awaitable[None]:
        """Send it."""
        ...


class ProgressReporter:
    """Reports one run to one call.

    Args:
        log: Where the run is kept.
        engine: Says when the run is over, in whichever way.
        send: Where the lines go.
        workspace: Directory to which paths are shown relative.
        clock: Seconds that only rise.
    """

    def __init__(
        self,
        log: EventLog,
        engine: Engine,
        send: SendProgress,
        workspace: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._engine = engine
        self._send = send
        self._clock = clock
        self._lines = ProgressLines(workspace)
        self._news = anyio.Event()
        self._ended = False
        self._progress = 0.0
        self._last: Line | None = None
        self._last_sent = -LEAST_INTERVAL

    async def follow(self, run: Run, after: int, seconds: float | None = None) -> None:
        """Report the run: at once where it stands, then on until its end, until the time is over, or until cancelled.

        Args:
            run: The run.
            after: Number of the last event that is not reported any more: 0, or where a joined run was.
            seconds: How long to report it; None: to its end.
        """
        begun = await self._begin(run, after)
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, run, begun)
                await self._report()
                tasks.cancel_scope.cancel()

    async def close(self) -> None:
        """Say the newest thing there is to say, if it was not said yet; nothing may be sent after this."""
        if len(self._lines):
            self._lines.skip_to_last()
            await self._say_next()

    async def _begin(self, run: Run, after: int) -> int:
        """Say the call's first line: that the run has started, or the newest line of a joined one.

        Returns:
            Number of the last event that was taken.
        """
        seen, until = 0, after or 1
        newest: list[RunEvent] = []  # the newest event that has a line, and what came after it
        while seen < until and (page := await self._log.read(run.run_id, seen, min(_PAGE, until - seen))):
            for event in page:
                if weigh(event.body) is not Weight.COVERED:
                    self._lines.recall(newest)
                    newest.clear()
                newest.append(event)
            seen = page[-1].seq
        for event in newest:
            self._lines.take(event)
        if after:
            self._lines.introduce(f"joined run {run.run_id} · ")
        if len(self._lines):
            await self._say_next()
        return seen

    async def _read(self, run: Run, after: int) -> None:
        async with aclosing(self._engine.follow(run.run_id, after)) as batches:
            async for events in batches:
                for event in events:
                    self._lines.take(event)
                self._wake()
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    async def _report(self) -> None:
        while not (self._ended and not len(self._lines)):
            if self._ended:
                await self._drain()
            elif len(self._lines):
                await self._say_next()
            else:
                await self._listen()

    async def _listen(self) -> None:
        news = self._news
        with anyio.move_on_after(LONGEST_SILENCE) as silence:
            await news.wait()
        if silence.cancelled_caught and self._last is not None:
            await self._say(self._last)

    async def _drain(self) -> None:
        deadline = self._clock() + DRAIN_SECONDS
        while len(self._lines) > 1 and self._clock() < deadline:
            await self._say_next()
        await self.close()

    async def _say_next(self) -> None:
        await anyio.sleep(max(0.0, self._last_sent + LEAST_INTERVAL - self._clock()))
        line = self._lines.pop()
        try:
            await self._say(line)
        except anyio.get_cancelled_exc_class():
            self._lines.put_back(line)  # it may not have been taken, and what was told has no gap
            raise

    async def _say(self, line: Line) -> None:
        self._last = line
        self._progress = self._risen(line.event.progress)
        self._last_sent = self._clock()
        event = {**to_json_object(line.event), "first_seq": line.first_seq, "last_seq": line.event.seq}
        await self._send(ProgressFrame(self._progress, line.text, event))

    def _risen(self, progress: float) -> float:
        if progress >= 100:
            return 100.0
        return max(min(progress, _HIGHEST), self._progress + (100 - self._progress) * _SMALLEST_RISE)
