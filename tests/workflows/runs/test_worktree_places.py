import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import anyio
import anyio.to_thread
import pytest

from agents.command_runner import command_runner
from agents.workspace import planned_worktree as planned_module
from agents.workspace import worktree as worktree_module
from agents.workspace.git_tree import Bounds
from tests.agents.workspace.repositories import (
    files_in,
    git,
    our_branches,
    repository,
    what_its_user_has,
    worktrees,
    write,
)
from tests.fakes.event_log import MemoryEventLog, MemoryStore
from tests.workflows.runs.worktree_home import BRANCH, RUN, SECONDS, Home
from workflows.runs import worktree_places as module
from workflows.runs.errors import IsolationUnavailable, LogUnavailable
from workflows.runs.places import Changes, Place, Wish
from workflows.runs.run import RunStatus
from workflows.runs.worktree_places import WorktreePlaces

pytestmark = pytest.mark.anyio

if TYPE_CHECKING:
    from subprocess import Popen  # noqa: TID251 - only its name

    Child: TypeAlias = Popen[str]


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A repository whose user is in the middle of work: staged, changed, deleted, new and ignored files."""
    directory = repository(
        tmp_path / "project",
        {
            "kept.txt": "kept\n",
            "changed.txt": "one\n",
            "staged.txt": "one\n",
            "gone.txt": "x\n",
            ".gitignore": "*.log\n",
        },
    )
    write(directory, {"staged.txt": "two\n"})
    git(directory, "add", "staged.txt")
    write(directory, {"staged.txt": "three\n", "changed.txt": "two\n", "new/deep.txt": "new\n", "noise.log": "x\n"})
    (directory / "gone.txt").unlink()
    return directory


async def test_agents_see_what_the_user_sees_and_the_user_sees_nothing_of_them(home: Home, user: Path) -> None:
    before = what_its_user_has(user)
    place = await home.open(user)

    seen = files_in(user)
    del seen["noise.log"]
    assert files_in(place.directory) == seen
    assert (place.branch, our_branches(user)) == (BRANCH, [BRANCH])
    assert not place.directory.is_relative_to(user)

    write(place.directory, {"kept.txt": "changed by an agent\n", "made.txt": "new\n"})
    (place.directory / "changed.txt").unlink()
    changes = await home.close()

    assert what_its_user_has(user) == before
    assert changes.branch == BRANCH
    assert changes.note == ""
    assert "-kept\n+changed by an agent\n" in changes.diff
    assert "staged" not in changes.diff
    assert git(user, "show", f"{BRANCH}:made.txt") == "new\n"
    assert git(user, "show", f"{BRANCH}:new/deep.txt") == "new\n"
    assert worktrees(user) == []


async def test_the_diff_applies_to_the_users_own_files(home: Home, user: Path) -> None:
    place = await home.open(user)
    write(place.directory, {"changed.txt": "two\nthree\n", "new/deep.txt": "newer\n"})
    changes = await home.close()

    write(home.directory, {"changes.diff": changes.diff})
    git(user, "apply", str(home.directory / "changes.diff"))
    assert (user / "changed.txt").read_text() == "two\nthree\n"
    assert (user / "new" / "deep.txt").read_text() == "newer\n"


async def test_a_branch_without_changes_is_gone(home: Home, user: Path) -> None:
    before = what_its_user_has(user)
    await home.open(user)

    assert await home.close() == Changes()
    await home.places.forget(RUN)

    assert (our_branches(user), worktrees(user), home.worktrees) == ([], [], [])
    assert what_its_user_has(user) == before


async def test_without_uncommitted_work_the_branch_starts_at_the_commit_that_is_checked_out(
    home: Home, tmp_path: Path
) -> None:
    clean = repository(tmp_path / "clean", {"a.txt": "a\n"})
    place = await home.open(clean)
    assert git(clean, "rev-parse", BRANCH) == git(clean, "rev-parse", "HEAD")

    write(place.directory, {"b.txt": "b\n"})
    await home.close()
    assert git(clean, "rev-parse", f"{BRANCH}^") == git(clean, "rev-parse", "HEAD")
    assert (
        git(clean, "log", "-1", "--format=%an <%ae>", BRANCH).strip() == "agent-workflows <agent-workflows@localhost>"
    )


async def test_a_workspace_below_the_top_of_its_repository_is_the_same_place_in_the_work_tree(
    home: Home, user: Path
) -> None:
    (user / "empty").mkdir()
    place = await home.open(user / "new")
    other = await home.open(user / "empty", "f" * 20)

    assert place.directory == (home.directory / "worktrees" / RUN / "new").resolve()
    assert [path.name for path in place.directory.iterdir()] == ["deep.txt"]
    assert list(other.directory.iterdir()) == []
    write(place.directory, {"deep.txt": "changed\n", "../above.txt": "also here\n"})
    changes = await home.close()
    assert "+++ b/new/deep.txt" in changes.diff
    assert "+++ b/above.txt" in changes.diff


async def test_an_open_place_is_found_again_by_its_run(home: Home, user: Path) -> None:
    first = await home.open(user)
    write(first.directory, {"half.txt": "half done\n"})
    write(user, {"meanwhile.txt": "the user goes on\n"})

    second = await home.open(user)

    assert second == first
    assert (second.directory / "half.txt").exists()
    assert not (second.directory / "meanwhile.txt").exists()


async def test_a_run_that_worked_in_place_goes_on_in_place(home: Home, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    first = await home.open(empty)
    assert "has no commit yet" in first.note
    write(empty, {"a.txt": "a\n"})
    git(empty, "add", ".")
    git(empty, "commit", "--quiet", "-m", "first")

    assert await home.open(empty) == first == Place(empty, note=first.note)
    assert await home.close() == Changes()


async def test_a_closed_place_opens_with_what_was_committed(home: Home, user: Path) -> None:
    """A crash can come between the commit and the event that tells of the end."""
    place = await home.open(user)
    write(place.directory, {"made.txt": "new\n"})
    closed = await home.close()

    again = await home.open(user)
    assert again == place
    assert (again.directory / "made.txt").read_text() == "new\n"
    assert await home.close() == closed


async def test_a_place_that_was_being_made_when_its_process_died_is_made_anew(home: Home, user: Path) -> None:
    await home.open(user)
    record = home.directory / "worktrees" / f"{RUN}.json"
    record.write_text(record.read_text().replace('"open"', '"planned"'))
    (home.directory / "worktrees" / RUN / "kept.txt").unlink()

    place = await home.open(user)

    assert (place.directory / "kept.txt").exists()


async def test_a_run_whose_work_tree_is_gone_does_not_go_on_somewhere_else(home: Home, user: Path) -> None:
    place = await home.open(user)
    git(user, "worktree", "remove", "--force", "--force", str(place.directory))

    with pytest.raises(IsolationUnavailable, match="is gone"):
        await home.open(user)


def in_a_merge(directory: Path) -> Path:
    repository(directory, {"a.txt": "one\n"})
    git(directory, "checkout", "--quiet", "-b", "other")
    write(directory, {"a.txt": "two\n"})
    git(directory, "commit", "--quiet", "-am", "two")
    git(directory, "checkout", "--quiet", "main")
    write(directory, {"a.txt": "three\n"})
    git(directory, "commit", "--quiet", "-am", "three")
    subprocess.run(["git", "merge", "other"], cwd=directory, capture_output=True, check=False, timeout=5)
    return directory


def in_a_rebase(directory: Path) -> Path:
    repository(directory, {"a.txt": "one\n"})
    (directory / ".git" / "rebase-merge").mkdir()
    return directory


def without_a_commit(directory: Path) -> Path:
    directory.mkdir()
    git(directory, "init", "--quiet")
    return directory


def bare(directory: Path) -> Path:
    directory.mkdir()
    git(directory, "init", "--quiet", "--bare")
    return directory


def plain(directory: Path) -> Path:
    directory.mkdir()
    return directory


def with_a_submodule(directory: Path) -> Path:
    part = repository(directory.parent / "part", {"p.txt": "p\n"})
    repository(directory, {"a.txt": "a\n"})
    git(directory, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "sub")
    return directory


def a_submodule(directory: Path) -> Path:
    return with_a_submodule(directory) / "sub"


def an_ignored_directory(directory: Path) -> Path:
    repository(directory, {".gitignore": "out/\n"})
    (directory / "out").mkdir()
    return directory / "out"


def with_a_branch_in_the_way(directory: Path) -> Path:
    repository(directory, {"a.txt": "a\n"})
    git(directory, "branch", "agent-workflows")
    return directory


UNSUITABLE = {
    in_a_merge: "in the middle of a merge",
    in_a_rebase: "in the middle of a rebase",
    without_a_commit: "has no commit yet",
    with_a_submodule: "has submodules",
    a_submodule: "is in a submodule",
    with_a_branch_in_the_way: "git update-ref failed",
    bare: "",
    plain: "",
    an_ignored_directory: "",
}


@pytest.mark.parametrize(("make", "why"), UNSUITABLE.items(), ids=lambda item: getattr(item, "__name__", ""))
async def test_where_no_work_tree_can_be_the_run_works_in_place_unless_nothing_else_will_do(
    home: Home, tmp_path: Path, make: Callable[[Path], Path], why: str
) -> None:
    workspace = make(tmp_path / "here")
    place = await home.open(workspace)

    assert (place.directory, place.branch) == (workspace, "")
    assert why in place.note
    assert bool(why) == place.note.startswith("Works in the workspace itself")

    with pytest.raises(IsolationUnavailable) as refused:
        await home.open(workspace, "f" * 20, strict=True)
    assert refused.value.blame == "caller"
    assert f"isolation: {workspace}" in refused.value.message
    assert why in refused.value.message
    assert "in_place" in refused.value.recovery[0]


async def test_without_git_the_run_works_in_place(tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    async with command_runner() as runner:
        places = WorktreePlaces(tmp_path / "worktrees", MemoryEventLog(MemoryStore()), runner.run)
        with anyio.fail_after(5):
            place = await places.open(Wish(run_id=RUN, workflow="build", workspace=user, mode="worktree"))

    assert place.directory == user
    assert "git could not be started" in place.note


async def test_in_place_git_is_not_even_asked(home: Home, user: Path) -> None:
    assert await home.open(user, mode="in_place") == Place(user)
    assert await home.close() == Changes()
    assert home.worktrees == []


async def test_a_repository_that_takes_no_work_tree_is_worked_on_in_place(home: Home, user: Path) -> None:
    write(user, {".git/worktrees": "in the way"})
    before = what_its_user_has(user)
    place = await home.open(user)

    assert place.directory == user
    assert "Works in the workspace itself" in place.note
    assert (our_branches(user), what_its_user_has(user)) == ([], before)
    assert home.worktrees == [f"{RUN}.json"]


async def test_a_data_directory_inside_the_repository_holds_no_work_tree(user: Path) -> None:
    async with command_runner() as runner:
        places = WorktreePlaces(user / ".home" / "worktrees", MemoryEventLog(MemoryStore()), runner.run)
        with anyio.fail_after(SECONDS):
            place = await places.open(Wish(run_id=RUN, workflow="build", workspace=user, mode="worktree"))

    assert place.directory == user
    assert "the data directory is inside its repository" in place.note


async def test_a_locked_index_is_in_nobodys_way(home: Home, user: Path) -> None:
    lock = user / ".git" / "index.lock"
    lock.write_text("somebody else's")

    place = await home.open(user)
    write(place.directory, {"made.txt": "new\n"})
    assert (await home.close()).branch == BRANCH

    assert lock.read_text() == "somebody else's"


async def test_a_work_tree_of_the_users_own_can_be_the_workspace(home: Home, user: Path, tmp_path: Path) -> None:
    git(user, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    write(tmp_path / "side", {"side.txt": "only here\n"})
    before = what_its_user_has(tmp_path / "side")

    place = await home.open(tmp_path / "side")
    assert (place.directory / "side.txt").exists()
    write(place.directory, {"made.txt": "new\n"})
    assert (await home.close()).branch == BRANCH

    assert what_its_user_has(tmp_path / "side") == before
    assert worktrees(user) == [str(tmp_path / "side")]


async def test_a_repository_inside_the_workspace_is_named_as_left_out(home: Home, user: Path) -> None:
    repository(user / "inner", {"i.txt": "i\n"})

    place = await home.open(user)

    assert "inner/" in place.note
    assert not (place.directory / "inner").exists()


async def test_what_is_too_large_to_be_taken_along_is_named(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned_module, "TAKEN_ALONG", Bounds(file_bytes=100, all_bytes=1000))
    write(user, {"data.bin": "x" * 101})

    place = await home.open(user)

    assert place.note.endswith("Not taken along, as git does not know them: data.bin.")
    assert not (place.directory / "data.bin").exists()


async def test_what_no_commit_can_hold_is_kept_and_named_until_its_time_is_over(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worktree_module, "COMMITTED", Bounds(file_bytes=100, all_bytes=1000))
    place = await home.open(user)
    write(place.directory, {"model.bin": "x" * 101, "made.txt": "new\n"})
    repository(place.directory / "inner", {"i.txt": "i\n"})
    changes = await home.close()

    assert changes.branch == BRANCH
    assert "made.txt" in changes.diff
    assert changes.note == f"Not committed, and kept in {place.directory} for 14 days: inner/, model.bin."
    home.end(RUN)
    await home.places.sweep()
    assert (place.directory / "model.bin").exists()

    monkeypatch.setattr(module, "KEPT_SECONDS", -1.0)
    await home.places.sweep()
    assert (home.worktrees, our_branches(user)) == ([], [BRANCH])


async def test_agents_may_use_git_as_they_like(home: Home, user: Path) -> None:
    place = await home.open(user)
    write(place.directory, {"first.txt": "1\n"})
    git(place.directory, "add", ".")
    git(place.directory, "commit", "--quiet", "-m", "an agent's own")
    git(place.directory, "checkout", "--quiet", "-b", "feature")
    write(place.directory, {"second.txt": "2\n"})
    git(place.directory, "commit", "--quiet", "--allow-empty", "-m", "another")
    changes = await home.close()

    assert git(user, "show", f"{changes.branch}:first.txt") == "1\n"
    assert git(user, "show", f"{changes.branch}:second.txt") == "2\n"
    assert "an agent's own" in git(user, "log", "--format=%s", changes.branch)


async def test_an_agent_that_goes_back_in_history_loses_nothing(home: Home, user: Path) -> None:
    place = await home.open(user)
    git(place.directory, "reset", "--quiet", "--soft", "HEAD^")
    write(place.directory, {"made.txt": "new\n"})
    changes = await home.close()

    assert git(user, "show", f"{changes.branch}:made.txt") == "new\n"
    assert "made.txt" in changes.diff
    assert "staged" not in changes.diff


async def test_a_work_tree_whose_git_file_an_agent_removed_is_committed_all_the_same(home: Home, user: Path) -> None:
    place = await home.open(user)
    (place.directory / ".git").unlink()
    write(place.directory, {"made.txt": "new\n"})
    locked = place.directory / "locked"
    locked.mkdir()
    write(locked, {"a.txt": "a\n"})
    locked.chmod(0o500)
    changes = await home.close()

    assert (changes.branch, changes.note) == (BRANCH, "")
    assert worktrees(user) == []
    assert not place.directory.exists()


def move(source: Path, target: Path) -> None:
    source.rename(target)


async def test_what_cannot_be_committed_is_kept(home: Home, user: Path, tmp_path: Path) -> None:
    place = await home.open(user)
    write(place.directory, {"made.txt": "new\n"})
    moved = tmp_path / "moved"
    move(user, moved)
    changes = await home.close()
    home.end(RUN)
    await home.places.sweep()

    assert changes.branch == ""
    assert "could not be committed" in changes.note
    assert str(place.directory) in changes.note
    assert (place.directory / "made.txt").exists()

    move(moved, user)  # as a disk that was away for a while
    await home.places.sweep()
    assert git(user, "show", f"{BRANCH}:made.txt") == "new\n"
    assert home.worktrees == []


async def test_no_program_of_the_repositorys_configuration_runs(home: Home, user: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {ran}\ncat\n')
    program.chmod(0o755)
    hooks = user / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in (
        "post-checkout",
        "pre-commit",
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
    ):
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    for setting in ("core.fsmonitor", "diff.external", "core.editor", "gpg.program", "diff.x.textconv"):
        git(user, "config", setting, str(program))
    git(user, "config", "commit.gpgSign", "true")
    write(user, {".gitattributes": "*.txt diff=x\n"})
    ran.unlink(missing_ok=True)

    place = await home.open(user)
    write(place.directory, {"kept.txt": "changed\n"})
    changes = await home.close()

    assert changes.branch == BRANCH
    assert not ran.exists(), ran.read_text()


async def test_a_cancelled_start_leaves_nothing_behind(home: Home, user: Path) -> None:
    before = what_its_user_has(user)
    began = time.monotonic()
    await home.open(user)
    took = time.monotonic() - began
    for number in range(10):  # each a little later, so that every step of the way is met
        with anyio.move_on_after(took * number / 10):
            await home.open(user, f"{number}" * 20)
    for run_id in (RUN, *(f"{number}" * 20 for number in range(10))):
        await home.close(run_id)
        await home.places.forget(run_id)

    assert (worktrees(user), our_branches(user), home.worktrees) == ([], [], [])
    assert what_its_user_has(user) == before


async def test_what_git_had_only_half_made_is_put_away_too(home: Home, user: Path) -> None:
    before = what_its_user_has(user)
    place = await home.open(user)
    shutil.rmtree(place.directory)
    (user / ".git" / "worktrees" / RUN / "gitdir").unlink()  # without it, git does not know it as a work tree

    await home.close()
    await home.places.forget(RUN)

    assert (worktrees(user), our_branches(user), home.worktrees) == ([], [], [])
    assert list((user / ".git").glob("worktrees/*")) == []
    assert what_its_user_has(user) == before


async def test_a_sweep_puts_away_what_was_left_by_runs_that_are_over_and_nothing_else(home: Home, user: Path) -> None:
    statuses: dict[str, RunStatus] = {"a" * 20: "completed", "b" * 20: "interrupted", "c" * 20: "failed"}
    for run_id, status in statuses.items():
        place = await home.open(user, run_id)
        if status == "failed":
            write(place.directory, {"made.txt": "new\n"})
        home.end(run_id, status)
    await home.open(user, "d" * 20)  # the log knows nothing of it

    await home.places.sweep()

    assert home.worktrees == ["b" * 20, f"{'b' * 20}.json", "d" * 20, f"{'d' * 20}.json"]
    kept = {f"agent-workflows/build-{letter * 8}" for letter in "bcd"}
    assert set(our_branches(user)) == kept


async def test_a_record_that_cannot_be_read_is_no_reason_to_begin_anew(home: Home, user: Path) -> None:
    place = await home.open(user)
    write(place.directory, {"half.txt": "half\n"})
    (home.directory / "worktrees" / f"{RUN}.json").write_text("{")

    with pytest.raises(LogUnavailable):
        await home.open(user)
    assert "could not be committed" in (await home.close()).note
    assert (place.directory / "half.txt").exists()


async def test_two_runs_whose_ids_begin_alike_have_different_branches(home: Home, user: Path) -> None:
    first = await home.open(user, "01234567" + "a" * 12)
    second = await home.open(user, "01234567" + "b" * 12)

    assert len({first.branch, second.branch}) == 2


@contextmanager
def another_process(home: Path, workspace: Path, run_ids: list[str]) -> Generator["Child"]:
    module_name = "tests.workflows.runs.places_process"
    started = subprocess.Popen(  # noqa: TID251 - another process is the subject
        [sys.executable, "-m", module_name, str(home), str(workspace), *run_ids],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


async def said_by(child: "Child") -> str:
    assert child.stdout is not None
    with anyio.fail_after(SECONDS):
        return await anyio.to_thread.run_sync(child.stdout.readline, abandon_on_cancel=True)


async def test_runs_of_two_processes_in_one_repository_never_meet(home: Home, user: Path) -> None:
    before = what_its_user_has(user)
    runs = [[f"{process}{number}{0:018}" for number in range(4)] for process in range(2)]
    with ExitStack() as stack:
        children = [stack.enter_context(another_process(home.directory, user, run_ids)) for run_ids in runs]
        for child in children:
            assert await said_by(child) == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [json.loads(await said_by(child)) for child in children for _ in range(4)]

    assert sorted(str(one["run"]) for one in said) == sorted([*runs[0], *runs[1]])
    for one in said:
        assert one["others"] == []
        changed = {line for line in str(one["diff"]).splitlines() if line.startswith("+++ ")}
        assert changed == {f"+++ b/from-{one['run']}.txt", "+++ b/shared.txt"}
        assert git(user, "show", f"{one['branch']}:shared.txt") == f"{one['run']} was here\n"
    assert len({one["branch"] for one in said}) == 8
    assert worktrees(user) == []
    assert what_its_user_has(user) == before
