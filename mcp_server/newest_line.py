"""The line a run's progress would show now, for those who ask instead of listening."""

from collections.abc import Sequence

from mcp_server.assembly import Assembly
from mcp_server.progress_lines import Weight, weigh
from mcp_server.wording import Standing, StandingTracker, progress_line
from workflows.runs.events import RunEvent
from workflows.runs.run import Run

LOOKED_AT = 40
"""How many of the newest events are looked at: enough for a tool call's end to know its beginning."""


async def newest_line(assembly: Assembly, run: Run, known: Sequence[RunEvent] = ()) -> str:
    """One line of at most 160 characters; the run's own message where the newest events have no line.

    Args:
        assembly: The server's parts.
        run: The run.
        known: Its newest events, where they have been read already; they are read where these end too early.
    """
    if not known or known[-1].seq != run.last_seq:
        known = await assembly.log.read(run.run_id, max(0, run.last_seq - LOOKED_AT), LOOKED_AT)
    tracker = StandingTracker.at(run, stages_of(assembly, run))
    newest: tuple[RunEvent, Standing] | None = None
    for event in known:
        standing = tracker.take(event)
        if weigh(event.body) is not Weight.COVERED:
            newest = event, standing
    return run.message if newest is None else progress_line(*newest)


def stages_of(assembly: Assembly, run: Run) -> tuple[str, ...]:
    """Names of the stages of a run's workflow; none if the workflow is not there any more."""
    workflows = (workflow for workflow in assembly.catalog.workflows if workflow.name == run.workflow)
    return tuple(stage.name for workflow in workflows for stage in workflow.stages)
