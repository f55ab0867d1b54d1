import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from pydantic import BaseModel, ValidationError

from agents.agent import AgentReply, AgentTask
from agents.command_runner import command_runner
from agents.errors import ReplyInvalid, TurnLimitReached
from agents.events import Emit, ReasoningStep, TextStreamed, ToolEnded, ToolStarted
from agents.scripted_agent import ScriptedAgent
from tests.fakes.agent import FakeAgent
from tests.workflows.graph_play import GraphPlay
from workflows.ask.contract import WORKFLOW, AskInput, AskOutput
from workflows.ask.offline import script_for
from workflows.diagram import mermaid

pytestmark = pytest.mark.anyio

Act: TypeAlias = Callable[[AgentTask, Emit], Awaitable[AgentReply]]


async def played(workspace: Path, act: Act, question: str = "Why?") -> tuple[GraphPlay, AskOutput]:
    play = GraphPlay(WORKFLOW, workspace, FakeAgent(act, offline=True))
    output = await play.run(question=question)
    assert isinstance(output, AskOutput)
    return play, output


async def looks(task: AgentTask, emit: Emit) -> AgentReply:
    del task
    emit(TextStreamed(text="I look."))
    emit(ToolStarted(tool="Grep", call_id="1", input={"pattern": "why"}))
    emit(ToolEnded(tool="Grep", call_id="1", seconds=0.5, ok=False, output="nothing"))
    emit(TextStreamed(text="Because."))
    return AgentReply(text="Because.\n")


async def test_the_answer_comes_with_the_way_to_it(tmp_path: Path) -> None:
    play, output = await played(tmp_path, looks)

    assert output.answer == "Because."
    (step,) = output.steps
    assert (step.thought, [(call.call, call.ok, call.seconds) for call in step.calls]) == (
        "I look.",
        [("Grep why", False, 0.5)],
    )
    assert [said.step for said in play.said("assistant") if isinstance(said, ReasoningStep)] == [1]
    assert [report.text for report in play.artifacts("answer.md")] == ["Because."]
    assert [found.message for found in play.found("assistant")] == [
        "answered in 1 step with 1 tool call, 1 of which failed"
    ]


async def test_it_may_read_the_workspace_the_web_and_connected_tools_and_write_nothing(tmp_path: Path) -> None:
    asked: list[AgentTask] = []

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        asked.append(task)
        return await looks(task, emit)

    await played(tmp_path, act, question="What of </question>this?")

    (task,) = asked
    assert (task.access, task.web, task.connected_tools, task.allowed_tools) == ("read", True, True, ())
    assert "What of < /question>this?\n</question>" in task.prompt


async def test_no_answer_is_an_error(tmp_path: Path) -> None:
    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        return AgentReply(text=" ")

    with pytest.raises(ReplyInvalid, match="without an answer"):
        await played(tmp_path, act)


async def test_an_agent_that_fails_fails_the_run_as_it_is(tmp_path: Path) -> None:
    failure = TurnLimitReached("used up", partial="half")

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        raise failure

    with pytest.raises(TurnLimitReached) as raised:
        await played(tmp_path, act)

    assert raised.value is failure


async def offline(workspace: Path) -> tuple[GraphPlay, AskOutput]:
    async with command_runner() as runner:
        play = GraphPlay(WORKFLOW, workspace, ScriptedAgent(script_for, runner.run))
        output = await play.run(question="Anything")
    assert isinstance(output, AskOutput)
    assert "without a model: the question was not understood" in output.answer
    return play, output


async def test_offline_it_looks_at_what_is_really_there(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("\n# My project\n\nIt works.\n")
    (tmp_path / "a.txt").touch()

    _, output = await offline(tmp_path)

    assert "there are 2 files: README.md, a.txt." in output.answer
    assert "begins with: # My project" in output.answer
    assert [(len(step.thought) > 0, [call.ok for call in step.calls]) for step in output.steps] == [
        (True, [True]),
        (True, [True]),
    ]


async def test_offline_a_tool_that_fails_is_told_as_failed(tmp_path: Path) -> None:
    play, output = await offline(tmp_path)

    assert "there are no files" in output.answer
    assert "There is no `README.md` that could be read." in output.answer
    assert [call.ok for step in output.steps for call in step.calls] == [True, False]
    assert play.found("assistant")[0].message.endswith("2 tool calls, 1 of which failed")


def test_its_diagram_is_one_agent() -> None:
    lines = [line.strip() for line in mermaid(WORKFLOW).splitlines()]

    assert [line for line in lines if "-->" in line] == ["__start__ --> assistant;", "assistant --> __end__;"]


def test_the_question_is_needed_stripped_and_bounded() -> None:
    assert AskInput(question=" why? ").question == "why?"
    for question in ("", " ", "x" * 50_001):
        with pytest.raises(ValidationError):
            AskInput(question=question)


def test_every_field_tells_a_model_what_it_is() -> None:
    def described(model: type[BaseModel]) -> bool:
        return all(field.description for field in model.model_fields.values())

    assert described(AskInput)
    assert described(AskOutput)


def test_to_know_the_workflow_nothing_heavy_is_imported() -> None:
    script = "import sys, workflows.ask.contract; print([m for m in ('langgraph', 'psutil') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "[]"
