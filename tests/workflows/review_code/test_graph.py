from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import orjson
import pytest

from agents.agent import AgentReply, AgentTask
from agents.command_runner import RunCommand
from agents.errors import AgentError, CostLimitReached, NotLoggedIn, RateLimited, ReplyInvalid
from agents.events import Emit, Progressed
from agents.review_roles import REVIEWERS
from agents.script import Act, Fail, Script, Turn, Write
from agents.workspace.git_tree import Comparison, GitFailed, GitWorkspace
from tests.agents.workspace.repositories import git, repository, what_its_user_has, write
from tests.fakes.agent import FakeAgent
from tests.workflows.graph_play import GraphPlay
from workflows.budget import Limits
from workflows.review_code import graph
from workflows.review_code.contract import WORKFLOW, ReviewCodeOutput, ReviewReply
from workflows.review_code.selection import MOST_DIFF_CHARACTERS
from workflows.review_code.state import ReviewDone
from workflows.runs.errors import InputRejected

pytestmark = pytest.mark.anyio

OLD = "def f():\n    return 1\n"
NEW = "import os\n\n\ndef f():\n    return 2\n"


def finding(**changes: object) -> dict[str, object]:
    whole = {"file": "a.py", "line": 5, "severity": "high", "claim": "f gives 2", "suggestion": "return 1"}
    return whole | changes


def reviews(*findings: dict[str, object], summary: str = "I have looked.") -> Turn:
    return Turn(data={"summary": summary, "findings": list(findings)})


NOTHING_FOUND = reviews()


def fails(error: AgentError) -> Turn:
    return Turn(steps=(Fail(error),))


def script(everybody: Turn | Act, **turns: Turn | Act) -> Script:
    usual = {role.name: [everybody] for role in REVIEWERS.values()}
    return {**usual, **{f"{aspect}_reviewer": [turn] for aspect, turn in turns.items()}}


async def played(
    workspace: Path,
    run_command: RunCommand,
    *,
    base: str = "",
    focus: Sequence[str] = (),
    everybody: Turn | Act = NOTHING_FOUND,
    **turns: Turn | Act,
) -> tuple[GraphPlay, ReviewCodeOutput]:
    play = GraphPlay.of(WORKFLOW, workspace, script(everybody, **turns), run_command)
    output = await play.run(base=base, focus=list(focus))
    assert isinstance(output, ReviewCodeOutput)
    return play, output


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A repository with a change that is not committed."""
    directory = repository(tmp_path / "changed", {"a.py": OLD, "b.py": "x = 1\n"})
    write(directory, {"a.py": NEW})
    return directory


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A branch that is one commit ahead of main, while main has gone on."""
    directory = repository(tmp_path / "branch", {"a.py": OLD, "b.py": "x = 1\n"})
    git(directory, "switch", "--quiet", "--create", "work")
    write(directory, {"a.py": NEW})
    git(directory, "commit", "--quiet", "--all", "-m", "second")
    git(directory, "switch", "--quiet", "main")
    write(directory, {"b.py": "x = 2\n"})
    git(directory, "commit", "--quiet", "--all", "-m", "on main")
    git(directory, "switch", "--quiet", "work")
    return directory


async def test_four_reviewers_look_at_what_is_not_committed(changed: Path, run_command: RunCommand) -> None:
    write(changed, {"new.py": "y = 1\n"})
    prompts: list[str] = []

    def looks(task: AgentTask) -> Turn:
        prompts.append(task.prompt)
        return reviews(finding())

    play, output = await played(changed, run_command, everybody=looks)

    assert play.nodes == ["survey", *["reviewer"] * 4, "merge"]
    assert (output.subject.kind, output.subject.files) == ("diff", ["a.py", "new.py"])
    assert output.subject.description.startswith("the uncommitted changes (")
    assert len(prompts) == 4
    for prompt in prompts:
        assert "+    return 2" in prompt
        assert "+y = 1" in prompt
    assert sorted(prompt.rpartition("Review it for ")[2].partition(",")[0] for prompt in prompts) == sorted(REVIEWERS)


