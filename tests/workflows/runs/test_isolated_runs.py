"""Runs on branches of their own, in git work trees of their own."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.errors import AgentProcessFailed
from agents.events import Emit, ToolStarted
from tests.agents.workspace.repositories import (
    git,
    our_branches,
    repository,
    what_its_user_has,
    worktrees,
)
from tests.waiting import until
from tests.workflows.runs.floor import WITH_GIT, Floor, floor
from tests.workflows.runs.small_workflows import FOUR, four_stages, workflow
from tests.workflows.runs.test_resuming import Worker
from workflows.runs.run import Run, RunOptions

pytestmark = pytest.mark.anyio

ISOLATED = replace(workflow(four_stages, *FOUR, name="four"), isolation="worktree")


class Writer(Worker):
    """Writes a file named after each prompt into the workspace it is given."""

    def __init__(self, stops_at: str = "", fails_at: str = "") -> None:
        super().__init__(stops_at)
        self.fails_at = fails_at
        self.workspaces: set[Path] = set()
        self.seen: list[set[str]] = []

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        self.workspaces.add(task.workspace)
        self.seen.append({path.name for path in task.workspace.glob("*.txt")})
        path = task.workspace / f"{task.prompt}.txt"
        path.write_text(f"{task.run_id}\n")
        emit(ToolStarted(tool="Write", call_id=task.prompt, input={"file_path": str(path)}))
        if task.prompt == self.fails_at:
            raise AgentProcessFailed("It fell over.")
        return await super().act(task, emit)


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return repository(tmp_path / "project", {"a.txt": "a\n"})


async def stopped(at: Floor, writer: Writer, user: Path) -> Run:
    """A run that is where its writer stops."""
    run = await at.start(ISOLATED, workspace=user)
    with anyio.fail_after(WITH_GIT):
        await writer.stopped.wait()
        await at.log.flush()
    return run


async def artifact(at: Floor, run: Run, name: str = "changes.diff") -> str:
    found = await at.log.artifact(run.run_id, name)
    assert found is not None
    return found.body.decode()


async def test_a_run_changes_its_branch_and_nothing_of_the_users(tmp_path: Path, user: Path) -> None:
    before, home = what_its_user_has(user), tmp_path / "home" / "worktrees"
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        events = await at.events(run)

        assert (run.status, run.branch) == ("completed", f"agent-workflows/four-{run.run_id[:8]}")
        assert what_its_user_has(user) == before
        assert git(user, "show", "--format=%s", "--name-only", run.branch).split("\n") == [
            f"Changes of run {run.run_id}",
            "",
            *sorted(f"{name}.txt" for name in FOUR),
            "",
        ]
        assert f"+{run.run_id}" in await artifact(at, run)
        await until(lambda: [path.name for path in home.iterdir()] == [f"{run.run_id}.json"])
    assert worktrees(user) == []
    messages = [event.message for event in events]
    assert f"workspace: Works on branch {run.branch}, in a work tree of its own." in messages
    assert "worker: Write first.txt" in messages


async def test_agents_see_what_earlier_ones_have_made(tmp_path: Path, user: Path) -> None:
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        await at.ended(await at.start(ISOLATED, workspace=user))

    assert writer.seen[-1] == {"a.txt", "first.txt", "second.txt", "third.txt"}
    assert len(writer.workspaces) == 1


async def test_what_a_failed_run_has_changed_is_on_its_branch(tmp_path: Path, user: Path) -> None:
    async with floor(tmp_path / "home", Writer(fails_at="second").act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))

        assert run.status == "failed"
        assert "first.txt" in await artifact(at, run)
    assert git(user, "show", f"{run.branch}:second.txt") == f"{run.run_id}\n"


async def test_what_a_cancelled_run_has_changed_is_on_its_branch(tmp_path: Path, user: Path) -> None:
    writer = Writer(stops_at="second")
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await stopped(at, writer, user)
        with anyio.fail_after(WITH_GIT):
            run = await at.engine.cancel(run.run_id, by="client", reason="enough")

    assert run.status == "cancelled"
    assert git(user, "show", f"{run.branch}:second.txt") == f"{run.run_id}\n"
    assert worktrees(user) == []


async def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, user: Path) -> None:
    first, second = Writer(stops_at="second"), Writer()
    async with floor(tmp_path / "home", first.act, seconds=WITH_GIT) as at:
        run = await stopped(at, first, user)
    assert len(worktrees(user)) == 1

    async with floor(tmp_path / "home", second.act, seconds=WITH_GIT) as at:
        again = await at.start(ISOLATED, workspace=user)
        ended = await at.ended(again)
        notes = [event.message for event in await at.events(ended) if "Works on branch" in event.message]

    assert again.run_id == run.run_id
    assert second.workspaces == first.workspaces
    assert second.seen[0] >= {"first.txt", "second.txt"}
    assert len(git(user, "show", "--format=", "--name-only", ended.branch).split()) == len(FOUR)
    assert len(notes) == 1
    assert worktrees(user) == []


async def test_an_interrupted_run_that_is_cancelled_tells_what_no_commit_holds(tmp_path: Path, user: Path) -> None:
    writer = Writer(stops_at="second")
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await stopped(at, writer, user)
    [directory] = writer.workspaces
    repository(directory / "inner", {"i.txt": "i\n"})
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        at.workflows[ISOLATED.name] = ISOLATED
        with anyio.fail_after(WITH_GIT):
            run = await at.engine.cancel(run.run_id, by="client", reason="not wanted")
        events = await at.events(run)

    assert run.status == "cancelled"
    assert events[-2].message == f"workspace: Not committed, and kept in {directory} for 14 days: inner/."


async def test_an_interrupted_run_that_is_cancelled_keeps_its_branch(tmp_path: Path, user: Path) -> None:
    writer = Writer(stops_at="second")
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await stopped(at, writer, user)

    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        with anyio.fail_after(WITH_GIT):
            run = await at.engine.cancel(run.run_id, by="client", reason="not wanted")
        assert "first.txt" in await artifact(at, run)

    assert our_branches(user) == [run.branch]
    assert worktrees(user) == []


async def test_runs_side_by_side_in_one_repository_never_meet(tmp_path: Path, user: Path) -> None:
    before = what_its_user_has(user)
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        runs = [await at.start(ISOLATED, str(number), workspace=user) for number in range(3)]
        ended = [await at.ended(run) for run in runs]

    assert len({run.branch for run in ended}) == len(writer.workspaces) == 3
    for run in ended:
        assert {git(user, "show", f"{run.branch}:{name}.txt") for name in FOUR} == {f"{run.run_id}\n"}
    assert what_its_user_has(user) == before


async def test_in_place_a_run_changes_the_workspace_itself(tmp_path: Path, user: Path) -> None:
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user, options=RunOptions(isolation="in_place")))

    assert run.branch == ""
    assert (user / "first.txt").exists()
    assert our_branches(user) == []


async def test_a_run_that_cannot_have_the_work_tree_it_was_asked_for_fails_before_anything_is_done(
    tmp_path: Path,
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=plain, options=RunOptions(isolation="worktree")))

    assert run.failure is not None
    assert (run.failure.kind, run.failure.blame) == ("isolation_unavailable", "caller")
    assert list(plain.iterdir()) == []
    assert not writer.seen


async def test_where_there_is_no_repository_the_run_works_in_place(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    async with floor(tmp_path / "home", Writer().act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=plain))

    assert (run.status, run.branch) == ("completed", "")
    assert (plain / "first.txt").exists()
