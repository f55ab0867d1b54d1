import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import anyio
import pytest

from agents.agent import AgentTask
from agents.command_runner import RunCommand
from agents.errors import (
    AgentError,
    CostLimitReached,
    RateLimited,
    ReplyInvalid,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.events import Progressed
from agents.script import Act, Edit, Fail, Run, Script, Step, Turn, Write
from agents.workspace.changes import Workspace
from tests.descendants import processes_with_marker
from tests.waiting import until
from tests.workflows.graph_play import RUN_ID, GraphPlay
from workflows.build_feature.contract import WORKFLOW, BuildFeatureOutput
from workflows.build_feature.decision import AgentName
from workflows.observed import last_look
from workflows.observed.file_changed import FileChanged

pytestmark = pytest.mark.anyio

TESTS = """\
import unittest
from a import f

class T(unittest.TestCase):
    def test_f(self) -> None:
        self.assertEqual(f(), 1)
"""
RUN_TESTS = Run((sys.executable, "-B", "-m", "unittest"), shown="python -B -m unittest")
APPROVED: dict[str, object] = {"verdict": "approved", "summary": "fine", "findings": []}
CHANGES: dict[str, object] = {
    "verdict": "changes_requested",
    "summary": "wrong",
    "findings": [
        {"file": "a.py", "line": 2, "severity": "high", "claim": "f() is 2", "suggestion": "return 1", "fixed": False}
    ],
}


def decides(*names: str) -> list[Turn]:
    """A supervisor that decides on these, one after the other."""
    return [
        Turn(
            data={
                "analysis": f"analysis {number}",
                "reasoning": f"because {name} is needed",
                "confidence": 0.8,
                "next_agent": name,
                "instructions": f"{name}, do it",
            }
        )
        for number, name in enumerate(names, 1)
    ]


def init_repository(directory: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=directory, check=True, timeout=5)


def builds(*steps: Step) -> Turn:
    return Turn(steps=steps, text="built")


def script(supervisor: Sequence[Turn], **roles: Sequence[Turn]) -> Script:
    usual: dict[str, Sequence[Turn]] = {
        "research": [Turn(text="# Notes\n\nnothing there")] * 9,
        "architect": [Turn(text="## Components\n\n- **f** (`a.py`): gives 1")] * 9,
        "codesmith": [builds()] * 9,
        "reviewfix": [Turn(data=APPROVED)] * 9,
        "responder": [Turn(text="the answer")],
    }
    return {**usual, "supervisor": supervisor, **roles}


async def played(
    workspace: Path, run_command: RunCommand, supervisor: Sequence[str], **roles: Sequence[Turn]
) -> tuple[GraphPlay, BuildFeatureOutput]:
    play = GraphPlay.of(WORKFLOW, workspace, script(decides(*supervisor), **roles), run_command)
    output = await play.run(task="Build f")
    assert isinstance(output, BuildFeatureOutput)
    return play, output


async def test_the_supervisor_analyses_decides_and_routes(tmp_path: Path, run_command: RunCommand) -> None:
    play, _ = await played(tmp_path, run_command, ["codesmith", "finish"])

    analysis, decision, routing = play.supervisor[:3]
    assert [report.event_type for report in play.supervisor] == ["analysis", "decision", "routing"] * 2
    assert (analysis.reasoning, analysis.next_agent) == ("analysis 1", "")
    assert (decision.reasoning, decision.confidence, decision.next_agent) == (
        "because codesmith is needed",
        0.8,
        "codesmith",
    )
    assert (routing.next_agent, routing.instructions) == ("codesmith", "codesmith, do it")


@pytest.mark.parametrize("agent", get_args(AgentName))
async def test_each_agent_can_be_reached(tmp_path: Path, run_command: RunCommand, agent: AgentName) -> None:
    play, output = await played(tmp_path, run_command, [agent, "finish"])

    assert play.nodes[:3] == ["survey", "supervisor", agent]
    assert play.nodes[-1] == "responder"
    assert output.rounds[0].agent == agent
    assert output.rounds[0].instructions == f"{agent}, do it"
    assert output.answer == "the answer"


async def test_the_usual_way_goes_through_everybody(tmp_path: Path, run_command: RunCommand) -> None:
    order = ["research", "architect", "codesmith", "reviewfix"]

    play, output = await played(tmp_path, run_command, [*order, "finish"])

    assert [done.agent for done in output.rounds] == [*order, "responder"]
    assert [name for name in play.nodes if name not in {"supervisor", "survey"}] == [*order, "responder"]
    assert [report.text for report in play.artifacts("research.md")] == ["# Notes\n\nnothing there"]
    assert [report.text for report in play.artifacts("answer.md")] == ["the answer"]
    assert play.found("architect")[0].details["components"] == ["f"]


async def test_the_next_agent_sees_what_the_one_before_found(tmp_path: Path, run_command: RunCommand) -> None:
    asked: list[AgentTask] = []

    def design(task: AgentTask) -> Turn:
        asked.append(task)
        return Turn(text="design")

    supervisor = decides("research", "architect", "finish")
    play = GraphPlay.of(WORKFLOW, tmp_path, {**script(supervisor), "architect": design}, run_command)
    await play.run(task="Build f", constraints=["no dependencies"])

    (task,) = asked
    assert "nothing there" in task.prompt
    assert "no dependencies" in task.prompt
    assert "architect, do it" in task.prompt
    assert (task.access, task.run_id, task.workspace) == ("read", RUN_ID, tmp_path)


async def test_changes_are_requested_made_and_approved(tmp_path: Path, run_command: RunCommand) -> None:
    wrong = "def f() -> int:\n    return 2\n"
    codesmith = [
        builds(Write("a.py", wrong), Write("test_a.py", TESTS), RUN_TESTS),
        builds(Edit("a.py", "return 2", "return 1"), RUN_TESTS),
    ]
    reviewfix = [Turn(steps=(RUN_TESTS,), data=CHANGES), Turn(steps=(RUN_TESTS,), data=APPROVED)]
    order = ["codesmith", "reviewfix", "codesmith", "reviewfix"]

    play, output = await played(tmp_path, run_command, [*order, "finish"], codesmith=codesmith, reviewfix=reviewfix)

    assert [done.agent for done in output.rounds] == [*order, "responder"]
    assert [run.passed for run in output.tests_run] == [False, False, True, True]
    assert {run.command for run in output.tests_run} == {"python -B -m unittest"}
    assert "FAILED (failures=1)" in output.tests_run[0].output
    assert output.review is not None
    assert output.review.verdict == "approved"
    assert [report.text.count('"f() is 2"') for report in play.artifacts("review.json")] == [1, 0]
    assert "+    return 1" in output.diff
    assert "return 2" not in output.diff


@pytest.mark.parametrize("repository", [True, False])
async def test_files_and_diff_are_observed_not_claimed(
    tmp_path: Path, run_command: RunCommand, *, repository: bool
) -> None:
    (tmp_path / "old.py").write_text("x = 1\n")
    (tmp_path / "gone.py").write_text("x = 1\n")
    if repository:
        init_repository(tmp_path)
    removes = Run((sys.executable, "-c", "import os; os.remove('gone.py')"))
    codesmith = [builds(Write("new.py", "y = 1\n"), Edit("old.py", "x = 1", "x = 2"), removes)]

    play, output = await played(tmp_path, run_command, ["codesmith", "finish"], codesmith=codesmith)

    assert output.files == [
        FileChanged(path="gone.py", change="deleted"),
        FileChanged(path="new.py", change="added"),
        FileChanged(path="old.py", change="modified"),
    ]
    assert "-x = 1\n+x = 2\n" in output.diff
    assert [report.text for report in play.artifacts("changes.diff")] == [output.diff]
    details = play.found("codesmith")[0].details
    assert (details["language"], details["has_tests"]) == ("Python", False)
    assert (details["lines_added"], details["lines_removed"]) == (2, 2)
    assert output.tests_run == []


async def test_what_nobody_did_is_not_in_the_output(tmp_path: Path, run_command: RunCommand) -> None:
    play, output = await played(tmp_path, run_command, ["finish"])

    assert (output.files, output.diff, output.review, output.tests_run) == ([], "", None, [])
    assert play.artifacts("changes.diff") == []
    assert [done.agent for done in output.rounds] == ["responder"]


async def test_the_reviewers_own_fix_is_in_the_diff(tmp_path: Path, run_command: RunCommand) -> None:
    codesmith = [builds(Write("a.py", "x = 1\n"))]
    reviewfix = [Turn(steps=(Edit("a.py", "x = 1", "x = 2"),), data=APPROVED)]

    play, output = await played(
        tmp_path, run_command, ["codesmith", "reviewfix", "finish"], codesmith=codesmith, reviewfix=reviewfix
    )

    assert "+x = 2" in output.diff
    assert [report.agent for report in play.artifacts("changes.diff")] == ["codesmith", "reviewfix"]


async def test_a_supervisor_that_goes_round_is_overruled_and_it_is_said(
    tmp_path: Path, run_command: RunCommand
) -> None:
    play, output = await played(tmp_path, run_command, ["codesmith"] * 5)

    assert [done.agent for done in output.rounds] == ["codesmith"] * 3 + ["reviewfix", "responder"]
    overruled = [report for report in play.supervisor if "was decided on" in report.reasoning]
    assert [(report.event_type, report.next_agent, report.confidence) for report in overruled] == [
        ("decision", "reviewfix", None),
        ("routing", "reviewfix", None),
        ("decision", "responder", None),
        ("routing", "responder", None),
    ]
    wanted = [report.next_agent for report in play.supervisor if report.confidence and report.event_type == "decision"]
    assert wanted == ["codesmith"] * 5


async def test_the_number_of_rounds_is_bounded(tmp_path: Path, run_command: RunCommand) -> None:
    order = ["research", "architect"] * 2 + ["reviewfix"] * 3 + ["codesmith"] * 3

    play, output = await played(tmp_path, run_command, order)

    assert [done.agent for done in output.rounds] == [*order[:9], "responder"]
    assert "limit of 9 rounds" in play.supervisor[-1].reasoning


async def test_the_answer_is_the_end_even_if_the_supervisor_is_not_done(
    tmp_path: Path, run_command: RunCommand
) -> None:
    play, _ = await played(tmp_path, run_command, ["responder", "codesmith"])

    assert play.nodes == ["survey", "supervisor", "responder"]


async def test_a_run_without_an_answer_does_not_end_well(tmp_path: Path, run_command: RunCommand) -> None:
    with pytest.raises(ReplyInvalid, match="without an answer"):
        await played(tmp_path, run_command, ["finish"], responder=[Turn(text="  \n")])


async def test_an_agent_that_delivers_nothing_is_told_of_as_such(tmp_path: Path, run_command: RunCommand) -> None:
    empty = [Turn(text=" ")]

    play, output = await played(
        tmp_path, run_command, ["research", "architect", "finish"], research=empty, architect=empty
    )

    assert [done.outcome for done in output.rounds[:2]] == ["delivered no notes", "delivered no design"]
    assert play.artifacts("research.md") + play.artifacts("design.md") == []


@pytest.mark.parametrize("agent", [*get_args(AgentName), "supervisor"])
async def test_an_agents_error_ends_the_run_unchanged(tmp_path: Path, run_command: RunCommand, agent: str) -> None:
    error = RateLimited("too many requests", partial="so far")
    roles = {**script(decides(agent)), agent: [Turn(steps=(Fail(error),))]}
    play = GraphPlay.of(WORKFLOW, tmp_path, roles, run_command)

    with pytest.raises(AgentError) as caught:
        await play.run(task="Build f")

    assert caught.value is error


async def test_a_review_in_another_shape_ends_the_run(tmp_path: Path, run_command: RunCommand) -> None:
    with pytest.raises(ReplyInvalid, match="Review"):
        await played(tmp_path, run_command, ["reviewfix"], reviewfix=[Turn(data={"verdict": "maybe"})])


async def test_changes_that_cannot_be_read_are_said_and_not_left_out(tmp_path: Path, run_command: RunCommand) -> None:
    init_repository(tmp_path)
    breaks = Run((sys.executable, "-c", "import os; os.remove('.git/HEAD')"))

    play, output = await played(tmp_path, run_command, ["codesmith", "finish"], codesmith=[builds(breaks)])

    problems = [said.message for said in play.said("codesmith") if isinstance(said, Progressed)]
    assert ["What changed could not be read" in problem for problem in problems] == [True]
    assert output.diff.startswith("# What changed could not be read")
    assert output.rounds[0].outcome == "changes unknown, no tests run"


async def test_cancelling_in_the_middle_of_a_command_leaves_no_process(tmp_path: Path, run_command: RunCommand) -> None:
    waits = "import pathlib, time; pathlib.Path('started').touch(); time.sleep(60)"
    codesmith = [builds(Run((sys.executable, "-c", waits)))]
    roles = script(decides("codesmith"), codesmith=codesmith)
    play = GraphPlay.of(WORKFLOW, tmp_path, roles, run_command)

    task = asyncio.create_task(play.run(task="Build f"))
    await until((tmp_path / "started").exists, within=10)
    assert processes_with_marker(RUN_ID)
    task.cancel()
    with anyio.fail_after(10), pytest.raises(asyncio.CancelledError):
        await task

    assert processes_with_marker(RUN_ID) == []


async def test_what_is_in_the_workspace_stays_out_of_states_and_events(tmp_path: Path, run_command: RunCommand) -> None:
    (tmp_path / ".env").write_text("PASSWORD=hunter2\n")
    codesmith = [builds(Write("a.py", "x = 1\n"))]

    play, output = await played(tmp_path, run_command, ["codesmith", "finish"], codesmith=codesmith)

    assert [file.path for file in output.files] == ["a.py"]
    assert "hunter2" not in f"{play.state} {play.updates} {play.reports}"


async def test_where_the_workspace_cannot_be_noted_the_work_goes_on_and_its_changes_are_unknown(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: Workspace) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(Workspace, "baseline", full)
    play, output = await played(
        tmp_path, run_command, ["codesmith", "finish"], codesmith=[builds(Write("a.py", "x = 1\n"))]
    )

    (problem,) = [said.message for said in play.said("supervisor") if isinstance(said, Progressed)]
    assert problem.endswith("will be unknown: no space left")
    assert output.rounds[0].outcome == "changes unknown, no tests run"


async def test_files_seen_before_stay_when_a_later_comparison_fails(tmp_path: Path, run_command: RunCommand) -> None:
    init_repository(tmp_path)
    breaks = Run((sys.executable, "-c", "import os; os.remove('.git/HEAD')"))
    codesmith = [builds(Write("a.py", "x = 1\n")), builds(breaks)]

    _, output = await played(tmp_path, run_command, ["codesmith", "codesmith", "finish"], codesmith=codesmith)

    assert output.files == [FileChanged(path="a.py", change="added")]
    assert output.diff.startswith("# What changed could not be read")


@pytest.mark.parametrize("error", [RateLimited("no"), CostLimitReached("no"), TimeLimitReached("no")])
@pytest.mark.parametrize("agent", ["codesmith", "reviewfix"])
async def test_what_an_agent_has_left_that_fails_is_reported(
    tmp_path: Path, run_command: RunCommand, agent: str, error: AgentError
) -> None:
    leaves = (Write("a.py", "def f() -> int:\n    return 2\n"), Write("test_a.py", TESTS), RUN_TESTS, Fail(error))
    roles = {**script(decides(agent)), agent: [Turn(steps=leaves)]}
    play = GraphPlay.of(WORKFLOW, tmp_path, roles, run_command)

    with pytest.raises(AgentError) as caught:
        await play.run(task="Build f")

    assert caught.value is error
    (diff,) = play.artifacts("changes.diff")
    assert "+    return 2" in diff.text
    (found,) = play.found(agent)
    assert found.message == "failed, and left: 2 files changed since the run began (+8 -0 lines, Python), tests failed"
    assert found.details["files"] == ["added a.py", "added test_a.py"]
    assert "'command': 'python -B -m unittest', 'passed': False" in str(found.details["tests"])


async def test_the_workspace_of_an_agent_that_fails_is_not_looked_at_for_ever(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(*_: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(Workspace, "changes_since", endless)
    monkeypatch.setattr(last_look, "LAST_LOOK_SECONDS", 0.05)
    roles = script(decides("codesmith"), codesmith=[builds(Fail(RateLimited("no")))])
    play = GraphPlay.of(WORKFLOW, tmp_path, roles, run_command)

    with anyio.fail_after(5), pytest.raises(RateLimited):
        await play.run(task="Build f")

    assert "could not be seen in time" in str(play.said("codesmith")[-1])


def remembering(prompts: list[str], turns: Sequence[Turn]) -> list[Turn | Act]:
    """The same turns, and what was asked for each."""

    def act(turn: Turn) -> Act:
        return lambda task: (prompts.append(task.prompt), turn)[1]

    return [act(turn) for turn in turns]


async def test_an_agent_that_reaches_its_limit_of_turns_has_its_round_and_the_supervisor_decides(
    tmp_path: Path, run_command: RunCommand
) -> None:
    stops = Fail(TurnLimitReached("It used its 60 turns.", partial="I have written a.py and\nwas about to test it."))
    turns = iter([builds(Write("a.py", "x = 1\n"), RUN_TESTS, stops), builds()])  # one that broke off is played again
    asked: list[str] = []
    supervisor = remembering(asked, decides("codesmith", "codesmith", "finish"))

    def codesmith(_: AgentTask) -> Turn:
        return next(turns)

    roles: Script = {**script([]), "supervisor": supervisor, "codesmith": codesmith}
    play = GraphPlay.of(WORKFLOW, tmp_path, roles, run_command)

    output = await play.run(task="Build f")

    assert isinstance(output, BuildFeatureOutput)
    assert [(done.agent, done.finished) for done in output.rounds] == [
        ("codesmith", False),
        ("codesmith", True),
        ("responder", True),
    ]
    outcome = output.rounds[0].outcome
    assert outcome.startswith("stopped before it was done: It used its 60 turns. 1 file changed since the run began")
    assert outcome.endswith("; its last words: I have written a.py and was about to test it.")
    assert outcome in asked[1]
    assert output.files == [FileChanged(path="a.py", change="added")]
    assert len(output.tests_run) == 1
    assert output.answer == "the answer"


async def test_half_of_a_text_does_not_replace_a_whole_one(tmp_path: Path, run_command: RunCommand) -> None:
    stops = Fail(TurnLimitReached("no more turns", partial="half"))
    halves = [Turn(text="whole"), Turn(steps=(stops,))]
    order = ["research", "architect"] * 2

    play, output = await played(tmp_path, run_command, [*order, "finish"], research=halves, architect=halves)

    assert [(done.agent, done.finished) for done in output.rounds[2:4]] == [("research", False), ("architect", False)]
    assert (play.state["research"], play.state["design"]) == ("whole", "whole")
    assert "its last words: half" in output.rounds[2].outcome


async def test_half_a_text_is_better_than_none(tmp_path: Path, run_command: RunCommand) -> None:
    stops = Turn(steps=(Fail(TurnLimitReached("no more turns", partial="half")),))

    play, _ = await played(tmp_path, run_command, ["research", "finish"], research=[stops])

    assert play.state["research"] == "half"


async def test_code_whose_review_was_stopped_is_not_reviewed(tmp_path: Path, run_command: RunCommand) -> None:
    stops = Turn(steps=(Edit("a.py", "1", "2"), Fail(TurnLimitReached("no more turns"))))
    asked: list[str] = []
    supervisor = remembering(asked, decides("codesmith", "reviewfix", "finish"))
    codesmith = [builds(Write("a.py", "x = 1\n"))]
    roles = {**script([], codesmith=codesmith, reviewfix=[stops]), "supervisor": supervisor}
    play = GraphPlay.of(WORKFLOW, tmp_path, roles, run_command)

    output = await play.run(task="Build f")

    assert isinstance(output, BuildFeatureOutput)
    assert output.review is None
    assert "+x = 2" in output.diff
    assert "The newest code is reviewed: no." in asked[2]


@pytest.mark.parametrize("agent", ["supervisor", "responder"])
async def test_without_a_decision_or_an_answer_the_limit_of_turns_ends_the_run(
    tmp_path: Path, run_command: RunCommand, agent: str
) -> None:
    roles = {**script(decides("finish")), agent: [Turn(steps=(Fail(TurnLimitReached("no more turns")),))]}

    with pytest.raises(TurnLimitReached):
        await GraphPlay.of(WORKFLOW, tmp_path, roles, run_command).run(task="Build f")


async def test_agents_that_reach_their_limit_again_and_again_do_not_go_on_for_ever(
    tmp_path: Path, run_command: RunCommand
) -> None:
    stops = [Turn(steps=(Fail(TurnLimitReached("no more turns")),))] * 9

    _, output = await played(tmp_path, run_command, ["codesmith"] * 9, codesmith=stops, reviewfix=stops)

    assert [done.agent for done in output.rounds] == ["codesmith"] * 3 + ["reviewfix"] * 3 + ["responder"]


def says_fixed() -> dict[str, object]:
    finding = {"file": "a.py", "line": 1, "severity": "low", "claim": "c", "suggestion": "s", "fixed": True}
    return {"verdict": "approved", "summary": "all fixed", "findings": [finding]}


async def test_a_reviewers_claim_that_nobody_saw_is_told_as_a_claim(tmp_path: Path, run_command: RunCommand) -> None:
    asked: list[str] = []
    supervisor = remembering(asked, decides("codesmith", "reviewfix", "finish"))
    reviewfix = [Turn(data=says_fixed())]
    codesmith = [builds(Write("a.py", "x = 1\n"))]
    roles = {**script([], codesmith=codesmith, reviewfix=reviewfix), "supervisor": supervisor}
    play = GraphPlay.of(WORKFLOW, tmp_path, roles, run_command)

    output = await play.run(task="Build f")

    assert isinstance(output, BuildFeatureOutput)
    assert output.review is not None
    assert [finding.fixed for finding in output.review.findings] == [False]
    assert '"fixed": false' in play.artifacts("review.json")[0].text
    outcome = output.rounds[1].outcome
    assert outcome == (
        "approved, findings: 1 low; no tests run; claims 1 fixed, but no file changed; approved although: no tests run"
    )
    assert play.found("reviewfix")[0].details["fixed"] == 0
    assert "The last review approves, but no test run was observed." in asked[2]


async def test_a_reviewers_fix_that_was_seen_and_tested_is_one(tmp_path: Path, run_command: RunCommand) -> None:
    codesmith = [builds(Write("a.py", "def f() -> int:\n    return 2\n"), Write("test_a.py", TESTS), RUN_TESTS)]
    reviewfix = [Turn(steps=(Edit("a.py", "return 2", "return 1"), RUN_TESTS), data=says_fixed())]

    _, output = await played(
        tmp_path, run_command, ["codesmith", "reviewfix", "finish"], codesmith=codesmith, reviewfix=reviewfix
    )

    assert output.review is not None
    assert [finding.fixed for finding in output.review.findings] == [True]
    assert output.rounds[1].outcome == "approved, findings: 1 low; 1 fixed; tests passed"
