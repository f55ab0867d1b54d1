"""What is usual for a workflow, read from this installation's own finished runs."""

import asyncio
import logging
from collections import OrderedDict

from workflows.runs.errors import RunError
from workflows.runs.events import RunEvent
from workflows.runs.log import EventLog
from workflows.runs.run import Run, RunFilter
from workflows.runs.usual_course import Course, Usual, shipped, usual
from workflows.workflow import Workflow

MOST_RUNS = 15
"""From how many of the newest finished runs is learned: enough for a median, few enough to follow a new model."""
MOST_EVENTS = 20_000
"""Runs with more events are not read: they would take seconds."""
_LOOKED_AT = 2 * MOST_RUNS
_PAGE = 500
_KEPT_COURSES = 200

logger = logging.getLogger(__name__)


class LearnedCourses:
    """Reads courses of finished runs, and keeps those it has read.

    Runs with scripted agents say nothing about runs with models, and are learned from apart.

    Args:
        log: Where the runs are.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._courses: OrderedDict[str, Course | None] = OrderedDict()

    async def usual_for(self, workflow: Workflow, *, offline: bool) -> Usual:
        """What is usual for a workflow's runs; what it is shipped with where nothing can be read.

        Args:
            workflow: Which.
            offline: Whether for runs with scripted agents.
        """
        try:
            courses = [await self._course(run) for run in await self._newest(workflow, offline=offline)]
        except RunError as error:  # a bar that is less exact is no reason to trouble a run
            logger.warning("how long runs of %s usually take cannot be read: %s", workflow.name, error.message)
            return shipped(workflow.stages)
        return usual(workflow.stages, [course for course in courses if course is not None])

    async def _newest(self, workflow: Workflow, *, offline: bool) -> list[Run]:
        wanted = RunFilter(workflow=workflow.name, statuses=frozenset({"completed"}), limit=_LOOKED_AT)
        runs = [run for run in await self._log.find(wanted) if run.offline is offline]
        return [run for run in runs if run.last_seq <= MOST_EVENTS][:MOST_RUNS]

    async def _course(self, run: Run) -> Course | None:
        if run.run_id not in self._courses:
            events = await self._events(run)
            self._courses[run.run_id] = await asyncio.to_thread(Course.of, events)  # they can be many thousands
            while len(self._courses) > _KEPT_COURSES:
                self._courses.popitem(last=False)
        return self._courses[run.run_id]

    async def _events(self, run: Run) -> list[RunEvent]:
        events: list[RunEvent] = []
        while page := await self._log.read(run.run_id, len(events), _PAGE):
            events += page
        return events
