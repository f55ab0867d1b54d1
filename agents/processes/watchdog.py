"""Ends the children of a server that has died, however it died. A program of its own: standard library only.

One runs beside each server that has children, in its own session, and holds the reading end of a pipe whose writing
end only the server holds. The server says which children it has; when the pipe closes, the server is gone, and what is
left of its children is ended: SIGTERM to each child, which lets it take down its own commands; after a second SIGKILL
to whatever is left, to all of its descendants, and to all that carry its marker. Then their directories for temporary
files are removed.

Lines on standard input, fields separated by one blank:

    + <marker> <pid>    this child runs; a pid of 0: it is about to be started
    - <marker>          it has ended, and nothing of it is left
    > <directory>       this is for temporary files of children; the path's bytes as hexadecimal digits
    < <directory>       it is gone

A process is known by its number and its start time, so that a number which is given out again harms nobody.

Linux is the measured system. On macOS the same is done with `ps` (which shows the environment of the user's own
processes only). On Windows there is no way to ask politely, and `taskkill /T` ends each child with its tree; what has
left the tree is not found there.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MARKER_VARIABLE = "AGENT_WORKFLOWS_CHILD"
TERMINATE_SECONDS = 1.0
KILL_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.03
LOOK_AGAIN_AT_LEAST_SECONDS = 0.2
_LOOKS = 3
"""How often to look at a process that shows arguments and no environment: it may have got both in between."""


class Identity(NamedTuple):
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    started: str


class Entry(NamedTuple):
    """A row of the process table."""

    parent: int
    started: str


class Children:
    """What the server has said about its children."""

    def __init__(self) -> None:
        self.markers: set[str] = set()
        self._identities: dict[str, Identity] = {}
        self.directories: set[str] = set()

    def hear(self, line: str) -> None:
        """Take one line; one that is not as declared is ignored, for there is nobody to tell."""
        match line.split():
            case ["+", marker, pid] if pid.isdecimal():
                self.markers.add(marker)
                started = _start_time_of(int(pid))
                if started is not None:
                    self._identities[marker] = Identity(int(pid), started)
            case ["-", marker]:
                self.markers.discard(marker)
                self._identities.pop(marker, None)
            case [">" | "<" as sign, digits]:
                with suppress(ValueError):  # no path
                    directory = os.fsdecode(bytes.fromhex(digits))
                    (self.directories.add if sign == ">" else self.directories.discard)(directory)
            case _:
                pass

    @property
    def identities(self) -> set[Identity]:
        """The children that were seen running."""
        return set(self._identities.values())


def main() -> None:
    """Listen until the server is gone, then clean up behind it."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # whoever ends the server with these may reach this process too
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    children = Children()
    for line in sys.stdin.buffer:
        children.hear(line.decode(errors="replace"))
    if children.markers:
        _end_trees_on_windows(children) if sys.platform == "win32" else _end_all(children)
    for directory in children.directories:
        shutil.rmtree(directory, ignore_errors=True)


