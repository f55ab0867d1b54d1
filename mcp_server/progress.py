"""Progress of one call: follows a run's log and sends lines, rising, paced, and none after the call's result."""

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import anyio

from mcp_server.progress_lines import Line, ProgressLines, Weight, weigh
from workflows.runs.engine import Engine
from workflows.runs.event_json import to_json_object
from workflows.runs.events import GateOpened, Json, RunEvent, WorkflowStarted
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
LEAD_SECONDS = 0.025
"""How long before a call's answer its last line leaves.

Clients on the MCP SDK for TypeScript, Claude Code among them, take up an answer as soon as it is read, and a
notification one turn of their loop later: a line that is read in one piece with the answer is a line for an unknown
token to them, and an error of the connection.
"""
_RECALLED = 300
"""How many events before a call are looked at for what its first lines need: open tool calls, live texts."""


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
        send: Where the lines go; None if nobody wants to hear any, who then waits for none.
        workspace: Directory to which paths are shown relative.
        clock: Seconds that only rise.
    """

    def __init__(
        self,
        log: EventLog,
        engine: Engine,
        send: SendProgress | None,
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
        self._run: Run | None = None
        self._after = 0
        self._progress = 0.0
        self._last: Line | None = None
        self._last_sent = -LEAST_INTERVAL

    async def begin(self, run: Run, after: int, introduction: str = "") -> None:
        """Say the call's first line: that the run has started, or the newest line of one that was there before.

        Args:
            run: The run.
            after: Number of the last event that is not reported any more: 0, or where the run was before the call.
            introduction: Words before the first line.
        """
        self._run = run
        self._after = after
        until = after or 1
        first = max(0, until - _RECALLED)
        if first:  # of a long run only the newest events are looked at; the row knows the rest
            self._lines.begin_in_the_middle(run, await self._stages(run))
        newest: list[RunEvent] = []  # the newest event that has a line, and what came after it
        for event in await self._log.read(run.run_id, first, until - first):
            if weigh(event.body) is not Weight.COVERED:
                self._lines.recall(newest)
                newest.clear()
            newest.append(event)
            self._after = event.seq
        for event in newest:
            self._lines.take(event)
        if introduction:
            self._lines.introduce(introduction)
        if len(self._lines):
            await self._say_next()

    async def follow(self, *, until: float = math.inf) -> None:
        """Report the run from where it was reported last: until its end, until it asks a person, or until cancelled.

        Args:
            until: When to stop in any case, by the event loop's clock.
        """
        assert self._run is not None, "begin comes first"
        self._ended = False
        with anyio.CancelScope(deadline=until):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, self._run)
                await self._report()
                tasks.cancel_scope.cancel()

    async def play(self, batches: AsyncGenerator[Sequence[RunEvent], None], introduction: str) -> None:
        """Report events that come from elsewhere than the log of a run that is under way.

        Args:
            batches: The events, in order.
            introduction: Words before the first line.
        """

        async def read() -> None:
            async with aclosing(batches):
                async for events in batches:
                    for event in events:
                        self._lines.take(event)
                        if event.seq == 1:
                            self._lines.introduce(introduction)
                    self._wake()
            self._ended = True
            self._wake()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await self._report()
            tasks.cancel_scope.cancel()

    async def remind(self) -> None:
        """Say the newest line again whenever it has been quiet for long; for as long as a person is asked."""
        while True:
            await anyio.sleep(LONGEST_SILENCE)
            await self._say_again()

    async def close(self) -> None:
        """Say the newest thing there is to say, if it was not said yet; nothing may be sent after this."""
        if len(self._lines):
            self._lines.skip_to_last()
            await self._say_next()
        if self._send is not None:
            await anyio.sleep(max(0.0, self._last_sent + LEAD_SECONDS - self._clock()))

    async def _stages(self, run: Run) -> tuple[str, ...]:
        for event in await self._log.read(run.run_id, 0, 1):
            if isinstance(event.body, WorkflowStarted):
                return tuple(stage.name for stage in event.body.stages)
        return ()

    async def _read(self, run: Run) -> None:
        async with aclosing(self._engine.follow(run.run_id, self._after)) as batches:
            async for events in batches:
                for event in events:
                    self._lines.take(event)
                    self._after = event.seq
                self._wake()
                if any(isinstance(event.body, GateOpened) for event in events):
                    break
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
        if silence.cancelled_caught:
            await self._say_again()

    async def _say_again(self) -> None:
        if self._last is not None and self._send is not None:
            await self._say(self._last, self._send)

    async def _drain(self) -> None:
        deadline = self._clock() + DRAIN_SECONDS
        while len(self._lines) > 1 and self._clock() < deadline:
            await self._say_next()
        await self.close()

    async def _say_next(self) -> None:
        if self._send is None:
            self._lines.skip_to_last()
            self._lines.pop()
            return
        await anyio.sleep(max(0.0, self._last_sent + LEAST_INTERVAL - self._clock()))
        line = self._lines.pop()
        try:
            await self._say(line, self._send)
        except anyio.get_cancelled_exc_class():
            self._lines.put_back(line)  # it may not have been taken, and what was told has no gap
            raise

    async def _say(self, line: Line, send: SendProgress) -> None:
        self._last = line
        self._progress = self._risen(line.event.progress)
        self._last_sent = self._clock()
        event = {**to_json_object(line.event), "first_seq": line.first_seq, "last_seq": line.event.seq}
        await send(ProgressFrame(self._progress, line.text, event))
        self._last_sent = self._clock()  # a wire with much to carry may have held it for a while

    def _risen(self, progress: float) -> float:
        if progress >= 100:
            return 100.0
        return max(min(progress, _HIGHEST), self._progress + (100 - self._progress) * _SMALLEST_RISE)
