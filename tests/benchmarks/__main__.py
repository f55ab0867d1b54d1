"""`python -m tests.benchmarks` measures everything and prints one Markdown table; names measure only these.

Each benchmark runs in a process of its own, one after the other, so that none is measured in what another has left
behind. What each one does is told at the top of its module.
"""

import argparse
import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import cast

import orjson

from tests.benchmarks.machine import machine
from tests.benchmarks.row import Row, table

BENCHMARKS = (
    "server_start",
    "cli_stream",
    "emit",
    "event_log",
    "first_progress",
    "ends",
    "coming_back",
    "waiting_runs",
    "progress_bar",
    "http_first_event",
    "sse_watchers",
    "sse_replay",
    "http_flood",
    "http_soak",
)
"""Modules of this package, in the order of the table."""
MOST_SECONDS = 300.0


def measured(name: str) -> list[Row]:
    """The rows of one benchmark, measured in this process."""
    module = importlib.import_module(f"tests.benchmarks.{name}")
    return cast("Callable[[], list[Row]]", module.measure)()


def _measured_apart(name: str) -> list[Row] | None:
    """As above, in a process of its own; None if it failed, and said why on standard error."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks", "--rows-of", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=MOST_SECONDS, check=False)
    _say(f"{name}: {time.perf_counter() - began:.0f} s")
    return None if done.returncode else [Row(**fields) for fields in orjson.loads(done.stdout)]


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the command's output


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure. The exit code is 1 if something could not be measured; a missed target stands out in the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure, beside others.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}; without one: all")
    parser.add_argument("--rows-of", choices=BENCHMARKS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.rows_of:
        sys.stdout.buffer.write(orjson.dumps([asdict(row) for row in measured(options.rows_of)]))
        return 0
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there is {', '.join(BENCHMARKS)}")
    head = machine()
    results = {name: _measured_apart(name) for name in options.names or BENCHMARKS}
    rows = [row for name, result in results.items() for row in result or [Row(name=name, figure="**not measured**")]]
    print(f"{head}\n\n{table(rows)}")  # noqa: T201 - the command's output
    return int(None in results.values())


if __name__ == "__main__":
    sys.exit(main())
