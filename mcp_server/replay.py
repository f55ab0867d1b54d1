"""A run that is over, played again from its log: the same events in the same rhythm, and no model is called."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import anyio

from workflows.runs.errors import RunNotResumable
from workflows.runs.events import RunEvent
from workflows.runs.log import EventLog
from workflows.runs.run import Run

LONGEST_SPEED = 1000.0
LONGEST_PAUSE_SECONDS = 3.0
"""A pause of the run is never longer than this when it is played, whatever the speed."""
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A run to be played.

    Attributes:
        log: Where it is.
        run_id: The run.
        speed: How many times as fast as it was.
        pause: Waits some seconds; replaced in tests.
    """

    log: EventLog
    run_id: str
    speed: float
    pause: Callable[[float], Awaitable[None]] = anyio.sleep

    @classmethod
    def of(cls, log: EventLog, run: Run, speed: float) -> "Replay":
        """A run to be played.

        Raises:
            RunNotResumable: It is not over.
        """
        if not run.ended:
            raise RunNotResumable(
                f"Run {run.run_id} is not over: it is {run.status}; only what is over can be played again.",
                recovery=(f"get_run with run_id {run.run_id} shows how it stands",),
            )
        return cls(log=log, run_id=run.run_id, speed=speed)

    async def events(self) -> AsyncGenerator[Sequence[RunEvent], None]:
        """The run's events in batches, each when it is due.

        Raises:
            workflows.runs.errors.LogUnavailable: The log cannot be read.
        """
        last: datetime | None = None
        after = 0
        while page := await self.log.read(self.run_id, after, _PAGE):
            for event in page:
                now = datetime.fromisoformat(event.time)
                seconds = 0.0 if last is None else (now - last).total_seconds() / self.speed
                last = now
                await self.pause(min(max(0.0, seconds), LONGEST_PAUSE_SECONDS))
                yield (event,)
            after = page[-1].seq
