from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from agents.agent import AgentReply, AgentTask, CommandRun, Usage
from agents.errors import AgentMisconfigured, NotLoggedIn, ReplyInvalid, TurnLimitReached
from agents.events import Emit, Progressed, ToolStarted
from tests.fakes.agent import FakeAgent
from tests.workflows.graph_play import GraphPlay
from workflows.diagram import mermaid
from workflows.observed.file_changed import FileChanged
from workflows.run_claude.contract import USUAL_TOOLS, WORKFLOW, CommandDone, RunClaudeOutput

pytestmark = pytest.mark.anyio

Act: TypeAlias = Callable[[AgentTask, Emit], Awaitable[AgentReply]]


def play_of(workspace: Path, act: Act) -> GraphPlay:
    return GraphPlay(WORKFLOW, workspace, FakeAgent(act, offline=True))


async def played(workspace: Path, act: Act, **arguments: object) -> tuple[GraphPlay, RunClaudeOutput]:
    play = play_of(workspace, act)
    output = await play.run(None, prompt="do it", **arguments)
    assert isinstance(output, RunClaudeOutput)
    return play, output


def told(play: GraphPlay) -> list[str]:
    return [said.message for said in play.said("claude") if isinstance(said, Progressed)]


async def writes(task: AgentTask, emit: Emit) -> AgentReply:
    emit(ToolStarted(tool="Grep", call_id="1", input={"pattern": "x"}, speaker=("explore",)))
    (task.workspace / "new.txt").write_text("one\ntwo\n")
    return AgentReply(
        text=" done \n",
        commands=(CommandRun("make", ok=False, seconds=1.5, output="no rule"),),
        usage=Usage(10, 5, 0.25),
    )


async def answers(task: AgentTask, emit: Emit) -> AgentReply:
    del task, emit
    return AgentReply(text="I looked", usage=Usage(1, 1, None))


async def test_the_answer_the_files_the_commands_and_the_cost_are_given(tmp_path: Path) -> None:
    play, output = await played(tmp_path, writes)

    assert output == RunClaudeOutput(
        answer="done",
        files=[FileChanged(path="new.txt", change="added")],
        commands=[CommandDone(command="make", ok=False, seconds=1.5)],
        cost_usd=0.25,
    )
    assert [found.message for found in play.found("claude")] == ["1 file changed (+2 -0 lines); 1 command"]
    assert "+one" in play.artifacts("changes.diff")[0].text
    assert play.artifacts("answer.md")[0].text == "done"


async def test_what_sub_agents_do_is_passed_on(tmp_path: Path) -> None:
    play, _ = await played(tmp_path, writes)

    (started,) = [said for said in play.said("claude") if isinstance(said, ToolStarted)]
    assert (started.speaker, started.tool) == (("explore",), "Grep")


async def test_it_is_asked_with_the_usual_tools_and_says_so(tmp_path: Path) -> None:
    asked: list[AgentTask] = []

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        asked.append(task)
        return await answers(task, emit)

    play, output = await played(tmp_path, act)

    (task,) = asked
    assert (task.prompt, task.access, task.web, task.connected_tools) == ("do it", "write", False, False)
    assert task.allowed_tools == USUAL_TOOLS
    assert told(play) == [
        f"may use {', '.join(USUAL_TOOLS)}; that reaches commands, which nothing confines to the workspace"
    ]
    assert output.cost_usd is None


async def test_tools_that_only_read_leave_it_only_reading(tmp_path: Path) -> None:
    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        assert (task.access, task.allowed_tools, task.max_turns) == ("read", ("Read", "Grep"), 3)
        (task.workspace / "by-somebody-else.txt").touch()
        return await answers(task, emit)

    _, output = await played(tmp_path, act, allowed_tools=["Read", "Grep"], max_turns=3)

    assert output.files == []


async def test_a_limit_of_turns_says_which_and_what_helps_and_what_was_left(tmp_path: Path) -> None:
    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        await writes(task, emit)
        raise TurnLimitReached("used up", partial="half of it")

    play = play_of(tmp_path, act)
    with pytest.raises(TurnLimitReached, match="Claude used all of its 2 rounds") as reached:
        await play.run(prompt="do it", max_turns=2)

    assert reached.value.recovery == ("Raise max_turns, or split the task into smaller ones",)
    assert reached.value.partial == "half of it"
    assert [found.message for found in play.found("claude")] == ["failed, and left: 1 file changed (+2 -0 lines)"]


async def test_an_agent_that_fails_fails_the_run_as_it_is(tmp_path: Path) -> None:
    failure = NotLoggedIn("no key")

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        raise failure

    with pytest.raises(NotLoggedIn) as raised:
        await play_of(tmp_path, act).run(prompt="do it")

    assert raised.value is failure


async def test_no_answer_is_an_error(tmp_path: Path) -> None:
    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        del task, emit
        return AgentReply(text=" \n")

    with pytest.raises(ReplyInvalid, match="without an answer"):
        await play_of(tmp_path, act).run(prompt="do it")


async def test_another_agent_than_the_claude_cli_is_refused(tmp_path: Path) -> None:
    play = GraphPlay(WORKFLOW, tmp_path, FakeAgent(answers, offline=False))

    with pytest.raises(AgentMisconfigured, match="runs the Claude CLI, and the role claude is set to run on fake"):
        await play.run(prompt="do it")


async def test_where_the_workspace_cannot_be_noted_its_changes_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr("agents.workspace.changes.Workspace.baseline", fail)
    play, output = await played(tmp_path, writes)

    assert output.files is None
    assert any("its changes will be unknown: disk full" in line for line in told(play))
    assert play.found("claude")[0].message.startswith("changes unknown; ")


def test_its_diagram_goes_from_survey_to_claude() -> None:
    lines = [line.strip() for line in mermaid(WORKFLOW).splitlines()]

    assert [line for line in lines if "-->" in line] == [
        "__start__ --> survey;",
        "survey --> claude;",
        "claude --> __end__;",
    ]
