"""A run live in a terminal: a transcript that scrolls up, and below it a few lines that show how it stands now.

The region is drawn by one thread and by `show`, never by both at once, and never more often than people can see.
Rich's own `Live` is not used: when the terminal becomes narrower it leaves pieces of the old region behind.
"""

import time
from collections.abc import Callable
from math import ceil
from threading import Event, RLock, Thread
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from mcp_server.terminal.live_region import FRAMES_PER_SECOND, WIDEST, draw_region
from mcp_server.terminal.run_picture import RunPicture
from mcp_server.terminal.transcript import Transcript
from workflows.runs.events import RunEvent
from workflows.runs.plain_text import plain_text

_JOIN_SECONDS = 1.0


class LiveView:
    """Shows a run live.

    Args:
        console: The terminal.
        workspace: The run's directory; paths below it are shown relative to it.
        clock: Seconds that only rise.
        animate: Whether a thread redraws the region while nothing happens.
    """

    def __init__(
        self,
        console: Console,
        *,
        workspace: str = "",
        clock: Callable[[], float] = time.monotonic,
        animate: bool = True,
    ) -> None:
        self._console = console
        self._clock = clock
        self._picture = RunPicture(clock, workspace)
        self._transcript = Transcript(self._picture)
        self._lock = RLock()
        self._drawn: list[int] = []
        self._over = Event()
        self._thread = Thread(target=self._animate, name="live view", daemon=True) if animate else None

    @classmethod
    def on(cls, stream: TextIO, *, workspace: str = "") -> "LiveView":
        """On a terminal."""
        return cls(Console(file=stream, highlight=False, markup=False, emoji=False), workspace=workspace)

    def __enter__(self) -> Self:
        self._console.show_cursor(show=False)
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        try:
            if self._thread is not None:
                self._thread.join(_JOIN_SECONDS)
            with self._lock, self._console:
                self._erase()
        finally:
            self._console.show_cursor(show=True)

    def show(self, event: RunEvent) -> None:
        """Take in the event; what it adds to the transcript is printed at once, the region follows soon."""
        with self._lock:
            finished = self._picture.take(event)
            entries = self._transcript.entries(event, finished)
            if entries:
                self._print(*entries)

    def note(self, text: str) -> None:
        """Print the text into the transcript."""
        with self._lock:
            self._print(Text(plain_text(text), style="yellow"))

    def refresh(self) -> None:
        """Draw the region anew."""
        with self._lock:
            self._print()

    def _print(self, *entries: RenderableType) -> None:
        with self._console:  # one write for all of it
            self._erase()
            for entry in entries:
                self._console.print(entry)
            if self._picture.standing.run_id and not self._picture.ended and not self._over.is_set():
                self._draw()

    def _draw(self) -> None:
        size = self._console.size
        width = max(1, min(size.width - 1, WIDEST))  # never the last column: terminals wrap there in different ways
        lines = draw_region(
            self._picture, self._console, width=width, height=max(1, size.height - 2), now=self._clock()
        )
        self._console.print(Text("\n").join(lines), end="", no_wrap=True, overflow="ignore", crop=False)
        self._drawn = [line.cell_len for line in lines]

    def _erase(self) -> None:
        """Remove the region; a terminal that was made narrower has wrapped its lines meanwhile."""
        if not self._drawn:
            return
        width = max(1, self._console.size.width)
        rows = sum(max(1, ceil(cells / width)) for cells in self._drawn)
        up = [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * (rows - 1)
        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *up))
        self._drawn = []

    def _animate(self) -> None:
        while not self._over.wait(1 / FRAMES_PER_SECOND):
            try:
                self.refresh()
            except (OSError, ValueError):  # the terminal is gone; `show` says so to whoever waits for the run
                return
