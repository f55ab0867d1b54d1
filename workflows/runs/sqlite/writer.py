"""The one writer of a run, on the event loop."""

import re
from collections.abc import Sequence

from workflows.runs.errors import InputRejected, RunTakenOver
from workflows.runs.event_json import encode, storable
from workflows.runs.events import EventBody, LastEvent, RunEvent, Truncation
from workflows.runs.log import Artifact
from workflows.runs.sqlite.commit import GroupCommit
from workflows.runs.sqlite.open_run import OpenRun
from workflows.runs.timestamps import utc_now

LARGEST_ARTIFACT = 256 * 1024 * 1024
"""Bytes; SQLite itself ends at 1,000,000,000."""

_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}")


class SqliteRunWriter:
    """Implements `workflows.runs.log.RunWriter`.

    Args:
        open_run: The run, taken by this process.
        commits: Stores what is appended.
    """

    def __init__(self, open_run: OpenRun, commits: GroupCommit) -> None:
        self._open_run = open_run
        self._commits = commits
        self._run_id = open_run.run.run_id
        self._last_seq = open_run.run.last_seq
        self._ended = open_run.run.ended

    @property
    def last_seq(self) -> int:
        """See the port."""
        return self._last_seq

    def append(
        self, body: EventBody, *, message: str, progress: float, truncated: Sequence[Truncation] = ()
    ) -> RunEvent:
        """See the port. Nothing comes after a run's last event: a writer that tries has lost its run."""
        self._check()
        event = RunEvent(
            run_id=self._run_id,
            seq=self._last_seq + 1,
            time=utc_now(),
            message=message,
            progress=progress,
            body=body,
            truncated=truncated,
        )
        try:
            text = encode(event)
        except TypeError:
            event = storable(event)
            text = encode(event)
        self._commits.add_event(self._open_run, event, text)
        self._last_seq += 1
        self._ended = isinstance(body, LastEvent)
        return event

    def save_artifact(self, artifact: Artifact) -> None:
        """See the port.

        Raises:
            workflows.runs.errors.InputRejected: Its name is no plain file name, or it is larger than 256 MiB.
            workflows.runs.errors.RunTakenOver: As in `append`.
            workflows.runs.errors.LogUnavailable: As in `append`.
        """
        check_artifact(artifact)
        self._check()
        self._commits.add_artifact(self._open_run, artifact)

    async def flush(self) -> None:
        """See the port."""
        await self._commits.flush()
        if self._open_run.refusal is not None:
            raise self._open_run.refusal

    def _check(self) -> None:
        if self._open_run.refusal is not None:
            raise self._open_run.refusal
        if self._ended:
            raise RunTakenOver(f"Run {self._run_id} has ended; its log takes nothing more.")


def check_artifact(artifact: Artifact) -> None:
    """See that an artifact can be kept.

    Raises:
        InputRejected: Its name is no plain file name, or it is too large.
    """
    if not _NAME.fullmatch(artifact.name):
        raise InputRejected(
            "name",
            f"{artifact.name!r} cannot be the name of an artifact.",
            recovery=("Use up to 200 letters, digits, `.`, `-` and `_`",),
        )
    if len(artifact.body) > LARGEST_ARTIFACT:
        raise InputRejected(
            "body", f"Artifact {artifact.name!r} has {len(artifact.body)} bytes; {LARGEST_ARTIFACT} are the most."
        )
