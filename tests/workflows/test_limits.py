"""Limits hold in every workflow: they end the run before the next agent begins, with what was finished."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.agent import AgentReply, AgentTask
from agents.command_runner import command_runner
from agents.events import Emit, UsageReported
from agents.scripted_agent import ScriptedAgent
from tests.workflows.runs.floor import floor
from workflows.budget import Limits
from workflows.catalog import BUILT_IN, Catalog
from workflows.offline_scripts import offline_agent
from workflows.runs.engine import RunRequest
from workflows.runs.events import UsageRecorded, WorkflowError

pytestmark = pytest.mark.anyio

PRICE = 0.3
LIMIT = 0.35
GIVEN: Mapping[str, Mapping[str, object]] = {
    "build_feature": {"task": "anything"},
    "collaborate": {"task": "anything"},
    "research": {"question": "anything"},
    "review_code": {},
}
"""Those in which more than one agent works."""


@dataclass
class Cashier:
    """Agents that play their scripts, each for the same price, and what each may still spend."""

    agent: ScriptedAgent
    may_spend: list[float | None] = field(default_factory=list[float | None])

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        self.may_spend.append(task.max_cost_usd)
        emit(UsageReported(model="m", input_tokens=10, output_tokens=2, cost_usd=PRICE))
        return await self.agent.run(task, emit)


@pytest.mark.parametrize("name", GIVEN)
async def test_the_money_ends_a_run_before_the_next_agent_begins(name: str, tmp_path: Path) -> None:
    workflow = Catalog(BUILT_IN).get(name)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "store.py").write_text("def load(path):\n    return eval(open(path).read())\n")
    async with command_runner() as runner:
        cashier = Cashier(offline_agent([workflow], runner.run))
        async with floor(tmp_path, cashier.act) as at:
            at.workflows[name] = workflow
            request = RunRequest(
                workflow=workflow,
                input=workflow.input_model.model_validate(dict(GIVEN[name])),
                workspace=str(workspace),
                owner="local",
                limits=Limits(max_cost_usd=LIMIT),
            )
            run = await at.ended((await at.engine.start(request)).run)
            events = await at.events(run)

    errors = [event.body for event in events if isinstance(event.body, WorkflowError)]
    if name == "review_code":  # its answer is made of the reviews there are, and says which there are not
        assert run.result is not None
        assert str(run.result["answer"]).count("max_cost_usd") == 2
    else:
        assert [error.kind for error in errors] == ["cost_limit_reached"]
        assert errors[0].partial  # what was finished
    first, second = cashier.may_spend  # the second may begin, for something is left, and nobody after it
    assert first is not None
    assert second is not None
    assert first <= LIMIT
    assert second <= LIMIT - PRICE + 1e-9
    used = [event.body for event in events if isinstance(event.body, UsageRecorded)]
    assert (run.usage.input_tokens, run.usage.output_tokens) == (20, 4)
    assert run.usage.cost_usd == pytest.approx(sum(one.cost_usd or 0 for one in used)) == pytest.approx(2 * PRICE)
