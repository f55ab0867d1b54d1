import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from agents.agent import AgentTask
from agents.command_runner import RunCommand
from agents.errors import CostLimitReached, RateLimited, TurnLimitReached
from agents.events import Progressed
from agents.script import Act, Edit, Fail, Run, Script, Step, Turn, Write
from agents.workspace.changes import Workspace
from tests.workflows.graph_play import GraphPlay
from workflows.collaborate.contract import MOST_REFINEMENTS, WORKFLOW, CollaborateOutput

pytestmark = pytest.mark.anyio

TESTS = """\
import unittest
from a import f

class T(unittest.TestCase):
    def test_f(self) -> None:
        self.assertEqual(f(), 1)
"""
RUN_TESTS = Run((sys.executable, "-B", "-m", "unittest"), shown="python -B -m unittest")
WRITES = Write("a.py", "def f():\n    return 2\n")
MENDS = Edit("a.py", "return 2", "return 1")


def finding(**changes: object) -> dict[str, object]:
    whole = {"file": "a.py", "line": 2, "severity": "high", "claim": "f() is 2", "suggestion": "return 1"}
    return whole | changes


def review(verdict: str, *findings: dict[str, object]) -> Turn:
    return Turn(data={"verdict": verdict, "summary": "as I see it", "findings": list(findings)})


APPROVES = review("approved")
ASKS = review("changes_requested", finding())


def does(*steps: Step, text: str = "done") -> Turn:
    return Turn(steps=steps, text=text)


def init_repository(directory: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=directory, check=True, timeout=5)


def script(**roles: Sequence[Turn | Act] | Act) -> Script:
    usual: dict[str, Sequence[Turn | Act] | Act] = {
        "architect": [Turn(text="## Components\n\n- **f** (`a.py`): gives 1")],
        "coder": [does(WRITES)],
        "reviewer": [APPROVES],
        "refiner": lambda _: does(MENDS),
        "tester": [does(Write("test_a.py", TESTS), RUN_TESTS)],
        "documenter": [does(Write("README.md", "# f\n"), text="# f\n\nIt gives 1.")],
    }
    return {**usual, **roles}


async def played(
    workspace: Path, run_command: RunCommand, *, roles: Script | None = None, **arguments: object
) -> tuple[GraphPlay, CollaborateOutput]:
    play = GraphPlay.of(WORKFLOW, workspace, script(**(roles or {})), run_command)
    output = await play.run(None, task="Write f", **arguments)
    assert isinstance(output, CollaborateOutput)
    return play, output


async def test_an_approved_version_is_tested_and_documented(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command)

    assert play.nodes == ["survey", "architect", "coder", "reviewer", "tester", "documenter", "conclude"]
    assert output.design.startswith("## Components")
    assert [file.path for file in output.files] == ["README.md", "a.py", "test_a.py"]
    assert output.written_in == "Python"
    assert "+    return 2" in output.code
    assert (output.refinements, output.remarks) == (0, [])
    assert output.documentation == "# f\n\nIt gives 1."


async def test_the_review_sends_it_back_until_it_approves(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command, roles={"reviewer": [ASKS, APPROVES]})

    assert play.nodes[3:6] == ["reviewer", "refiner", "reviewer"]
    assert output.refinements == 1
    assert output.review is not None
    assert (output.review.verdict, output.review.newest) == ("approved", True)
    assert output.tests is not None
    assert (output.tests.passed, output.tests.files) == (True, ["test_a.py"])
    assert output.answer.startswith("Approved by the review after 1 refinement, tests passed.")


@pytest.mark.parametrize("most", [0, 1, MOST_REFINEMENTS])
async def test_it_goes_back_no_more_often_than_allowed(tmp_path: Path, run_command: RunCommand, most: int) -> None:
    roles: Script = {"reviewer": lambda _: ASKS}
    play, output = await played(tmp_path, run_command, roles=roles, max_refinements=most)

    assert play.nodes.count("refiner") == output.refinements == most
    assert play.nodes.count("reviewer") == most + 1
    assert play.nodes[-3:] == ["tester", "documenter", "conclude"]
    assert "changes requested by the review" in output.answer.lower()
    assert "high: `a.py:2` f() is 2" in output.answer


async def test_without_tests_there_is_no_tester(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command, with_tests=False)

    assert "tester" not in play.nodes
    assert output.tests is None
    assert output.answer.startswith("Approved by the review, no tests wanted.")


