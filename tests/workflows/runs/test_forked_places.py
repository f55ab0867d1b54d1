"""With which files of another run a fork begins, and how long they are kept for it."""

import shutil
from pathlib import Path

import anyio
import pytest

from tests.agents.workspace.repositories import (
    files_in,
    git,
    our_branches,
    repository,
    snapshots,
    what_its_user_has,
    write,
)
from tests.workflows.runs.worktree_home import BRANCH, RUN, SECONDS, Home
from workflows.runs import worktree_places as module
from workflows.runs.errors import IsolationUnavailable
from workflows.runs.places import WORKSPACE_NOW, ForkPoint, Wish
from workflows.runs.run import Isolation

pytestmark = pytest.mark.anyio

FORK = "f" * 20


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return repository(tmp_path / "project", {"a.txt": "a\n"})


async def finish(home: Home, user: Path, stage: str, run_id: str = RUN) -> None:
    """Write a file named after a stage, and end it."""
    write((await home.open(user, run_id)).directory, {stage: f"{stage}\n"})
    with anyio.fail_after(SECONDS):
        await home.places.snapshot(run_id, f"task-{stage}", stage)


async def plan(home: Home, user: Path, *stages: str, branch: str = "", mode: Isolation = "worktree") -> str:
    """Plan a fork after stages that ended side by side; with which files it is said to begin."""
    tasks = frozenset(f"task-{stage}" for stage in stages)
    point = ForkPoint(run_id=RUN, stage=stages[0], tasks=tasks, branch=branch)
    with anyio.fail_after(SECONDS):
        return await home.places.plan_fork(Wish(run_id=FORK, workflow="build", workspace=user, mode=mode), point)


async def begun(home: Home, user: Path) -> set[str]:
    """The files the fork begins with."""
    return set(files_in((await home.open(user, FORK)).directory))


async def test_a_fork_begins_with_the_files_of_its_stage_also_if_the_other_run_goes_on(home: Home, user: Path) -> None:
    await finish(home, user, "one")
    assert await plan(home, user, "one") == "with the files it had then"
    await finish(home, user, "two")
    await home.close()

    assert await begun(home, user) == {"a.txt", "one"}


async def test_after_stages_side_by_side_a_fork_begins_with_the_files_of_all(home: Home, user: Path) -> None:
    for stage in ("left", "right", "join"):
        await finish(home, user, stage)

    await plan(home, user, "left", "right")

    assert await begun(home, user) == {"a.txt", "left", "right"}


async def test_snapshots_are_nothing_that_a_user_sees(home: Home, user: Path) -> None:
    before = what_its_user_has(user)
    branches = git(user, "branch", "--all")
    await finish(home, user, "one")
    await home.close()
    git(user, "branch", "-D", BRANCH)

    assert snapshots(user) == [RUN]
    assert what_its_user_has(user) == before
    assert git(user, "branch", "--all") == branches
    await plan(home, user, "one")
    assert await begun(home, user) == {"a.txt", "one"}


