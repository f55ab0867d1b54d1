import shlex
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from agents.agent import AgentTask
from agents.command_runner import CommandResult, CommandRunner
from agents.events import TextStreamed, ToolEnded, ToolStarted
from agents.processes.registry import ProcessRegistry
from agents.script import Glob, Script, Turn
from agents.scripted_agent import ScriptedAgent
from tests.descendants import processes_with_marker
from tests.workflows.graph_play import RUN_ID, GraphPlay
from workflows.build_feature import offline_files as files
from workflows.build_feature.contract import WORKFLOW, BuildFeatureOutput
from workflows.build_feature.offline import build_feature_script
from workflows.offline_scripts import offline_agent

pytestmark = pytest.mark.anyio


@pytest.fixture
async def children() -> AsyncGenerator[ProcessRegistry]:
    registry = ProcessRegistry()
    yield registry
    await registry.close()


async def played(workspace: Path, children: ProcessRegistry) -> tuple[GraphPlay, BuildFeatureOutput]:
    agent = offline_agent([WORKFLOW], CommandRunner(children).run)
    play = GraphPlay(WORKFLOW, workspace, agent)
    output = await play.run(task="Whatever it says here")
    assert isinstance(output, BuildFeatureOutput)
    return play, output


def run_python(directory: Path, *arguments: str) -> str:
    command = [sys.executable, "-B", *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout + done.stderr


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_the_tests_it_writes_really_pass(tmp_path: Path, children: ProcessRegistry) -> None:
    await played(tmp_path, children)

    told = run_python(tmp_path, "-m", "unittest", "discover", "-s", "slugs")
    assert "Ran 12 tests" in told
    assert told.endswith("\n\nOK\n")


async def test_it_goes_round_because_of_what_the_review_really_finds(tmp_path: Path, children: ProcessRegistry) -> None:
    play, output = await played(tmp_path, children)

    order = ["research", "architect", "codesmith", "reviewfix", "codesmith", "reviewfix", "responder"]
    assert [done.agent for done in output.rounds] == order
    outputs = [said.output for said in play.said("reviewfix") if isinstance(said, ToolEnded) and said.tool == "Bash"]
    assert [text for text in outputs if text in {"cr-me-br-l-e", "creme-brulee"}] == ["cr-me-br-l-e", "creme-brulee"]
    first, second = play.artifacts("review.json")
    assert "cr-me-br-l-e" in first.text
    assert '"changes_requested"' in first.text
    assert '"approved"' in second.text


async def test_its_second_round_sees_its_new_tests_fail_first(tmp_path: Path, children: ProcessRegistry) -> None:
    _, output = await played(tmp_path, children)

    assert [run.passed for run in output.tests_run] == [True, True, False, True, True]
    assert "FAILED (failures=3)" in output.tests_run[2].output


async def test_it_says_plainly_that_it_is_scripted(tmp_path: Path, children: ProcessRegistry) -> None:
    play, output = await played(tmp_path, children)

    assert "without a model: the wording of the task was ignored" in output.answer
    assert play.agent.offline
    streamed = "".join(said.text for said in play.said("responder") if isinstance(said, TextStreamed))
    assert streamed.strip() == output.answer


async def test_the_example_in_its_answer_is_true(tmp_path: Path, children: ProcessRegistry) -> None:
    _, output = await played(tmp_path, children)

    line = next(line for line in output.answer.splitlines() if line.startswith("slugify("))
    call, _, promised = line.partition("#")
    code = f"from slugify import slugify; print({call})"

    assert run_python(tmp_path / "slugs", "-c", code).strip() == promised.strip()


async def test_nothing_of_the_users_is_touched(tmp_path: Path, children: ProcessRegistry) -> None:
    (tmp_path / "slugs").write_text("mine")
    (tmp_path / "slugs_2").mkdir()
    (tmp_path / "slugs_2" / "slugify.py").write_text("mine too")
    (tmp_path / "slugs_3").symlink_to("nowhere")

    _, output = await played(tmp_path, children)

    assert (tmp_path / "slugs").read_text() == "mine"
    assert (tmp_path / "slugs_2" / "slugify.py").read_text() == "mine too"
    assert {file.path for file in output.files} == {"slugs_4/slugify.py", "slugs_4/test_slugify.py"}
    assert {file.change for file in output.files} == {"added"}
    assert "\n\nOK\n" in run_python(tmp_path, "-m", "unittest", "discover", "-s", "slugs_4")


async def test_the_commands_it_shows_name_the_python_that_ran(tmp_path: Path, children: ProcessRegistry) -> None:
    play, output = await played(tmp_path, children)

    python = Path(sys.executable).name
    assert {run.command for run in output.tests_run} == {f"{python} -B -m unittest discover -s slugs"}
    started = [said for said in play.said("reviewfix") if isinstance(said, ToolStarted) and said.tool == "Bash"]
    shown = [shlex.split(str(said.input["command"])) for said in started]
    assert {words[0] for words in shown} == {python}
    assert "run them with `python3 -B -m unittest discover -s slugs`" in output.answer
    assert "`python3 -B -m unittest discover -s slugs`" in play.artifacts("design.md")[0].text


async def test_two_runs_in_one_workspace_do_not_meet(tmp_path: Path, children: ProcessRegistry) -> None:
    for _ in range(2):
        await played(tmp_path, children)

    assert names_in(tmp_path) == ["slugs", "slugs_2"]


async def test_it_leaves_no_process_and_no_clutter(tmp_path: Path, children: ProcessRegistry) -> None:
    await played(tmp_path, children)

    assert processes_with_marker(RUN_ID) == []
    assert names_in(tmp_path / "slugs") == ["slugify.py", "test_slugify.py"]


async def test_where_no_command_can_be_run_it_does_not_claim_success(tmp_path: Path) -> None:
    async def broken(*_: object, **__: object) -> CommandResult:
        return CommandResult(exit_code=1, stdout=b"", stderr="python is broken", seconds=0.0)

    play = GraphPlay(WORKFLOW, tmp_path, ScriptedAgent(lambda task: build_feature_script(task.workspace), broken))
    output = await play.run(task="Whatever")

    assert isinstance(output, BuildFeatureOutput)
    assert output.review is not None
    assert output.review.verdict == "changes_requested"
    assert "is not approved; the last test run failed" in output.answer
    assert "slugify(" not in output.answer.partition("```")[2]
    assert {run.passed for run in output.tests_run} == {False}


async def test_where_nothing_can_be_written_it_does_not_claim_success(
    tmp_path: Path, children: ProcessRegistry
) -> None:
    def script_for(task: AgentTask) -> Script:
        script = build_feature_script(task.workspace)
        (tmp_path / "slugs").write_text("somebody was faster")
        return script

    play = GraphPlay(WORKFLOW, tmp_path, ScriptedAgent(script_for, CommandRunner(children).run))
    output = await play.run(task="Whatever")

    assert isinstance(output, BuildFeatureOutput)
    assert "is not approved" in output.answer
    assert (tmp_path / "slugs").read_text() == "somebody was faster"
    assert "Write failed" in play.state["work"] or "Edit failed" in play.state["work"]


def test_every_change_of_the_second_round_finds_its_place() -> None:
    module, tests = files.MODULE, files.TESTS
    for old, new in (
        (files.IMPORT, files.IMPORT_AFTER),
        (files.LOWER, files.LOWER_AFTER),
        (files.END, files.END_AFTER),
        (files.RETURNS, files.RETURNS_AFTER),
    ):
        assert module.count(old) == 1
        module = module.replace(old, new)
    assert tests.count(files.TEST_ANCHOR) == 1
    compile(module, "slugify.py", "exec")


def test_the_script_has_a_turn_for_every_role(tmp_path: Path) -> None:
    script = build_feature_script(tmp_path)

    assert set(script) == {"supervisor", *(stage.name for stage in WORKFLOW.stages)}
    research = script["research"]
    assert not callable(research)
    assert isinstance(research[0], Turn)
    assert Glob("*") in research[0].steps
