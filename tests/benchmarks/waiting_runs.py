"""How much memory a run needs that waits inside its agent, with everything around it: call, progress, watcher, graph.

All runs are calls of one client; the server's private memory is read when some of them wait, and again when many do.
"""

import tempfile
from pathlib import Path

import anyio

from tests.benchmarks.memory import private_bytes
from tests.benchmarks.row import Row
from tests.benchmarks.stdio_process import offered
from tests.system.place import Place
from tests.system.wire import WireClient

FIRST = 10
"""Runs that wait already: what the first ones bring along for all is not counted."""
MORE = 50
MOST_BYTES = 400_000


async def _wait(client: WireClient, runs: range) -> int:
    """Have runs wait; the server's memory then, in bytes."""
    calls = [await client.call("wait", {"text": f"run {number}"}) for number in runs]
    for call in calls:
        await client.progress(call, type="agent_event")
    return private_bytes(client.process.pid)


async def _per_run(first: int, more: int) -> float:
    with tempfile.TemporaryDirectory() as directory:
        place = Place.below(Path(directory), AGENT_WORKFLOWS_MAX_RUNS=str(first + more))
        async with place.server(*offered("WAIT"), measured=False) as client:
            await client.open()
            before = await _wait(client, range(first))
            return (await _wait(client, range(first, first + more)) - before) / more


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    more = 5 if small else MORE
    size = anyio.run(_per_run, 1 if small else FIRST, more)
    return [
        Row(
            name=f"memory per waiting run ({more} more)",
            figure=f"{size / 1000:.0f} kB",
            target=f"<= {MOST_BYTES / 1000:g} kB",
            reached=size <= MOST_BYTES,
        )
    ]
