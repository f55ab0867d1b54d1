"""How soon a client that has called a workflow reads the first line of progress."""

import tempfile
import time
from statistics import median

from tests.benchmarks.row import Row
from tests.benchmarks.stdio_process import StdioProcess, own_command

CALLS = 20
MOST_MILLISECONDS = 100


def _first_line(server: StdioProcess, text: str) -> float:
    began = time.perf_counter()
    call = server.call("echo", text=text)  # another text each time: the same one would join its run
    next(server.progress())
    milliseconds = (time.perf_counter() - began) * 1000
    server.answer(call)
    return milliseconds


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    with tempfile.TemporaryDirectory() as directory, StdioProcess(own_command("ECHO"), directory) as server:
        server.discover()
        cold, *warm = (_first_line(server, f"call {number}") for number in range(1 + (1 if small else CALLS)))
    return [
        Row(
            name="call to first progress line, warm",
            figure=f"p50 {median(warm):.1f} ms, longest of {len(warm)} {max(warm):.1f} ms",
            target=f"<= {MOST_MILLISECONDS} ms",
            reached=max(warm) <= MOST_MILLISECONDS,
        ),
        Row(name="call to first progress line, first call of a server", figure=f"{cold:.1f} ms"),
    ]
