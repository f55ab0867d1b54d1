"""Forks of runs that work on branches of their own: with which files they begin, and what their changes are."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from agents.agent import AgentReply, AgentTask
from agents.events import Emit
from tests.agents.workspace.repositories import files_in, git, repository, what_its_user_has, write
from tests.waiting import until
from tests.workflows.runs.floor import WITH_GIT, Floor, floor, full
from tests.workflows.runs.small_workflows import FOUR
from tests.workflows.runs.test_isolated_runs import ISOLATED, Writer, artifact, stopped
from tests.workflows.runs.test_resuming import Worker
from workflows.runs.errors import LogUnavailable
from workflows.runs.events import AgentEvent, WorkflowCancelled, WorkflowStarted
from workflows.runs.run import Run, RunOptions
from workflows.runs.sqlite.database import FILE_NAME

pytestmark = pytest.mark.anyio


class Reader(Worker):
    """Looks at the workspace it is given, and changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[set[str]] = []

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        self.seen.append({path.name for path in task.workspace.glob("*.txt")})
        return await super().act(task, emit)


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A repository whose user has something uncommitted."""
    directory = repository(tmp_path / "project", {"a.txt": "a\n"})
    write(directory, {"a.txt": "changed\n"})
    return directory


async def forked(at: Floor, run: Run, stage: str) -> Run:
    at.workflows[ISOLATED.name] = ISOLATED
    return await at.ended(await at.engine.fork(run.run_id, stage, {"question": "other"}, owner="local"))


async def test_a_fork_of_an_interrupted_run_has_the_files_of_its_finished_stages(tmp_path: Path, user: Path) -> None:
    first, second = Writer(stops_at="third"), Writer()
    async with floor(tmp_path / "home", first.act, seconds=WITH_GIT) as at:
        run = await stopped(at, first, user)
    async with floor(tmp_path / "home", second.act, seconds=WITH_GIT) as at:
        fork = await forked(at, run, "second")

    assert second.seen[0] == {"a.txt", "first.txt", "second.txt"}
    assert git(user, "show", f"{fork.branch}:first.txt") == f"{run.run_id}\n"


async def test_a_fork_of_a_running_run_has_the_files_of_its_finished_stages(tmp_path: Path, user: Path) -> None:
    writer = Writer(stops_at="third")
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await stopped(at, writer, user)
        writer.stops_at = ""
        writer.seen.clear()
        await forked(at, run, "first")

    assert writer.seen[0] == {"a.txt", "first.txt"}


async def test_of_a_fork_that_the_log_does_not_take_nothing_is_left(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    async with floor(home, Writer().act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        await until(lambda: not (home / "worktrees" / run.run_id).exists())
        before, kept = set(git(user, "for-each-ref").splitlines()), threads(home)
        with monkeypatch.context() as patch:
            patch.setattr(at.log, "create", full)
            with pytest.raises(LogUnavailable, match="disk is full"):
                await forked(at, run, "first")

        assert set(git(user, "for-each-ref").splitlines()) == before
        assert [path.name for path in (home / "worktrees").iterdir()] == [f"{run.run_id}.json"]
        assert threads(home) == kept == {run.run_id}


def threads(home: Path) -> set[str]:
    """The runs whose graphs' states are kept."""
    with closing(sqlite3.connect(home / "checkpoints.sqlite3")) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT thread_id FROM checkpoints")}


async def test_a_fork_begins_with_the_files_of_its_stage_and_says_so(tmp_path: Path, user: Path) -> None:
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        writer.seen.clear()
        fork = await forked(at, run, "first")
        events = await at.events(fork)

    assert writer.seen[0] == {"a.txt", "first.txt"}
    assert f"where run {run.run_id} had finished first, with the files it had then" in events[1].message
    assert fork.branch != run.branch


