from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.agent import AgentReply, AgentTask
from agents.command_runner import CommandRunner, RunCommand
from agents.errors import ScriptEnded
from agents.events import AgentSaid
from agents.processes.registry import ProcessRegistry
from agents.script import Script, Turn
from tests.workflows.runs.small_workflows import one_stage, workflow
from workflows.catalog import BUILT_IN
from workflows.offline_scripts import offline_agent
from workflows.runs.errors import WorkflowBroken
from workflows.workflow import Workflow

pytestmark = pytest.mark.anyio


@pytest.fixture
async def run_command() -> AsyncGenerator[RunCommand]:
    registry = ProcessRegistry()
    yield CommandRunner(registry).run
    await registry.close()


def script_for(task: AgentTask) -> Script:
    return {"worker": [Turn(text=f"the first of {task.run_id}"), Turn(text="the second")]}


def other_script_for(_: AgentTask) -> Script:
    return {"worker": [Turn(text="something else")]}


def unheard(_: AgentSaid) -> None:
    pass


def task_of(workflow: str, workspace: Path, run_id: str = "run-1") -> AgentTask:
    return AgentTask(role="worker", prompt="Go.", workspace=workspace, run_id=run_id, workflow=workflow)


def named(name: str, **changes: object) -> Workflow:
    return replace(workflow(one_stage, "work"), name=name, **changes)  # type: ignore[arg-type] - each is of its type


async def test_every_workflow_plays_a_script_of_its_own(tmp_path: Path, run_command: RunCommand) -> None:
    agent = offline_agent([named("one", offline=script_for), named("two", offline=other_script_for)], run_command)

    async def reply(workflow: str, run_id: str) -> AgentReply:
        return await agent.run(task_of(workflow, tmp_path, run_id), unheard)

    assert agent.offline
    assert (await reply("one", "a")).text == "the first of a"
    assert (await reply("two", "b")).text == "something else"
    assert (await reply("one", "c")).text == "the first of c"
    assert (await reply("one", "a")).text == "the second"


async def test_a_script_can_be_named_by_its_place(tmp_path: Path, run_command: RunCommand) -> None:
    agent = offline_agent([named("one", offline=f"{__name__}:script_for")], run_command)

    assert (await agent.run(task_of("one", tmp_path), unheard)).text == "the first of run-1"


@pytest.mark.parametrize("name", ["one", "never_heard_of"])
async def test_a_workflow_without_a_script_says_so(tmp_path: Path, run_command: RunCommand, name: str) -> None:
    agent = offline_agent([named("one")], run_command)

    with pytest.raises(ScriptEnded, match=f"'{name}' has no script to be played offline") as caught:
        await agent.run(task_of(name, tmp_path), unheard)

    assert caught.value.recovery[0] == "Run it without --offline"


def fails(_: AgentTask) -> Script:
    raise KeyError("no such chapter")


@pytest.mark.parametrize(
    ("offline", "cause"),
    [
        (fails, "KeyError"),
        ("no_such_module_anywhere:script_for", "ModuleNotFoundError"),
        (f"{__name__}:no_such_name", "AttributeError"),
    ],
)
async def test_a_script_that_cannot_be_made_is_its_authors_to_mend(
    tmp_path: Path, run_command: RunCommand, offline: object, cause: str
) -> None:
    agent = offline_agent([named("one", offline=offline)], run_command)

    with pytest.raises(WorkflowBroken, match=f"offline script of workflow 'one' cannot be made: {cause}"):
        await agent.run(task_of("one", tmp_path), unheard)


@pytest.mark.parametrize("built_in", BUILT_IN, ids=lambda built_in: built_in.name)
def test_every_built_in_workflow_has_a_script(built_in: Workflow) -> None:
    assert built_in.offline is not None
