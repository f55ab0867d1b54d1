"""Group commit: one thread that stores what all runs of this process append.

Appending only buffers. About every 10 ms the thread stores everything that has come together in one transaction; what
comes after a quiet while is stored at once. When the disk fails, the events stay in order in the buffer, and the
thread tries again until it can; the buffer is bounded, and whoever appends learns of it when the bound is reached.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from workflows.runs import sqlite_events
from workflows.runs.errors import LogUnavailable, RunError, RunTakenOver
from workflows.runs.events import RunEvent
from workflows.runs.log import Artifact
from workflows.runs.projection import project_all
from workflows.runs.run import Run
from workflows.runs.sqlite_database import connect_to_write, prepare, unavailable
from workflows.runs.sqlite_events import LARGEST_BATCH, LARGEST_BATCH_BYTES, Batch, Entry

logger = logging.getLogger(__name__)

T = TypeVar("T")

TICK_SECONDS = 0.01
"""How far apart transactions begin while events keep coming."""
MOST_EVENTS = 100_000
"""Events the buffer holds."""
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of events and artifacts the buffer holds."""
PATIENCE_SECONDS = 5.0
"""How long a flush waits for a failing disk to get well."""
ANSWER_SECONDS = 30.0
"""How long anybody waits for the thread, whatever it is that holds it up."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""Seconds between attempts to store what could not be stored."""


@dataclass(slots=True, eq=False)
class OpenRun:
    """A run that this process writes: what its writer and the thread share.

    Attributes:
        run: As it is stored; the thread alone changes it.
        attempt: The attempt this process writes.
        refusal: Why nothing more is stored, if so.
        events: Appended and not yet with the thread, each with its JSON.
        artifacts: Likewise.
    """

    run: Run
    attempt: int
    refusal: RunError | None = None
    events: list[tuple[RunEvent, bytes]] = field(default_factory=list[tuple[RunEvent, bytes]])
    artifacts: list[Artifact] = field(default_factory=list[Artifact])