async def test_a_snapshot_that_failed_is_not_replaced_by_an_earlier_one(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finish(home, user, "left")
    monkeypatch.setattr(module, "SNAPSHOT_SECONDS", 0.0)
    await finish(home, user, "right")

    told = await plan(home, user, "left", "right")
    assert told == "with the files it has now, as those it had when it had finished left are not known"
    assert await begun(home, user) == {"a.txt", "left", "right"}


async def test_without_a_snapshot_a_fork_of_a_run_that_is_over_begins_with_its_branch(home: Home, user: Path) -> None:
    write((await home.open(user)).directory, {"made": "new\n"})
    await home.close()

    told = await plan(home, user, "one")
    assert told == f"with the files on its branch {BRANCH}, as those it had when it had finished one are not known"
    assert await begun(home, user) == {"a.txt", "made"}
    assert "+++ b/made" in (await home.close(FORK)).diff


async def test_without_a_snapshot_and_a_branch_a_fork_begins_with_what_the_other_run_did(
    home: Home, user: Path
) -> None:
    await home.open(user)
    await home.close()
    write(user, {"later": "new\n"})

    told = await plan(home, user, "one")
    assert told == "with the files it began with, as those it had when it had finished one are not known"
    assert await begun(home, user) == {"a.txt"}


async def test_of_a_run_of_which_only_the_branch_is_known_a_fork_begins_with_that(home: Home, user: Path) -> None:
    write((await home.open(user)).directory, {"made": "new\n"})
    branch = (await home.close()).branch
    (home.directory / "worktrees" / f"{RUN}.json").unlink()

    told = await plan(home, user, "one", branch=branch)
    assert told == f"with the files on branch {branch}, as nothing else is known of that run's"
    assert await begun(home, user) == {"a.txt", "made"}


async def test_of_a_run_of_which_nothing_is_known_a_fork_begins_with_the_workspace(home: Home, user: Path) -> None:
    assert await plan(home, user, "one", branch="agent-workflows/gone") == WORKSPACE_NOW
    assert await begun(home, user) == {"a.txt"}


async def test_a_fork_that_works_in_place_begins_with_the_workspace(home: Home, user: Path) -> None:
    await finish(home, user, "one")

    assert await plan(home, user, "one", mode="in_place") == WORKSPACE_NOW


async def test_a_fork_whose_files_are_gone_is_refused(home: Home, user: Path) -> None:
    await finish(home, user, "one")
    await home.close()
    shutil.rmtree(user / ".git")
    repository(user, {"b.txt": "b\n"})

    with pytest.raises(IsolationUnavailable, match=f"The files of run {RUN} cannot be gone on with"):
        await plan(home, user, "one")


async def test_a_fork_that_can_have_no_work_tree_does_not_go_on_in_the_workspace(home: Home, user: Path) -> None:
    await finish(home, user, "one")
    await home.close()
    await plan(home, user, "one")
    shutil.rmtree(user / ".git" / "worktrees", ignore_errors=True)
    write(user, {".git/worktrees": "in the way"})

    with pytest.raises(IsolationUnavailable, match="begins with files of another one"):
        await home.open(user, FORK)
    assert our_branches(user) == [BRANCH]


async def test_a_fork_that_never_began_leaves_nothing_behind(home: Home, user: Path) -> None:
    await finish(home, user, "one")
    await home.close()
    await plan(home, user, "one")

    await home.close(FORK)
    await home.places.forget(FORK)
    assert (our_branches(user), snapshots(user), home.worktrees) == ([BRANCH], [RUN], [f"{RUN}.json"])


async def test_a_fork_that_its_server_died_before_is_swept_once_nobody_can_be_making_it(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finish(home, user, "one")
    await home.close()
    home.end(RUN)
    await plan(home, user, "one")

    await home.places.sweep()
    assert snapshots(user) == [RUN, FORK]
    monkeypatch.setattr(module, "ABANDONED_SECONDS", -1.0)
    await home.places.sweep()
    assert (snapshots(user), home.worktrees) == ([RUN], [f"{RUN}.json"])


async def test_what_forks_begin_with_is_kept_for_the_newest_runs_that_are_over(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_RUNS", 1)
    runs = ["a" * 20, "b" * 20, "c" * 20]
    for run_id in runs:
        await finish(home, user, "one", run_id)
    for run_id in runs[:2]:  # the third goes on
        await home.close(run_id)
        home.end(run_id)
        with anyio.fail_after(SECONDS):
            await home.places.forget(run_id)

    assert sorted(snapshots(user)) == runs[1:]
    assert home.worktrees == ["b" * 20 + ".json", "c" * 20, "c" * 20 + ".json"]


async def test_snapshots_in_a_repository_that_is_gone_are_in_no_sweeps_way(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_RUNS", 1)
    for run_id in (RUN, FORK):
        await finish(home, user, "one", run_id)
        await home.close(run_id)
        home.end(run_id)
    shutil.rmtree(user)

    with anyio.fail_after(SECONDS):
        await home.places.sweep()
    assert home.worktrees == [f"{FORK}.json"]
