"""The place of one run: opened before its graph begins, put away before its end is told."""

import logging
from dataclasses import replace
from pathlib import Path

from workflows.reports import ArtifactReport
from workflows.runs.chronicle import Chronicle
from workflows.runs.errors import LogUnavailable
from workflows.runs.events import AgentEvent, LastEvent
from workflows.runs.graph_steps import NodeEnded, NodeReported
from workflows.runs.places import Changes, Places, Wish

logger = logging.getLogger(__name__)

WORKSPACE = "workspace"
"""Who says, in the log, where a run works."""
CHANGES = "changes.diff"
"""Name of the artifact with what was changed on a run's branch."""


class Workplace:
    """Where a run works.

    Args:
        places: Where places come from.
        wish: What is wanted.
        chronicle: The run's.
        begins: False for a run that goes on: people know already where it works.
    """

    def __init__(self, places: Places, wish: Wish, chronicle: Chronicle, *, begins: bool) -> None:
        self._places = places
        self._wish = wish
        self._chronicle = chronicle
        self._begins = begins

    async def open(self) -> Path:
        """The directory its agents work in.

        Raises:
            workflows.runs.errors.IsolationUnavailable: It cannot be had, and nothing else will do.
            workflows.runs.errors.LogUnavailable: The data directory or the log cannot be written.
        """
        place = await self._places.open(self._wish)
        if place.note and self._begins:
            self._say(place.note, place.branch)
        return place.directory

    async def snapshot(self, step: NodeEnded) -> None:
        """Note how its files are after a node, for its forks."""
        if self._wish.mode != "in_place":
            await self._places.snapshot(self._wish.run_id, step.task_id, step.node)

    async def put_away(self, ending: LastEvent) -> LastEvent:
        """Commit what was changed and tell of it.

        Args:
            ending: The run's last event.

        Returns:
            The same with the branch in it.

        Raises:
            workflows.runs.errors.RunTakenOver: Another writer has the run.
        """
        changes = await self._places.close(self._wish.run_id)
        try:
            self._tell(changes)
        except LogUnavailable as error:  # the end waits for the log, and the diff can be had from the branch
            logger.error("run %s: what it has changed cannot be kept: %s", self._wish.run_id, error.message)
        return replace(ending, branch=changes.branch)

    def _tell(self, changes: Changes) -> None:
        if changes.diff:
            title = f"Changes, all of them on branch {changes.branch}"
            report = ArtifactReport(
                agent=WORKSPACE, name=CHANGES, media_type="text/x-diff", text=changes.diff, title=title
            )
            self._chronicle.step(NodeReported(report))
        if changes.note:
            self._say(changes.note, changes.branch)

    def _say(self, text: str, branch: str) -> None:
        self._chronicle.record(of_the_place(text, branch))


def of_the_place(text: str, branch: str) -> AgentEvent:
    """The event that tells people something of where a run works, or has worked.

    Args:
        text: Sentences.
        branch: Its branch; may be empty.
    """
    details = {"text": text, "branch": branch} if branch else {"text": text}
    return AgentEvent(agent=WORKSPACE, event_type="progress", details=details)
