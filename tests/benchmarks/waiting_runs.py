"""How much memory a run needs that waits inside its agent, with everything around it: call, progress, watcher, graph.

All runs are calls of one client; the server's private memory is read when some of them wait, and again when many do.
"""

import tempfile

from tests.benchmarks.row import Row
from tests.benchmarks.stdio_process import StdioProcess, own_command

FIRST = 10
"""Runs that wait already: what the first ones bring along for all is not counted."""
MORE = 50
MOST_KILOBYTES = 400


def _wait(server: StdioProcess, runs: range) -> float:
    """Have runs wait; the server's memory then, in MB."""
    for number in runs:
        server.call("wait", text=f"run {number}")
    working: set[str] = set()
    for call, event in server.progress():
        if event["type"] == "agent_event":
            working.add(call)
        if len(working) == len(runs):
            return server.megabytes()
    raise RuntimeError("the server has ended")


def _kilobytes_per_run(first: int, more: int) -> float:
    settings = {"AGENT_WORKFLOWS_MAX_RUNS": str(first + more)}
    with (
        tempfile.TemporaryDirectory() as directory,
        StdioProcess(own_command("WAIT"), directory, settings=settings) as server,
    ):
        server.discover()
        before = _wait(server, range(first))
        return (_wait(server, range(first, first + more)) - before) * 1000 / more


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    more = 5 if small else MORE
    size = _kilobytes_per_run(1 if small else FIRST, more)
    return [
        Row(
            name=f"private memory per waiting run ({more} more)",
            figure=f"{size:.0f} kB",
            target=f"<= {MOST_KILOBYTES} kB",
            reached=size <= MOST_KILOBYTES,
        )
    ]
