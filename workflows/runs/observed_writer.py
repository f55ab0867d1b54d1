"""A run's writer that shows somebody beside the log what is appended, for example to measure it."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeAlias

from workflows.runs.events import EventBody, RunEvent, Truncation
from workflows.runs.log import Artifact, RunWriter
from workflows.runs.run import Run

logger = logging.getLogger(__name__)

Observe: TypeAlias = Callable[[Run, RunEvent], None]
"""Is shown every event of the runs of this process, in order, at the moment it is appended; blocks nobody.

The run is as it was when this process began to work on it. The event is in the log soon after, or never, where the log
cannot take it: this is for figures, not for telling anybody what a run has done.
"""


class ObservedWriter:
    """Implements `workflows.runs.log.RunWriter` with another one.

    Args:
        writer: The other one.
        run: Its run.
        observe: Who is shown the events. What it raises is logged and costs the run nothing.
    """

    def __init__(self, writer: RunWriter, run: Run, observe: Observe) -> None:
        self._writer = writer
        self._run = run
        self._observe = observe

    @property
    def last_seq(self) -> int:
        """See the port."""
        return self._writer.last_seq

    def append(
        self, body: EventBody, *, message: str, progress: float, truncated: Sequence[Truncation] = ()
    ) -> RunEvent:
        """See the port."""
        event = self._writer.append(body, message=message, progress=progress, truncated=truncated)
        try:
            self._observe(self._run, event)
        except Exception:  # whoever looks on must not break what they look at
            logger.exception("run %s: event %d could not be observed", event.run_id, event.seq)
        return event

    def save_artifact(self, artifact: Artifact) -> None:
        """See the port."""
        self._writer.save_artifact(artifact)

    async def flush(self) -> None:
        """See the port."""
        await self._writer.flush()
