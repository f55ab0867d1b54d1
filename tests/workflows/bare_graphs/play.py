"""Runs a bare graph through a real engine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from tests.workflows.runs.floor import Floor, answer, floor
from workflows.bare_graphs.adoption import workflow_of
from workflows.budget import Limits
from workflows.runs.engine import RunRequest
from workflows.runs.events import EventBody, RunEvent
from workflows.runs.run import Run
from workflows.workflow import Workflow

BodyT = TypeVar("BodyT", bound=EventBody)


def adopted(graph: Any) -> Workflow:
    return workflow_of(graph, "graph", "bare")


async def started(
    at: Floor, workflow: Workflow, given: Mapping[str, object], *, max_cost_usd: float | None = None
) -> Run:
    at.workflows[workflow.name] = workflow
    request = RunRequest(
        workflow=workflow,
        input=workflow.input_model.model_validate(dict(given)),
        workspace=at.workspace,
        owner="local",
        limits=Limits(max_cost_usd=max_cost_usd),
    )
    return (await at.engine.start(request)).run


async def played(directory: Path, graph: Any, **given: object) -> tuple[Run, list[RunEvent]]:
    """A graph's run, to its end, and all that happened."""
    async with floor(directory, answer) as at:
        run = await at.ended(await started(at, adopted(graph), given))
        return run, await at.events(run)


def bodies(events: list[RunEvent], kind: type[BodyT]) -> list[BodyT]:
    return [event.body for event in events if isinstance(event.body, kind)]
