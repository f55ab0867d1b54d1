import subprocess
import sys
from pathlib import Path

import pytest

from agents.agent import AgentReply, AgentTask
from agents.command_runner import CommandResult, RunCommand
from agents.events import Emit
from agents.script import Script
from agents.scripted_agent import ScriptedAgent
from tests.workflows.graph_play import GraphPlay
from workflows.collaborate import offline_files as files
from workflows.collaborate.contract import WORKFLOW, CollaborateOutput
from workflows.collaborate.offline import script_for
from workflows.offline_scripts import offline_agent

pytestmark = pytest.mark.anyio


async def played(workspace: Path, run_command: RunCommand, **arguments: object) -> tuple[GraphPlay, CollaborateOutput]:
    play = GraphPlay(WORKFLOW, workspace, offline_agent([WORKFLOW], run_command))
    output = await play.run(None, task="Whatever it says here", **arguments)
    assert isinstance(output, CollaborateOutput)
    return play, output


def printed_by(directory: Path, *arguments: str) -> str:
    command = [sys.executable, "-B", *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True, timeout=30)
    return (done.stdout + done.stderr).strip()


async def test_it_goes_back_because_of_what_is_really_in_the_code(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command)

    loop = ["coder", "reviewer", "refiner", "reviewer", "tester", "documenter", "conclude"]
    assert play.nodes == ["survey", "architect", *loop]
    assert output.review is not None
    assert output.review.verdict == "approved"
    assert [found.severity for found in output.review.findings] == ["low"]
    assert (output.refinements, output.remarks) == (1, [])
    assert output.tests is not None
    assert [run.passed for run in output.tests.runs] == [True]
    assert "Ran 5 tests" in output.tests.runs[0].output
    assert sorted(path.name for path in (tmp_path / "durations").iterdir()) == [
        "README.md",
        "durations.py",
        "test_durations.py",
    ]


async def test_unrefined_its_tests_really_fail_and_its_example_does_not_hold(
    tmp_path: Path, run_command: RunCommand
) -> None:
    _, output = await played(tmp_path, run_command, max_refinements=0)

    assert output.review is not None
    assert output.review.verdict == "changes_requested"
    assert output.tests is not None
    assert output.tests.passed is False
    assert "The example does not hold" in output.documentation
    assert output.answer.startswith("Changes requested by the review, tests failed.")


async def test_without_tests_none_are_written(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command, with_tests=False)

    assert "tester" not in play.nodes
    assert [file.path for file in output.files] == ["durations/README.md", "durations/durations.py"]


REFINED = (
    files.MODULE.replace(files.RETURNS, files.RETURNS_AFTER)
    .replace(files.FAULTY_BEGIN, files.BEGIN_AFTER)
    .replace(files.FAULTY_PART, files.PART_AFTER)
)


@pytest.mark.parametrize(
    ("source", "number"), [(files.MODULE, "-5"), (files.MODULE, "60"), (REFINED, "90.5")], ids=lambda value: value[-5:]
)
async def test_every_claim_of_its_review_is_true(
    tmp_path: Path, run_command: RunCommand, source: str, number: str
) -> None:
    (tmp_path / "durations.py").write_text(source)
    gives = printed_by(tmp_path, "-c", f"from durations import in_words; print(repr(in_words({number})))")
    (tmp_path / "durations.py").unlink()

    play, _ = await played(tmp_path, run_command)

    reviews = "".join(artifact.text for artifact in play.artifacts("review.json"))
    assert f"in_words({number}) gives {gives}" in reviews


async def test_it_says_that_it_is_scripted(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command)

    assert play.agent.offline
    for text in (output.design, output.documentation):
        assert "without a model: task and language were ignored" in text


async def test_nothing_of_the_users_is_touched(tmp_path: Path, run_command: RunCommand) -> None:
    (tmp_path / "durations").write_text("mine")

    _, output = await played(tmp_path, run_command)

    assert (tmp_path / "durations").read_text() == "mine"
    assert {file.path.partition("/")[0] for file in output.files} == {"durations_2"}


async def test_a_run_that_is_gone_on_with_stays_in_its_folder(tmp_path: Path, run_command: RunCommand) -> None:
    forgets = 0

    def script_of_a_new_process(task: AgentTask) -> Script:
        nonlocal forgets
        forgets += 1
        return script_for(task)

    class Forgetful(ScriptedAgent):
        async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
            return await ScriptedAgent(script_of_a_new_process, run_command).run(task, emit)

    play = GraphPlay(WORKFLOW, tmp_path, Forgetful(script_for, run_command))
    output = await play.run(task="Whatever")

    assert isinstance(output, CollaborateOutput)
    assert forgets == 7
    assert output.answer.startswith("Approved by the review after 1 refinement, tests passed.")
    assert {file.path.partition("/")[0] for file in output.files} == {"durations"}


async def test_where_nothing_can_be_written_or_run_it_does_not_claim_success(tmp_path: Path) -> None:
    async def broken(*_: object, **__: object) -> CommandResult:
        return CommandResult(exit_code=1, stdout=b"", stderr="python is broken", seconds=0.0)

    def taken(task: AgentTask) -> Script:
        script = script_for(task)
        (tmp_path / "durations").write_text("somebody was faster")
        return script

    play = GraphPlay(WORKFLOW, tmp_path, ScriptedAgent(taken, broken))
    output = await play.run(task="Whatever")

    assert isinstance(output, CollaborateOutput)
    assert output.review is not None
    assert output.review.verdict == "changes_requested"
    assert output.refinements == 2
    assert "The example does not hold" in output.documentation
    assert "Write failed" in "".join(str(update.get("work", "")) for _, update in play.updates)