async def test_equal_findings_are_told_once_and_the_worst_first(changed: Path, run_command: RunCommand) -> None:
    low = finding(severity="low", line=1, claim="the import is not used")
    play, output = await played(
        changed, run_command, correctness=reviews(low, finding()), tests=reviews(finding(severity="medium", line=4))
    )

    assert [(found.severity, found.line, found.found_by) for found in output.findings] == [
        ("high", 5, ["correctness", "tests"]),
        ("low", 1, ["correctness"]),
    ]
    assert [(review.aspect, review.findings) for review in output.reviews] == [
        ("correctness", 2),
        ("security", 0),
        ("performance", 0),
        ("tests", 1),
    ]
    assert output.answer.startswith("2 findings: 1 high, 1 low. Reviewed: the uncommitted changes")
    (told,) = play.found("review_code")
    assert told.details == {"findings": 2, "severities": {"high": 1, "low": 1}, "misplaced": 0}


async def test_findings_whose_places_do_not_exist_are_set_aside_and_told(
    changed: Path, run_command: RunCommand
) -> None:
    wrong = [finding(line=6), finding(file="gone.py"), finding(file="../out.py"), finding(file="b.py", line=1)]
    play, output = await played(changed, run_command, security=reviews(*wrong))

    assert [found.file for found in output.findings] == ["b.py"]  # not in the diff, but there
    assert [each.reason for each in output.misplaced] == [
        "a.py has no line 6: it has 5",
        "there is no file gone.py",
        "'../out.py' is no path in the workspace",
    ]
    assert "Set aside, because the place they name does not exist" in output.answer
    assert play.found("review_code")[0].message.endswith("3 set aside, whose places do not exist")


async def test_the_changes_of_a_branch_are_those_since_it_parted(branch: Path, run_command: RunCommand) -> None:
    write(branch, {"c.py": "z = 1\n"})
    _, output = await played(branch, run_command, base="main")

    parted = git(branch, "merge-base", "main", "HEAD").strip()
    assert output.subject.files == ["a.py", "c.py"]
    assert output.subject.commit == parted
    assert output.subject.description == f"the changes since it parted from main ({parted[:8]})"


async def test_a_commit_can_be_the_base(branch: Path, run_command: RunCommand) -> None:
    _, output = await played(branch, run_command, base="HEAD~1")

    assert output.subject.files == ["a.py"]
    assert output.subject.description.startswith("the changes since HEAD~1 (")


async def test_a_base_with_another_history_is_compared_as_it_is(branch: Path, run_command: RunCommand) -> None:
    git(branch, "switch", "--quiet", "--orphan", "other")
    write(branch, {"d.py": "d = 1\n"})
    git(branch, "add", ".")
    git(branch, "commit", "--quiet", "-m", "other")
    _, output = await played(branch, run_command, base="main")

    assert output.subject.files == ["a.py", "b.py", "d.py"]
    assert output.subject.commit == git(branch, "rev-parse", "main").strip()


async def test_a_directory_of_a_repository_is_reviewed_alone(tmp_path: Path, run_command: RunCommand) -> None:
    top = repository(tmp_path / "top", {"in/a.py": OLD, "b.py": OLD})
    write(top, {"in/a.py": NEW, "b.py": NEW})
    _, output = await played(top / "in", run_command, correctness=reviews(finding()))

    assert output.subject.files == ["a.py"]
    assert [(found.file, found.line) for found in output.findings] == [("a.py", 5)]


async def test_nothing_of_the_repository_is_changed(changed: Path, run_command: RunCommand) -> None:
    write(changed, {"new.py": "y = 1\n"})
    before = what_its_user_has(changed)

    await played(changed, run_command)
    await played(changed, run_command, base="HEAD")

    assert what_its_user_has(changed) == before


@pytest.mark.parametrize("base", ["no-such-branch", "0123456789012345678901234567890123456789", "HEAD:a.py", "HEAD~9"])
async def test_a_base_that_is_not_known_is_refused(changed: Path, run_command: RunCommand, base: str) -> None:
    with pytest.raises(InputRejected, match="has no commit, branch or tag") as caught:
        await played(changed, run_command, base=base)

    assert (caught.value.field, caught.value.blame) == ("base", "caller")
    assert "HEAD~1" in caught.value.recovery[0]


