"""Runs that work on a branch of their own, over the wire: what a caller is told, and what a user keeps."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.agents.workspace.repositories import git, our_branches, repository, what_its_user_has, worktrees, write
from tests.system.own_workflows.stages import NAMES
from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import Json
from tests.waiting import until

pytestmark = pytest.mark.anyio

STAGES = ("--offline", "--workflow", str(OWN_WORKFLOWS / "stages.py"))
HELD: Json = {"task": "go", "isolation": "worktree"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A workspace that is a repository whose user is in the middle of something."""
    place = Place.below(tmp_path)
    repository(place.workspace, {"a.txt": "committed\n", "part/b.txt": "b\n"})
    write(place.workspace, {"a.txt": "changed and not committed\n", "new.txt": "not even added\n"})
    return place


def applies(diff: str, directory: Path) -> bool:
    checked = subprocess.run(["git", "apply", "--check"], cwd=directory, input=diff, text=True, timeout=5)
    return checked.returncode == 0


async def test_two_workflows_at_once_each_change_a_branch_and_the_user_sees_nothing_of_it(place: Place) -> None:
    before = what_its_user_has(place.workspace)
    async with place.server("--offline") as client:
        await client.open()
        requests = [await client.call(tool, {"task": "Add slugs"}) for tool in ("build_feature", "collaborate")]
        results = [(await client.answer(request, within=40))["result"]["structuredContent"] for request in requests]
        diffs = [await client.resource(f"runs://{result['run_id']}/artifacts/changes.diff") for result in results]
        await until(lambda: [path for path in (place.home / "worktrees").iterdir() if path.is_dir()] == [])

    built, written = results
    assert built["branch"] == f"agent-workflows/build_feature-{built['run_id'][:8]}"
    assert written["branch"] == f"agent-workflows/collaborate-{written['run_id'][:8]}"
    assert our_branches(place.workspace) == sorted([built["branch"], written["branch"]])
    for result, diff in zip(results, diffs, strict=True):
        assert result["status"] == "completed"
        assert f"on the git branch {result['branch']}" in result["summary"]
        assert git(place.workspace, "show", f"{result['branch']}:a.txt") == "changed and not committed\n"
        assert applies(diff, place.workspace)
    assert what_its_user_has(place.workspace) == before
    assert worktrees(place.workspace) == []


async def test_a_killed_servers_run_goes_on_in_the_work_tree_it_had(place: Place) -> None:
    (place.workspace / "hold-check").touch()
    before = what_its_user_has(place.workspace)
    async with place.server(*STAGES) as client:
        await client.open()
        request = await client.call("stages", HELD)
        await client.progress(request, message="worker: check is under way")
        client.kill(signal.SIGKILL)
        await client.ended()
    (kept,) = worktrees(place.workspace)
    assert (Path(kept) / "done.txt").read_text().split() == ["plan", "build", "check"]

    (Path(kept) / "hold-check").unlink()
    async with place.server(*STAGES) as client:
        await client.open()
        result = await client.told("stages", HELD)

    assert result["status"] == "completed"
    assert git(place.workspace, "show", f"{result['branch']}:done.txt").split() == [
        "plan",
        "build",
        "check",
        *NAMES[2:],
    ]
    assert what_its_user_has(place.workspace) == before
    assert worktrees(place.workspace) == []


async def test_a_run_that_waits_for_an_answer_keeps_its_work_tree_below_the_top_of_a_repository(place: Place) -> None:
    before = what_its_user_has(place.workspace)
    asked = {"task": "Add slugs", "approve_plan": True, "workspace": "part"}
    async with place.server("--offline") as client:
        await client.open()
        waiting = await client.told("build_feature", asked)
    assert waiting["status"] == "waiting"
    assert len(worktrees(place.workspace)) == 1

    async with place.server("--offline") as client:
        await client.open()
        result = await client.told("answer_run", {"run_id": waiting["run_id"], "answer": {"approved": True}}, within=40)

    assert result["status"] == "completed"
    changed = git(place.workspace, "show", "--format=", "--name-only", result["branch"]).split()
    assert changed
    assert all(path.startswith("part/") for path in changed)
    assert what_its_user_has(place.workspace) == before
    assert worktrees(place.workspace) == []
