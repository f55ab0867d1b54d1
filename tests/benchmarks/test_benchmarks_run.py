"""That each benchmark still runs, in its smallest form; what it measures is nobody's business here."""

import importlib
import subprocess
import sys

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.machine import machine
from tests.benchmarks.row import Row, table
from tests.fakes.claude_home import require_claude

SLOW_TO_START = {"server_start", "emit", "sse_watchers", "ends", "coming_back", "waiting_runs", "http_first_event"}
"""They start many servers, or the real CLI: `make bench` is soon enough to see that they run."""


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in SLOW_TO_START])
def test_each_benchmark_gives_its_figures(name: str) -> None:
    rows: list[Row] = importlib.import_module(f"tests.benchmarks.{name}").measure(small=True)

    assert rows
    assert all(row.name and row.figure for row in rows)
    assert all((row.reached is None) == (not row.target) for row in rows)
    assert any(row.target for row in rows)


def test_a_missed_target_stands_out_in_the_table() -> None:
    rows = [
        Row(name="a", figure="1 s", target="<= 2 s", reached=True),
        Row(name="b", figure="3 s", target="<= 2 s", reached=False),
        Row(name="c", figure="4 s"),
    ]

    assert table(rows).splitlines()[2:] == [
        "| a | 1 s | <= 2 s | yes |",
        "| b | 3 s | <= 2 s | **no** |",
        "| c | 4 s |  |  |",
    ]


def test_the_machine_is_told_with_its_versions() -> None:
    require_claude()

    assert all(word in machine() for word in ("cores", "GiB", "mcp ", "langgraph ", "`claude` 2."))


def test_a_benchmark_there_is_not_is_refused_with_the_names_there_are() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "speed"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30)

    assert done.returncode == 2
    assert "no benchmark speed; there is server_start" in done.stderr
