"""`research` as the engine runs it: what stands in the log, and what the limits do."""

from pathlib import Path

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.events import Emit, UsageReported
from tests.workflows.research.test_graph import Team, finds
from tests.workflows.runs.floor import Floor, floor
from workflows.budget import Limits
from workflows.research.contract import AT_ONCE, WORKFLOW, ResearchInput
from workflows.runs.engine import RunRequest
from workflows.runs.events import AgentEvent, StageCompleted, StageStarted, ToolEnd, WorkflowCompleted
from workflows.runs.run import Run

pytestmark = pytest.mark.anyio


async def run_of(on: Floor, question: str = "Is it so?", **limits: float) -> Run:
    on.workflows[WORKFLOW.name] = WORKFLOW
    request = RunRequest(
        workflow=WORKFLOW,
        input=ResearchInput(question=question),
        workspace=on.workspace,
        owner="local",
        limits=Limits(**limits),
    )
    return await on.ended((await on.engine.start(request)).run)


async def test_researchers_side_by_side_are_one_stage_and_speak_under_names_of_their_own(tmp_path: Path) -> None:
    team = Team()
    async with floor(tmp_path, team.act) as on:
        run = await run_of(on)
        bodies = [event.body for event in await on.events(run)]
        artifacts = [info.name for info in await on.log.artifacts(run.run_id)]

    assert run.status == "completed"
    assert [(body.stage, body.round) for body in bodies if isinstance(body, StageStarted)] == [
        ("planner", 1),
        ("researcher", 1),
        ("synthesizer", 1),
    ]
    (looked,) = [body for body in bodies if isinstance(body, StageCompleted) and body.stage == "researcher"]
    assert len(looked.output["branches"]) == 2  # type: ignore[arg-type] - a list
    assert {body.agent for body in bodies if isinstance(body, ToolEnd)} == {"researcher 1", "researcher 2"}
    assert {"planner", "researcher 1", "researcher 2", "synthesizer"} <= {
        body.agent for body in bodies if isinstance(body, AgentEvent)
    }
    assert isinstance(bodies[-1], WorkflowCompleted)
    assert bodies[-1].result["unknown_citations"] == []
    assert {"plan.md", "notes-1.md", "notes-2.md", "answer.md"} <= set(artifacts)


async def test_a_run_does_not_wait_for_the_researchers_of_another_one(tmp_path: Path) -> None:
    busy, came = anyio.Event(), anyio.Event()
    at_work = 0

    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        nonlocal at_work
        if "the second" in task.prompt.lower():
            came.set()
        at_work += 1
        if at_work == AT_ONCE:
            busy.set()
        with anyio.fail_after(5):
            await came.wait()
        return await finds(task, emit, part)

    team = Team(parts=[f"part {number}" for number in range(AT_ONCE)], look=look)
    async with floor(tmp_path, team.act) as on, anyio.create_task_group() as tasks:
        tasks.start_soon(run_of, on, "Is the first so?")
        with anyio.fail_after(5):
            await busy.wait()
        assert (await run_of(on, "Is the second so?")).status == "completed"


async def test_the_money_is_shared_and_some_is_kept_for_the_answer(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        emit(UsageReported(model="m", input_tokens=1, output_tokens=1, cost_usd=0.1))
        return await finds(task, emit, part)

    team = Team(parts=("one", "two", "three"), look=look)
    async with floor(tmp_path, team.act) as on:
        run = await run_of(on, max_cost_usd=1.0)

    assert run.status == "completed"
    assert run.usage.cost_usd == pytest.approx(0.3)
    assert all((task.max_cost_usd or 0) <= 0.25 for task in team.of_role("researcher"))
    assert team.of_role("synthesizer")[0].max_cost_usd == pytest.approx(0.7)


async def test_where_all_the_money_is_spent_the_run_ends_before_the_next_model_call(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        emit(UsageReported(model="m", input_tokens=1, output_tokens=1, cost_usd=0.6))
        return await finds(task, emit, part)

    team = Team(look=look)
    async with floor(tmp_path, team.act) as on:
        run = await run_of(on, max_cost_usd=1.0)

    assert (run.status, run.failure and run.failure.kind) == ("failed", "cost_limit_reached")
    assert team.of_role("synthesizer") == []
    assert "researcher" in (run.failure.partial if run.failure else {})
