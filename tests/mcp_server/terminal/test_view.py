import io
import subprocess
import sys
from typing import TextIO

import pytest

from mcp_server.terminal.json_view import JsonView
from mcp_server.terminal.live_view import LiveView
from mcp_server.terminal.plain_view import PlainView
from mcp_server.terminal.view import View, choose_view


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "json", "term", "kind"),
    [
        (Terminal(), False, "xterm-256color", LiveView),
        (Terminal(), False, "dumb", PlainView),
        (Terminal(), False, "", PlainView),
        (Terminal("ascii"), False, "xterm", PlainView),
        (Terminal(), True, "xterm", JsonView),
        (io.StringIO(), False, "xterm", PlainView),
        (io.StringIO(), True, "xterm", JsonView),
    ],
)
def test_the_view_fits_the_stream(stream: TextIO, json: bool, term: str, kind: type[View]) -> None:  # noqa: FBT001 - given by pytest
    assert type(choose_view(stream, json=json, environ={"TERM": term})) is kind


@pytest.mark.skipif(sys.platform == "win32", reason="TERM means nothing there")
def test_a_terminal_that_does_not_say_what_it_is_gets_plain_lines() -> None:
    assert isinstance(choose_view(Terminal(), json=False, environ={}), PlainView)


def test_a_pipe_needs_no_terminal_library() -> None:
    script = (
        "import io, sys; from mcp_server.terminal.view import choose_view; import mcp_server.terminal.results;"
        "choose_view(io.StringIO(), json=False); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout.strip() == "False"
