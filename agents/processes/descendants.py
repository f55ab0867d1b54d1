"""Everything that descends from a child process, and its end.

Two ways lead to a descendant. The process tree has it as long as its parents live; the marker in its environment
(`AGENT_WORKFLOWS_CHILD`) has it also when it was re-parented, started its own session, or left its process group.
Out of reach of both is only what got a clean environment *and* lost its parents before anybody looked.

Everything here blocks (it reads the process table): call it in a thread.
"""

import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from agents.processes.environment import CHILD_VARIABLE
from agents.processes.watchdog import environment_of

KILL_SECONDS = 1.0
"""How long processes are given to be gone after SIGKILL. Only one that hangs in the kernel needs longer."""

_LOOK_AGAIN_SECONDS = 0.01


def identity_of(pid: int) -> psutil.Process | None:
    """The process that has this number now, known by its start time from then on; None if there is none.

    Does not block.
    """
    with suppress(psutil.Error):
        return psutil.Process(pid)
    return None


def tree_below(process: psutil.Process | None) -> list[psutil.Process]:
    """The descendants of a process as the process table has them now, without itself.

    Args:
        process: As `identity_of` gave it.

    Returns:
        Its descendants; none if it is gone, also where its number now belongs to another process.
    """
    if process is None:
        return []
    with suppress(psutil.Error):
        return process.children(recursive=True)
    return []


@dataclass(slots=True)
class Carriers:
    """The processes that carry a marker in their environment, the marked child itself included.

    Linux shows every process of the same user. macOS and Windows show what their rules allow; the tree covers the rest.

    Attributes:
        found: The processes.
        is_all: False if there may be more: a process that is just being replaced by another program (`exec`) shows no
            environment for a moment.
    """

    found: list[psutil.Process]
    is_all: bool

    @classmethod
    def of(cls, marker: str) -> "Carriers":
        """Look for them once."""
        carriers = cls([], is_all=True)
        for pid in psutil.pids():
            with suppress(psutil.Error, OSError):  # it has just ended, or belongs to somebody else
                markers = _markers_of(pid)
                if markers is None:
                    carriers.is_all = False
                elif marker in markers:
                    process = psutil.Process(pid)
                    if marker in (_markers_of(pid) or ()):  # again: in between the number can have changed hands
                        carriers.found.append(process)
                    else:
                        carriers.is_all = False
        return carriers


def kill_all(known: Iterable[psutil.Process], marker: str) -> list[psutil.Process]:
    """Kill processes, and whatever carries the marker, until none is left.

    It looks again after each round: what was killed may have started something in between.

    Args:
        known: Found earlier; one whose number now belongs to another process is left alone.
        marker: Of the child whose descendants are meant.

    Returns:
        What still runs after `KILL_SECONDS`: normally nothing.
    """
    known = tuple(known)
    give_up = time.monotonic() + KILL_SECONDS
    while True:
        carriers = Carriers.of(marker)
        alive = [process for process in {*known, *carriers.found} if _is_alive(process)]
        if (carriers.is_all and not alive) or time.monotonic() >= give_up:
            return alive
        for process in alive:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(_LOOK_AGAIN_SECONDS)


def _markers_of(pid: int) -> list[str] | None:
    """The markers in a process's environment; None if that cannot be seen just now."""
    if sys.platform == "linux":  # several times faster than psutil, which decodes the whole environment
        prefix = f"{CHILD_VARIABLE}=".encode()
        environment = environment_of(pid)
        if environment is None:
            return None
        if prefix not in environment:
            return []
        entries = environment.split(b"\0")
        found = next((entry.removeprefix(prefix) for entry in entries if entry.startswith(prefix)), b"")
        value = found.decode(errors="replace")  # anybody may have set it to anything
    else:
        value = psutil.Process(pid).environ().get(CHILD_VARIABLE, "")
    return value.split("/")


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