async def test_failing_tests_are_told_as_they_are(tmp_path: Path, run_command: RunCommand) -> None:
    _, output = await played(tmp_path, run_command)

    assert output.tests is not None
    assert [run.passed for run in output.tests.runs] == [False]
    assert output.answer.startswith("Approved by the review, tests failed.")


async def test_an_approval_that_leaves_something_severe_open_is_none(tmp_path: Path, run_command: RunCommand) -> None:
    roles: Script = {"reviewer": [review("approved", finding()), APPROVES]}
    play, _ = await played(tmp_path, run_command, roles=roles)

    assert play.nodes.count("refiner") == 1
    told = play.found("reviewer")[0]
    assert "was given as approved, though a finding of severity high is open" in told.message
    assert told.details["verdict"] == "changes_requested"


async def test_findings_whose_places_do_not_exist_are_set_aside(tmp_path: Path, run_command: RunCommand) -> None:
    findings = [
        finding(severity="low", line=1),
        finding(file="b.py"),
        finding(line=3),
        finding(file="/etc/passwd", line=1),
        finding(file=str(tmp_path / "a.py"), line=None, severity="medium"),
    ]
    roles: Script = {"reviewer": [review("approved", *findings)]}
    play, output = await played(tmp_path, run_command, roles=roles)

    assert output.review is not None
    assert [(found.file, found.line) for found in output.review.findings] == [("a.py", None), ("a.py", 1)]
    assert [wrong.reason for wrong in output.review.misplaced] == [
        "there is no file b.py",
        "a.py has no line 3: it has 2",
        "'/etc/passwd' is no path in the workspace",
    ]
    assert "refiner" not in play.nodes
    assert "3 set aside, whose places do not exist" in play.found("reviewer")[0].message


async def test_files_are_what_was_written_and_not_what_was_claimed(tmp_path: Path, run_command: RunCommand) -> None:
    claims = does(text="I wrote b.py, and its tests pass.")
    roles: Script = {"coder": [claims], "tester": [claims], "documenter": [does(text="# b")]}
    _, output = await played(tmp_path, run_command, roles=roles)

    assert output.files == []
    assert output.code == ""
    assert output.tests is not None
    assert (output.tests.runs, output.tests.passed) == ([], None)
    assert output.answer == "Approved by the review, no tests run.\n\nNo file was changed."


STOPPED = Turn(steps=(Fail(TurnLimitReached("All 30 rounds are used.", partial="I was at")),))


async def test_a_reviewer_that_is_stopped_leaves_the_newest_code_unreviewed(
    tmp_path: Path, run_command: RunCommand
) -> None:
    def reviews(_: AgentTask) -> Turn:
        return ASKS if "return 2" in (tmp_path / "a.py").read_text() else STOPPED

    play, output = await played(tmp_path, run_command, roles={"reviewer": reviews})

    assert play.nodes[3:7] == ["reviewer", "refiner", "reviewer", "tester"]
    assert output.review is not None
    assert not output.review.newest
    assert "Changes requested by the review after 1 refinement (the last refinement was not reviewed)" in output.answer
    assert output.remarks == ["The reviewer was stopped before it was done: All 30 rounds are used."]
    assert "Findings before the last refinement" in output.answer


async def test_without_any_review_it_goes_on_and_says_so(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command, roles={"reviewer": lambda _: STOPPED})

    assert play.nodes[3:5] == ["reviewer", "tester"]
    assert output.review is None
    assert output.answer.startswith("Not reviewed, tests failed.")


async def test_a_stopped_architect_and_coder_are_worked_on_from(tmp_path: Path, run_command: RunCommand) -> None:
    half = does(WRITES, Fail(TurnLimitReached("All 50 rounds are used.", partial="half of it")))
    roles: Script = {"architect": lambda _: STOPPED, "coder": lambda _: half}
    play, output = await played(tmp_path, run_command, roles=roles)

    assert output.design == "I was at"
    assert [remark.partition(" was ")[0] for remark in output.remarks] == ["The architect", "The coder"]
    assert "a.py" in [file.path for file in output.files]
    assert play.found("coder")[0].message.startswith("stopped before it was done: All 50 rounds are used. 1 file")


async def test_who_changes_what_was_reviewed_is_named(tmp_path: Path, run_command: RunCommand) -> None:
    (tmp_path / "old.py").write_text("x = 1\n")
    tests = does(MENDS, Write("conftest.py", ""), Write("test_a.py", TESTS), RUN_TESTS)
    documents = does(Edit("old.py", "x = 1", "x = 2"), Write("docs/f.txt", "f"), text="# f")
    _, output = await played(tmp_path, run_command, roles={"tester": [tests], "documenter": [documents]})

    assert output.remarks == [
        "The tester changed what was reviewed before: a.py.",
        "The documenter changed what was reviewed before: old.py.",
    ]


