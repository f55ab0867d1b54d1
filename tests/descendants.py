"""What is left of a child process: looked up by what every descendant inherits, its environment."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from agents.processes.environment import CHILD_VARIABLE, RUN_VARIABLE


def processes_with_marker(marker: str) -> list[int]:
    """Numbers of the living processes that carry a marker.

    Args:
        marker: A run id, or the marker of one child.
    """
    return [pid for pid in psutil.pids() if marker in _markers_of(pid)]


def kill_left_over(marker: str) -> list[int]:
    """Kill what carries a marker, so that a test that fails leaves nothing to the next one.

    Returns:
        What there was.
    """
    left_over = processes_with_marker(marker)
    for pid in left_over:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left_over


def _markers_of(pid: int) -> set[str]:
    with suppress(OSError):  # it has just ended
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        variables = dict(entry.split("=", 1) for entry in entries if "=" in entry)
        return {variables.get(RUN_VARIABLE, ""), *variables.get(CHILD_VARIABLE, "").split("/")}
    return set()
