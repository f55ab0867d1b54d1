"""How soon a client that has called a workflow reads the first line of progress."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import anyio

from tests.benchmarks.row import Row
from tests.benchmarks.stdio_process import offered
from tests.system.place import Place
from tests.system.wire import WireClient

CALLS = 20
MOST_SECONDS = 0.1


async def _first_line(client: WireClient, text: str) -> float:
    call = await client.call("echo", {"text": text})  # another text each time: the same one would join its run
    await client.answer(call)
    return client.lines(call)[0].at - client.sent_at(call)


async def _calls(count: int) -> list[float]:
    with tempfile.TemporaryDirectory() as directory:
        place = Place.below(Path(directory))
        async with place.server(*offered("ECHO"), measured=False) as client:
            await client.open()
            return [await _first_line(client, f"call {number}") for number in range(count + 1)]


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    cold, *warm = anyio.run(_calls, 1 if small else CALLS)
    return [
        Row(
            name="call to first progress line, warm",
            figure=f"p50 {_ms([median(warm)])}, longest of {len(warm)} {_ms(warm)}",
            target=f"<= {MOST_SECONDS * 1000:g} ms",
            reached=max(warm) <= MOST_SECONDS,
        ),
        Row(name="call to first progress line, first call of a server", figure=_ms([cold])),
    ]


def _ms(seconds: Sequence[float]) -> str:
    return f"{max(seconds) * 1000:.1f} ms"