async def test_each_stages_output_is_an_artifact_with_its_own_media_type(
    tmp_path: Path, run_command: RunCommand
) -> None:
    play, _ = await played(tmp_path, run_command, roles={"reviewer": [ASKS, APPROVES]})

    kinds = {
        "design.md": "text/markdown",
        "changes.diff": "text/x-diff",
        "review.json": "application/json",
        "tests.json": "application/json",
        "documentation.md": "text/markdown",
    }
    for name, media_type in kinds.items():
        assert {artifact.media_type for artifact in play.artifacts(name)} == {media_type}
    assert [orjson.loads(artifact.text)["verdict"] for artifact in play.artifacts("review.json")] == [
        "changes_requested",
        "approved",
    ]
    (tests,) = play.artifacts("tests.json")
    assert orjson.loads(tests.text)["passed"] is True


async def test_events_carry_what_was_observed(tmp_path: Path, run_command: RunCommand) -> None:
    play, _ = await played(tmp_path, run_command, roles={"reviewer": [review("approved", finding(severity="low"))]})

    (designed,), (coded,), (reviewed,), (tested,), (documented,) = (
        play.found(role) for role in ("architect", "coder", "reviewer", "tester", "documenter")
    )
    assert designed.details["components"] == ["f"]
    assert coded.details == {
        "language": "Python",
        "files": ["added a.py"],
        "lines_added": 2,
        "lines_removed": 0,
        "has_tests": False,
        "has_docstrings": False,
        "test_runs": 0,
        "tests_passed": None,
    }
    assert reviewed.details == {"verdict": "approved", "findings": 1, "severities": {"low": 1}, "misplaced": 0}
    assert (tested.details["has_tests"], tested.details["test_files"]) == (True, ["test_a.py"])
    assert tested.details["tests_passed"] is False
    assert documented.details["headings"] == ["f"]


async def test_who_fails_is_told_with_what_it_left(tmp_path: Path, run_command: RunCommand) -> None:
    fails = does(WRITES, Fail(RateLimited("Too many requests.")))
    play = GraphPlay.of(WORKFLOW, tmp_path, script(coder=[fails]), run_command)

    with pytest.raises(RateLimited):
        await play.run(task="Write f")

    (told,) = play.found("coder")
    assert told.message.startswith("failed, and left: 1 file changed")
    assert play.artifacts("changes.diff")


async def test_spent_money_ends_the_run(tmp_path: Path, run_command: RunCommand) -> None:
    roles: Script = {"refiner": [does(Fail(CostLimitReached("The money is spent.")))], "reviewer": [ASKS]}
    play = GraphPlay.of(WORKFLOW, tmp_path, script(**roles), run_command)

    with pytest.raises(CostLimitReached):
        await play.run(task="Write f")

    assert play.nodes[-1] == "reviewer"


async def test_where_changes_cannot_be_observed_nothing_is_claimed(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Workspace) -> str:
        raise PermissionError("no room")

    monkeypatch.setattr(Workspace, "baseline", fails)
    play, output = await played(tmp_path, run_command)

    (told,) = [said for said in play.said("architect") if isinstance(said, Progressed)]
    assert "changes will be unknown: no room" in told.message
    assert output.files == []
    assert output.code.startswith("# What changed could not be read")
    assert "Which files were changed could not be observed." in output.answer


async def test_it_works_in_a_git_repository_alike(tmp_path: Path, run_command: RunCommand) -> None:
    init_repository(tmp_path)
    (tmp_path / ".gitignore").write_text("*.log\n")
    roles: Script = {"coder": [does(WRITES, Write("a.log", "x"))], "reviewer": [ASKS, APPROVES]}
    _, output = await played(tmp_path, run_command, roles=roles)

    assert [file.path for file in output.files] == ["README.md", "a.py", "test_a.py"]
    assert output.remarks == []


async def test_the_reviewer_may_only_read(tmp_path: Path, run_command: RunCommand) -> None:
    writes = Turn(steps=(Write("b.py", ""), MENDS), data={"verdict": "approved", "summary": "", "findings": []})
    _, output = await played(tmp_path, run_command, roles={"reviewer": [writes]})

    assert "b.py" not in [file.path for file in output.files]
    assert (tmp_path / "a.py").read_text().endswith("return 2\n")
