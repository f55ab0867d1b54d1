from pathlib import Path

import pytest

from agents.command_runner import CommandRunner, command_runner
from agents.scripted_agent import ScriptedAgent
from tests.workflows.graph_play import GraphPlay
from workflows.run_claude.contract import WORKFLOW, RunClaudeOutput
from workflows.run_claude.offline import script_for

pytestmark = pytest.mark.anyio


async def played(workspace: Path, **arguments: object) -> RunClaudeOutput:
    async with command_runner() as runner:
        return await _played(workspace, runner, arguments)


async def _played(workspace: Path, runner: CommandRunner, arguments: dict[str, object]) -> RunClaudeOutput:
    play = GraphPlay(WORKFLOW, workspace, ScriptedAgent(script_for, runner.run))
    output = await play.run(None, prompt="whatever", **arguments)
    assert isinstance(output, RunClaudeOutput)
    assert "without a model: the wording of the prompt was ignored" in output.answer
    return output


async def test_it_writes_a_program_and_really_runs_it(tmp_path: Path) -> None:
    output = await played(tmp_path)

    assert "printed the right temperatures" in output.answer
    assert [(file.path, file.change) for file in output.files or ()] == [("temperature.py", "added")]
    (command,) = output.commands
    assert command.ok
    assert command.command.endswith("-B temperature.py")


async def test_it_leaves_what_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / "temperature.py").write_text("mine")

    output = await played(tmp_path)

    assert (tmp_path / "temperature.py").read_text() == "mine"
    assert [file.path for file in output.files or ()] == ["temperature_2.py"]


async def test_without_a_shell_it_does_not_claim_to_have_run_it(tmp_path: Path) -> None:
    output = await played(tmp_path, allowed_tools=["Write"])

    assert "did not run it" in output.answer
    assert output.commands == []


async def test_without_a_tool_that_writes_whole_files_nothing_is_written(tmp_path: Path) -> None:
    output = await played(tmp_path, allowed_tools=["Edit", "Bash"])

    assert "Nothing was written" in output.answer
    assert output.files == []


async def test_where_it_may_only_read_it_reads(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("one\ntwo\n")

    output = await played(tmp_path, allowed_tools=["Read", "Glob"])

    assert "There are 1 files at the top of the workspace. `notes.txt` has 2 lines." in output.answer
    assert output.files == []


async def test_where_nothing_of_the_workspace_may_be_touched_nothing_is(tmp_path: Path) -> None:
    output = await played(tmp_path, allowed_tools=["WebFetch"])

    assert "nothing was done" in output.answer
