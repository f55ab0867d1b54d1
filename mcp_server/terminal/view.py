"""The port every way of watching a run stands behind, and the choice between them."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self, TextIO

from mcp_server.terminal.json_view import JsonView
from mcp_server.terminal.plain_view import PlainView
from workflows.runs.events import RunEvent

_DUMB_TERMINALS = frozenset({"", "dumb", "unknown"})


class View(Protocol):
    """Shows one run while it works. Used as a context manager, which leaves the terminal as it was."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, whatever happened; what was shown of the past stays."""
        ...

    def show(self, event: RunEvent) -> None:
        """Show an event; to be called for every event of the run, in order.

        Raises:
            OSError: The stream is gone.
        """
        ...

    def note(self, text: str) -> None:
        """Tell the person something that is no event, for example that the run is being cancelled.

        Raises:
            OSError: The stream is gone.
        """
        ...


def choose_view(stream: TextIO, *, json: bool, workspace: str = "", environ: Mapping[str, str] | None = None) -> View:
    """The best view a stream can show.

    Args:
        stream: Where to.
        json: Whether a program reads it.
        workspace: The run's directory; paths below it are shown relative to it.
        environ: Environment variables; None for this process's own.
    """
    if json:
        return JsonView(stream)
    if not is_live_terminal(stream, os.environ if environ is None else environ):
        return PlainView(stream, workspace=workspace)
    from mcp_server.terminal.live_view import (
        LiveView,
    )  # here, because rich is slow to import and a pipe needs none of it

    return LiveView.on(stream, workspace=workspace)


def is_live_terminal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal that can move its cursor and show Unicode."""
    can_move = environ.get("TERM", "dumb" if os.name == "posix" else "windows").lower() not in _DUMB_TERMINALS
    knows_unicode = (stream.encoding or "").lower().replace("-", "").startswith("utf")
    return stream.isatty() and can_move and knows_unicode
