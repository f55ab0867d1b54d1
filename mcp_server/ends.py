"""How a server process ends: by which signals, and at once."""

import os
import signal
import sys
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM) if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""By which a server is told to go; its exit code is then 128 and the signal's number."""


def exit_now(code: int) -> NoReturn:
    """End this process without waiting for its threads: one of them may be blocked in reading the wire.

    Args:
        code: The exit code.
    """
    try:
        sys.stderr.flush()
    finally:  # also if standard error is closed, or was just being written to
        os._exit(code)