async def test_the_diff_of_a_fork_applies_to_the_users_own_files(tmp_path: Path, user: Path) -> None:
    async with floor(tmp_path / "home", Writer().act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        fork = await forked(at, await forked(at, run, "first"), "third")
        diff = await artifact(at, fork)

    write(tmp_path, {"changes.diff": diff})
    git(user, "apply", str(tmp_path / "changes.diff"))
    files = files_in(user)
    assert set(files) == {"a.txt", *(f"{name}.txt" for name in FOUR)}
    assert files["first.txt"].decode() == f"{run.run_id}\n"
    assert files["fourth.txt"].decode() == f"{fork.run_id}\n"


async def test_a_fork_that_changes_nothing_more_names_the_branch_with_what_it_goes_on_from(
    tmp_path: Path, user: Path
) -> None:
    async with floor(tmp_path / "home", Writer().act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
    reader = Reader()
    async with floor(tmp_path / "home", reader.act, seconds=WITH_GIT) as at:
        fork = await forked(at, run, "second")
        diff = await artifact(at, fork)

    assert reader.seen == [{"a.txt", "first.txt", "second.txt"}] * 2
    assert fork.branch == f"agent-workflows/four-{fork.run_id[:8]}"
    assert git(user, "show", f"{fork.branch}:second.txt") == f"{run.run_id}\n"
    assert "+++ b/second.txt" in diff
    assert "third.txt" not in diff


async def test_what_the_user_is_in_the_middle_of_is_in_no_forks_way(tmp_path: Path, user: Path) -> None:
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        (user / ".git" / "rebase-merge").mkdir()
        before = what_its_user_has(user)
        writer.seen.clear()
        fork = await forked(at, run, "second")

    assert fork.branch
    assert writer.seen[0] == {"a.txt", "first.txt", "second.txt"}
    assert what_its_user_has(user) == before


async def test_a_fork_of_a_run_that_worked_in_place_works_in_the_workspace_as_it_is_and_says_so(
    tmp_path: Path, user: Path
) -> None:
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user, options=RunOptions(isolation="in_place")))
        writer.seen.clear()
        fork = await forked(at, run, "second")
        events = await at.events(fork)

    assert writer.seen[0] == {"a.txt", *(f"{name}.txt" for name in FOUR)}
    assert "had finished second, with the workspace as it is now" in events[1].message


async def test_the_files_of_a_stage_are_known_also_if_the_run_was_interrupted_since(tmp_path: Path, user: Path) -> None:
    first, second = Writer(stops_at="second"), Writer()
    async with floor(tmp_path / "home", first.act, seconds=WITH_GIT) as at:
        await stopped(at, first, user)
    async with floor(tmp_path / "home", second.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        second.seen.clear()
        await forked(at, run, "first")

    assert second.seen[0] == {"a.txt", "first.txt"}


async def test_a_fork_whose_caller_goes_away_while_the_log_takes_it_is_cancelled_and_its_log_is_whole(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, asked = tmp_path / "home", anyio.Event()
    async with floor(home, Writer().act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        create = at.log.create

        async def told(new: Run) -> tuple[Run, bool]:
            asked.set()
            return await create(new)

        monkeypatch.setattr(at.log, "create", told)
        with closing(sqlite3.connect(home / FILE_NAME)) as other:
            other.execute("BEGIN IMMEDIATE")
            call = asyncio.create_task(at.engine.fork(run.run_id, "second", {}, owner="local"))
            with anyio.fail_after(WITH_GIT):
                await asked.wait()
                call.cancel()
                await asyncio.wait({call})
            other.rollback()
        assert call.cancelled()
        fork = await at.newest("cancelled")
        events = await at.events(fork)

    assert fork.run_id != run.run_id
    assert isinstance(events[0].body, WorkflowStarted)
    assert isinstance(events[1].body, AgentEvent)
    assert events[1].body.details["forked_from"] == run.run_id
    assert isinstance(events[-1].body, WorkflowCancelled)


async def test_a_fork_that_is_lost_before_it_has_said_anything_begins_its_log_when_it_goes_on(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer()
    async with floor(tmp_path / "home", writer.act, seconds=WITH_GIT) as at:
        run = await at.ended(await at.start(ISOLATED, workspace=user))
        with monkeypatch.context() as patch:
            patch.setattr(at.log, "open", full)
            with pytest.raises(LogUnavailable, match="disk is full"):
                await forked(at, run, "second")
        fork = await at.newest("interrupted")
        writer.seen.clear()
        events = await at.events(await at.ended(await at.engine.resume(fork.run_id, by="test")))

    assert fork.last_seq == 0
    assert isinstance(events[0].body, WorkflowStarted)
    assert writer.seen[0] == {"a.txt", "first.txt", "second.txt"}