def _end_all(children: Children) -> None:
    table = process_table()
    family = Family(children.identities, children.markers)
    family.grow(table, children.identities)
    for child in _alive(table, children.identities):
        with suppress(OSError):  # it has just ended
            os.killpg(child.pid, signal.SIGTERM)  # it leads its group: a script may stand before the CLI itself
    terminate_until = time.monotonic() + TERMINATE_SECONDS
    pause = LOOK_AGAIN_SECONDS
    while family.left() is not None and time.monotonic() < terminate_until:
        time.sleep(pause)
        pause = min(2 * pause, LOOK_AGAIN_AT_LEAST_SECONDS)  # looking is work, and the machine may have little time
    kill_until = time.monotonic() + KILL_SECONDS
    while (left := family.left()) is not None and time.monotonic() < kill_until:
        for process in left:
            with suppress(OSError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(LOOK_AGAIN_SECONDS)


class Family:
    """Children and everything that descends from them, as far as it was ever seen."""

    def __init__(self, children: set[Identity], markers: set[str]) -> None:
        self._known = set(children)
        self._markers = markers

    def left(self) -> set[Identity] | None:
        """What is left now; None where certainly nothing is."""
        table = process_table()
        carriers, is_all = _carriers_of(self._markers, table)
        left = _alive(table, self._known) | carriers
        self.grow(table, left)
        return None if is_all and not left else left

    def grow(self, table: dict[int, Entry], ancestors: set[Identity]) -> None:
        """Remember what descends from processes: later the parents that lead to it may be gone."""
        self._known |= ancestors | _descendants_of(table, ancestors)


def _alive(table: dict[int, Entry], identities: set[Identity]) -> set[Identity]:
    """Those that are still the same process."""
    return {identity for identity in identities if _is_in(table, identity)}


def _is_in(table: dict[int, Entry], identity: Identity) -> bool:
    entry = table.get(identity.pid)
    return entry is not None and entry.started == identity.started


def _descendants_of(table: dict[int, Entry], ancestors: set[Identity]) -> set[Identity]:
    family = {identity.pid for identity in ancestors if _is_in(table, identity)}
    grown = True
    while grown:
        below = {pid for pid, entry in table.items() if entry.parent in family} - family
        family |= below
        grown = bool(below)
    return {Identity(pid, table[pid].started) for pid in family}


def _carriers_of(markers: set[str], table: dict[int, Entry]) -> tuple[set[Identity], bool]:
    """The processes that carry one of the markers, and whether these are certainly all."""
    carriers: set[Identity] = set()
    is_all = True
    for pid, value in _marked_processes():
        if value is None:
            is_all = False
        elif pid != os.getpid() and markers.intersection(value.split("/")):
            if pid in table:
                carriers.add(Identity(pid, table[pid].started))
            else:
                is_all = False  # it has just begun, or just ended
    return carriers, is_all


def _start_time_of(pid: int) -> str | None:
    if sys.platform == "win32":
        return "" if pid else None
    entry = process_table().get(pid)
    return entry.started if entry is not None and pid else None


def process_table() -> dict[int, Entry]:
    """All living processes by number; zombies are not alive."""
    if sys.platform == "linux":
        return dict(_rows_of_proc())
    return dict(rows_of_ps())


def _rows_of_proc() -> Iterator[tuple[int, Entry]]:
    for pid in _numbers_in_proc():
        with suppress(OSError):  # it has just ended
            # The name of the command, in parentheses, may hold blanks and parentheses itself.
            fields = _content_of(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            if fields[0] not in (b"Z", b"X"):
                yield pid, Entry(int(fields[1]), fields[19].decode())


def rows_of_ps() -> Iterator[tuple[int, Entry]]:
    """The process table where there is no `/proc`."""
    for line in _output_of("ps", "-A", "-o", "pid=,ppid=,stat=,lstart=").splitlines():
        fields = line.split(maxsplit=3)
        if len(fields) == 4 and not fields[2].startswith("Z"):
            yield int(fields[0]), Entry(int(fields[1]), fields[3].strip())


def environment_of(pid: int) -> bytes | None:
    """The environment of a process as Linux shows it; None while it is just being replaced by another program.

    In the middle of `exec` a process shows an empty environment. It then has no arguments either, but a program; a
    zombie and a thread of the kernel have none.

    Raises:
        OSError: It has ended, or has no program, or belongs to somebody else.
    """
    for _ in range(_LOOKS):
        if environment := _content_of(f"/proc/{pid}/environ"):
            return environment
        if not _content_of(f"/proc/{pid}/cmdline"):
            Path(f"/proc/{pid}/exe").readlink()
            return None
    return b""  # it was started with an empty one


def _content_of(path: str) -> bytes:
    """A small file's content; read for every process whenever a child ends, so as plainly as can be."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        pieces: list[bytes] = []
        while piece := os.read(descriptor, 65_536):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _marked_processes() -> Iterator[tuple[int, str | None]]:
    """Processes with a marker, and its value; None where it cannot be seen just now."""
    prefix = f"{MARKER_VARIABLE}="
    if sys.platform == "linux":
        for pid in _numbers_in_proc():
            with suppress(OSError):  # it has just ended, or belongs to somebody else
                environment = environment_of(pid)
                if environment is None:
                    yield pid, None
                    continue
                for entry in environment.split(b"\0"):
                    if entry.startswith(prefix.encode()):
                        yield pid, entry.decode(errors="replace").removeprefix(prefix)
        return
    for line in _output_of("ps", "-A", "-E", "-ww", "-o", "pid=,command=").splitlines():
        fields = line.split()
        for field in fields[1:]:
            if field.startswith(prefix):
                yield int(fields[0]), field.removeprefix(prefix)


def _numbers_in_proc() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - many times faster


def _output_of(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=2, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _end_trees_on_windows(children: Children) -> None:
    for identity in children.identities:
        _output_of("taskkill", "/T", "/F", "/PID", str(identity.pid))


if __name__ == "__main__":
    main()
