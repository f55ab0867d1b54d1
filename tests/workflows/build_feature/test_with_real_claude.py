"""`build_feature` as it really runs: its own graph, real `claude` processes, real files; only the model is scripted."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import psutil
import pytest

from agents.claude.agent import ClaudeAgent
from agents.command_runner import CommandRunner
from agents.events import Decided, Found, TextStreamed, Thought, ToolEnded, ToolStarted, UsageReported
from agents.processes.registry import ProcessRegistry
from tests.descendants import processes_with_marker
from tests.fakes.build_feature_script import (
    ANSWER,
    FIRST_ACCOUNT,
    FIRST_MODULE,
    FIRST_REVIEW,
    MODULE,
    PLAN,
    SECOND_REVIEW,
    STRONG_LINE,
    TASK,
    TEST_COMMAND,
    TESTS,
    THOUGHT,
    build_feature_model,
)
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Reply, Script, Slow, say
from tests.system.claude_process import survivors
from workflows.budget import Budget, Limits
from workflows.build_feature.contract import WORKFLOW, BuildFeatureInput, BuildFeatureOutput
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, Report, SupervisorReport
from workflows.runs.graph_runner import LangGraphRunner
from workflows.runs.graph_steps import GraphStep, NodeEnded, NodeReported, StateReached
from workflows.team import Team

pytestmark = pytest.mark.anyio

MOST_SECONDS = 60.0
RUN_ID = "run-with-real-claude"
CONSTRAINTS = ["standard library only"]


@dataclass
class Halt:
    """Holds codesmith's first account back in its middle, so that its beginning can only be seen live.

    Attributes:
        goes_on: Whether it goes on once its beginning was reported; else it never does.
        reported: Set when its beginning was reported.
        seen: What was reported until then.
    """

    goes_on: bool
    reported: anyio.Event = field(default_factory=anyio.Event)
    seen: str = ""

    def halting(self, script: Script) -> Script:
        release = self.reported if self.goes_on else anyio.Event()

        def answer(request: ModelRequest) -> Answer:
            chosen = script(request)
            assert isinstance(chosen, Reply)
            return Slow(chosen, {7: release}) if chosen == say(FIRST_ACCOUNT) else chosen

        return answer

    def look_at(self, step: GraphStep) -> None:
        match step:
            case NodeReported(AgentReport("codesmith", TextStreamed(text=text))) if FIRST_ACCOUNT.startswith(text):
                self.seen = self.seen or text
                self.reported.set()
            case _:
                pass


@dataclass
class Play:
    """A run.

    Attributes:
        workspace: Where its agents work.
        api: What the model is asked and answers.
        budget: What is charged.
        steps: Everything its graph has done, in order.
    """

    workspace: Path
    api: MessagesApi
    budget: Budget
    steps: list[GraphStep] = field(default_factory=list[GraphStep])

    @property
    def reports(self) -> list[Report]:
        return [step.report for step in self.steps if isinstance(step, NodeReported)]

    @property
    def output(self) -> BuildFeatureOutput:
        last = [step for step in self.steps if isinstance(step, StateReached)][-1]
        return BuildFeatureOutput.model_validate({name: last.values[name] for name in BuildFeatureOutput.model_fields})

    @property
    def nodes(self) -> list[str]:
        return [step.node for step in self.steps if isinstance(step, NodeEnded)]

    def said_by(self, agent: str) -> list[object]:
        return [report.said for report in self.reports if isinstance(report, AgentReport) and report.agent == agent]


@pytest.fixture
async def registry() -> AsyncGenerator[ProcessRegistry]:
    children_before = psutil.Process().children(recursive=True)
    registry = ProcessRegistry()
    try:
        yield registry
    finally:
        await registry.close()
    left = [child for child in psutil.Process().children(recursive=True) if child not in children_before]
    assert await survivors(left) == []


@asynccontextmanager
async def running(
    tmp_path: Path, registry: ProcessRegistry, halt: Halt, plan: Sequence[str] = PLAN
) -> AsyncGenerator[tuple[Play, "asyncio.Task[None]"]]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    await anyio.run_process(["git", "init", "--quiet", str(workspace)])
    runner = await LangGraphRunner.open(tmp_path / "checkpoints.db")
    try:
        async with messages_api(halt.halting(build_feature_model(plan))) as api:
            agent = ClaudeAgent(require_claude(), registry, environ=claude_environment(tmp_path, api.url))
            budget = Budget(Limits(max_cost_usd=20, max_seconds=MOST_SECONDS))
            context = WorkflowContext(
                run_id=RUN_ID,
                workspace=workspace,
                team=Team(agent),
                budget=budget,
                commands=CommandRunner(registry).run,
                private_directory=tmp_path / "private",
            )
            play = Play(workspace, api, budget)
            # A task of its own and no anyio scope around it: a graph may be cancelled once only.
            graph = asyncio.create_task(consume(runner, context, play, halt))
            try:
                async with asyncio.timeout(MOST_SECONDS):
                    yield play, graph
            finally:
                graph.cancel()
                await asyncio.wait({graph}, timeout=MOST_SECONDS)
    finally:
        await runner.close()


async def consume(runner: LangGraphRunner, context: WorkflowContext, play: Play, halt: Halt) -> None:
    state = BuildFeatureInput(task=TASK, constraints=CONSTRAINTS).model_dump(mode="json")
    async with aclosing(runner.steps(WORKFLOW, state, context)) as steps:
        async for step in steps:
            play.steps.append(step)
            halt.look_at(step)


async def test_a_feature_is_built_reviewed_corrected_and_answered_for(
    tmp_path: Path, registry: ProcessRegistry
) -> None:
    halt = Halt(goes_on=True)
    async with running(tmp_path, registry, halt) as (play, graph):
        await graph
    assert processes_with_marker(RUN_ID) == []

    workers = [*PLAN[:-1], "responder"]
    assert play.nodes == ["survey", *(node for worker in workers for node in ("supervisor", worker))]
    await the_files_are_really_there(play)
    the_output_is_what_was_observed(play.output)
    everything_was_reported(play)
    assert halt.seen == "I wrote"
    the_usage_adds_up(play)


async def test_a_cancelled_run_leaves_its_files_and_nothing_that_runs(
    tmp_path: Path, registry: ProcessRegistry
) -> None:
    halt = Halt(goes_on=False)
    async with running(tmp_path, registry, halt, plan=("codesmith", "finish")) as (play, graph):
        await halt.reported.wait()
        assert processes_with_marker(RUN_ID)
        graph.cancel()
        await asyncio.wait({graph})
    assert graph.cancelled()
    assert processes_with_marker(RUN_ID) == []
    assert play.nodes == ["survey", "supervisor"]
    assert (play.workspace / MODULE).read_text() == FIRST_MODULE


async def the_files_are_really_there(play: Play) -> None:
    assert STRONG_LINE in (play.workspace / MODULE).read_text()
    again = await anyio.run_process([sys.executable, "-m", "unittest"], cwd=play.workspace, check=False)
    assert b"Ran 2 tests" in again.stderr
    assert again.returncode == 0


def the_output_is_what_was_observed(output: BuildFeatureOutput) -> None:
    assert output.answer == ANSWER
    assert {(file.path, file.change) for file in output.files} == {(MODULE, "added"), (TESTS, "added")}
    assert f"+    {STRONG_LINE}" in output.diff
    assert output.review == SECOND_REVIEW
    assert [(run.command, run.passed) for run in output.tests_run] == [(TEST_COMMAND, True)] * 4
    assert [run.output[run.output.index("Ran ") :].partition(" in ")[0] for run in output.tests_run] == [
        "Ran 1 test",
        "Ran 1 test",
        "Ran 2 tests",
        "Ran 2 tests",
    ]
    assert [done.agent for done in output.rounds] == [*PLAN[:-1], "responder"]


def everything_was_reported(play: Play) -> None:
    codesmith = play.said_by("codesmith")
    tools = ["Write", "Write", "Bash", "Read", "Edit", "Read", "Write", "Bash"]
    assert [said.tool for said in codesmith if isinstance(said, ToolStarted)] == tools
    assert [(said.tool, said.ok) for said in codesmith if isinstance(said, ToolEnded)] == [(t, True) for t in tools]
    assert [said.text for said in codesmith if isinstance(said, Thought)] == [THOUGHT]
    for worker in {*PLAN[:-1], "responder"}:
        assert any(isinstance(said, Found | Decided) for said in play.said_by(worker)), worker
    routed = [r for r in play.reports if isinstance(r, SupervisorReport) and r.event_type == "routing"]
    assert [report.next_agent for report in routed] == [*PLAN[:-1], "responder"]
    reviews = [r.text for r in play.reports if isinstance(r, ArtifactReport) and r.name == "review.json"]
    assert [type(FIRST_REVIEW).model_validate_json(text) for text in reviews] == [FIRST_REVIEW, SECOND_REVIEW]


def the_usage_adds_up(play: Play) -> None:
    reported = [
        report.said
        for report in play.reports
        if isinstance(report, AgentReport) and isinstance(report.said, UsageReported)
    ]
    spent, delivered = play.budget.spent, play.api.delivered
    assert spent.input_tokens == sum(answer.input_tokens for answer in delivered)
    assert spent.output_tokens == sum(answer.output_tokens for answer in delivered)
    assert spent.input_tokens == sum(said.input_tokens for said in reported)
    assert spent.cost_usd == pytest.approx(sum(said.cost_usd or 0.0 for said in reported))
    assert spent.cost_usd
