"""The live view at one moment of a run, as an SVG picture, for example for a README.

    agent-workflows demo --json | python -m mcp_server.terminal.recording > docs/live-view.svg

An argument names the run's workspace, so that paths are shown relative to it.
"""

import io
import re
import sys
from collections.abc import Iterable
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.segment import Segments
from rich.text import Text

from mcp_server.terminal.live_region import draw_region
from mcp_server.terminal.run_picture import RunPicture
from mcp_server.terminal.transcript import Transcript
from workflows.runs.event_json import decode
from workflows.runs.events import RunEvent, ToolStart

_WIDTH = 100
_HEIGHT = 44
_FONT_FROM_OUTSIDE = re.compile(r"\s*@font-face\s*\{.*?\}", re.DOTALL)
"""A picture must not make its reader's browser ask somebody else for something."""
_MOMENT = 60.0
"""Percent from which on the next tool call is the moment that is shown."""


def record(events: Iterable[RunEvent], *, workspace: str = "") -> str:
    """The live view as it was when a tool was at work in the middle of the run, else as it was at the end.

    Args:
        events: The events of a real run, from its first one on.
        workspace: The run's directory.

    Returns:
        An SVG document.
    """
    now = 0.0
    picture = RunPicture(lambda: now, workspace)
    transcript = Transcript(picture)
    shown: list[RenderableType] = []
    for event in events:
        now = datetime.fromisoformat(event.time).timestamp()
        shown += transcript.entries(event, picture.take(event))
        if event.progress >= _MOMENT and isinstance(event.body, ToolStart):
            break
    console = Console(file=io.StringIO(), record=True, width=_WIDTH, height=_HEIGHT, force_terminal=True)
    if not picture.ended:
        region = draw_region(picture, console, width=_WIDTH - 1, height=_HEIGHT // 2, now=now)
        shown.append(Text("\n").join(region))
    lines = console.render_lines(Group(*shown), pad=False, new_lines=True)
    console.print(Segments([segment for line in lines[-_HEIGHT:] for segment in line]), end="")
    return _FONT_FROM_OUTSIDE.sub("", console.export_svg(title="agent-workflows demo"))


if __name__ == "__main__":
    read = (decode(line) for line in sys.stdin if line.startswith("{"))
    sys.stdout.write(record(read, workspace=sys.argv[1] if len(sys.argv) > 1 else ""))
