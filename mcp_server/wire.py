"""The process's standard streams, taken before anything else can touch them.

From then on file descriptor 1 is standard error and 0 is empty, so no print, no library and no child process can put a
byte on the wire or take one from it. Imports nothing that could print.
"""

import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wire:
    """The process's own standard streams, which nobody else can reach any more.

    Attributes:
        stdin: Descriptor to read from.
        stdout: Descriptor to write to.
    """

    stdin: int
    stdout: int

    @classmethod
    def claim(cls) -> "Wire":
        """Take the wire. To be called before anything is imported that might print."""
        wire = cls(os.dup(0), os.dup(1))
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        return wire