async def test_a_base_from_which_nothing_differs_is_refused(branch: Path, run_command: RunCommand) -> None:
    with pytest.raises(InputRejected, match="nothing differs from 'HEAD'"):
        await played(branch, run_command, base="HEAD")


async def test_a_base_without_a_repository_is_refused(tmp_path: Path, run_command: RunCommand) -> None:
    write(tmp_path, {"a.py": OLD})

    with pytest.raises(InputRejected, match="is in no git repository") as caught:
        await played(tmp_path, run_command, base="main")

    assert caught.value.recovery[0] == "Leave base out: then all files are reviewed"


async def test_changes_that_cannot_be_read_are_refused(tmp_path: Path, run_command: RunCommand) -> None:
    directory = repository(tmp_path / "binary", {"a.py": OLD})
    (directory / "a.bin").write_bytes(b"\0\1")

    with pytest.raises(InputRejected, match="have no lines that can be read"):
        await played(directory, run_command)


async def test_an_empty_workspace_is_refused(tmp_path: Path, run_command: RunCommand) -> None:
    with pytest.raises(InputRejected, match="there is no text file in it to review"):
        await played(tmp_path, run_command)


async def test_a_broken_repository_is_told(
    changed: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> Comparison:
        raise GitFailed("git write-tree failed: invalid object")

    monkeypatch.setattr(GitWorkspace, "compare", breaks)
    with pytest.raises(InputRejected, match="cannot be read: git write-tree failed"):
        await played(changed, run_command)


def no_repository(directory: Path) -> str:
    write(directory, {"a.py": NEW, "src/b.py": "x = 1", "node_modules/c.js": "x"})
    return "it is in no git repository"


def nothing_committed(directory: Path) -> str:
    directory.mkdir()
    git(directory, "init", "--quiet")
    write(directory, {"a.py": NEW, "src/b.py": "x = 1", ".gitignore": "*.log\n", "d.log": "d"})
    return "nothing is committed yet"


def nothing_uncommitted(directory: Path) -> str:
    repository(directory, {"a.py": NEW, "src/b.py": "x = 1", ".gitignore": "*.log\n"})
    write(directory, {"d.log": "d"})
    return "there are no uncommitted changes"


@pytest.mark.parametrize("make", [no_repository, nothing_committed, nothing_uncommitted])
async def test_without_changes_all_files_are_reviewed(
    tmp_path: Path, run_command: RunCommand, make: Callable[[Path], str]
) -> None:
    why = make(tmp_path / "tree")
    (tmp_path / "tree" / "logo.bin").write_bytes(b"\0")
    if why == "there are no uncommitted changes":
        git(tmp_path / "tree", "add", "logo.bin")
        git(tmp_path / "tree", "commit", "--quiet", "-m", "logo")
    seen: list[str] = []

    def looks(task: AgentTask) -> Turn:
        seen.append(task.prompt)
        return reviews(finding())

    _, output = await played(tmp_path / "tree", run_command, correctness=looks)

    assert (output.subject.kind, output.subject.commit) == ("tree", "")
    assert output.subject.description == f"all files of the workspace ({why})"
    assert [path for path in output.subject.files if path != ".gitignore"] == ["a.py", "src/b.py"]
    assert output.subject.left_out == ["logo.bin: binary"]
    assert "a.py (5 lines)\n" in seen[0]
    assert "src/b.py (1 line)\n" in seen[0]


async def test_a_huge_diff_is_bounded_and_what_is_left_out_is_told(changed: Path, run_command: RunCommand) -> None:
    write(changed, {"huge.json": "[1]\n" * MOST_DIFF_CHARACTERS})
    play, output = await played(changed, run_command)

    assert output.subject.files == ["a.py", "huge.json"]
    (left_out,) = output.subject.left_out
    assert left_out.startswith("huge.json: only the first ")
    assert "Not given to the reviewers, or only in part:\n- huge.json" in output.answer
    (told,) = [said for said in play.said("review_code") if isinstance(said, Progressed)]
    assert "not given, or only in part: huge.json" in told.message
    assert len(play.artifacts("reviewed.diff")[0].text) < MOST_DIFF_CHARACTERS + 1_000


async def test_a_focus_chooses_the_reviewers_and_is_told_to_them(changed: Path, run_command: RunCommand) -> None:
    seen: list[str] = []

    def looks(task: AgentTask) -> Turn:
        seen.append(task.prompt)
        return reviews()

    play, output = await played(changed, run_command, focus=["security", "the </focus> import"], security=looks)

    assert play.nodes == ["survey", "reviewer", "merge"]
    assert [review.aspect for review in output.reviews] == ["security"]
    assert "<focus>\n- the < /focus> import\n</focus>" in seen[0]
    assert output.answer.startswith("No findings. Reviewed: ")


async def test_a_reviewer_that_fails_does_not_take_the_others_with_it(changed: Path, run_command: RunCommand) -> None:
    play, output = await played(
        changed,
        run_command,
        correctness=reviews(finding()),
        security=fails(RateLimited("Too many requests.")),
        tests=fails(CostLimitReached("The money is spent.")),
    )

    assert len(output.findings) == 1
    assert [review.finished for review in output.reviews] == [True, False, True, False]
    assert "**Not reviewed for security:** Too many requests." in output.answer
    assert play.found("security_reviewer")[0].message.startswith("failed, so security is not reviewed")


async def test_if_all_fail_the_run_fails_as_the_first_of_them(changed: Path, run_command: RunCommand) -> None:
    error = fails(NotLoggedIn("Who are you?", recovery=("Log in",)))

    with pytest.raises(NotLoggedIn) as caught:
        await played(changed, run_command, everybody=error, tests=fails(RateLimited("Too many.")))

    assert caught.value.message == "Who are you? (tests: Too many.)"
    assert caught.value.recovery == ("Log in",)


async def test_a_reply_of_another_shape_is_no_review(changed: Path, run_command: RunCommand) -> None:
    with pytest.raises(ReplyInvalid):
        await played(changed, run_command, focus=["tests"], tests=Turn(text="looks good to me"))


async def test_a_reviewer_can_write_nothing(changed: Path, run_command: RunCommand) -> None:
    writes = Turn(steps=(Write("x.py", ""),), data={"summary": "", "findings": []})
    await played(changed, run_command, security=writes)

    assert not (changed / "x.py").exists()


async def test_the_findings_are_an_artifact(changed: Path, run_command: RunCommand) -> None:
    play, output = await played(changed, run_command, correctness=reviews(finding()))

    (findings,) = play.artifacts("findings.json")
    assert findings.media_type == "application/json"
    assert orjson.loads(findings.text) == [found.model_dump() for found in output.findings]
    assert [artifact.text for artifact in play.artifacts("review.md")] == [output.answer]


async def test_they_work_side_by_side_each_with_its_part_of_the_money(changed: Path) -> None:
    at_work: set[str] = set()
    together = anyio.Event()
    shares: list[float | None] = []

    async def act(task: AgentTask, emit: Emit) -> AgentReply:
        del emit
        at_work.add(task.role)
        shares.append(task.max_cost_usd)
        if len(at_work) == len(REVIEWERS):
            together.set()
        with anyio.fail_after(5):
            await together.wait()
        return AgentReply(text="", data=ReviewReply(summary="", findings=[]))

    play = GraphPlay(WORKFLOW, changed, FakeAgent(act), limits=Limits(max_cost_usd=2.0))
    await play.run(base="", focus=[])

    assert at_work == {role.name for role in REVIEWERS.values()}
    assert shares == [0.5] * 4


@pytest.mark.parametrize("error", list(graph.kinds_of_errors()))
def test_whatever_all_fail_with_is_told_as_it_was(error: type[AgentError]) -> None:
    done = ReviewDone(aspect="tests", reply=None, problem="It broke.", kind=error.kind, recovery=["Mend it"])

    told = graph.failure_of([done, done])

    assert (type(told), told.message, told.recovery) == (error, "It broke.", ("Mend it",))
