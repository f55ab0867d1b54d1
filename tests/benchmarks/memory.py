"""How much memory a process needs for itself."""

import re
from contextlib import suppress
from pathlib import Path

import psutil


def private_bytes(pid: int) -> int:
    """Memory of a process that is nobody else's and that it has written to.

    Where the system does not tell that (Linux does), its USS; that also counts what it has only mapped, as long as
    nobody else happens to have the same library loaded, and so depends on what else runs on the machine.
    """
    with suppress(FileNotFoundError):
        written = re.search(r"^Private_Dirty: +(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        if written:
            return int(written[1]) * 1024
    return psutil.Process(pid).memory_full_info().uss
