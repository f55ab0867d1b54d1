"""What is left of a look at the files when the run that wanted it is stopped: nothing."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.command_runner import CommandRunner
from agents.processes.registry import ProcessRegistry
from agents.workspace import git_tree
from agents.workspace.git_tree import GitWorkspace
from tests.agents.workspace.repositories import repository
from tests.waiting import until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("step", ["_make_objects", "_copy_if_there", "_remove"])
async def test_nothing_is_left_of_a_look_that_is_cancelled_while_a_thread_works_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    begun, may_go_on = threading.Event(), threading.Event()
    do: Callable[..., None] = getattr(git_tree, step)

    def held(*arguments: object) -> None:
        begun.set()
        assert may_go_on.wait(5)
        do(*arguments)

    monkeypatch.setattr(git_tree, step, held)
    children = ProcessRegistry()
    workspace = GitWorkspace(repository(tmp_path / "workspace", {"a.py": "1\n"}), CommandRunner(children).run)

    looking = asyncio.create_task(workspace.tree(tmp_path / "objects"))
    await until(begun.is_set)
    for _ in range(2):
        looking.cancel()
        await asyncio.wait([looking], timeout=0.05)
    is_over_before_the_thread = looking.done()
    may_go_on.set()
    await asyncio.wait([looking], timeout=5)
    await children.close()

    assert not is_over_before_the_thread
    assert looking.cancelled()
    assert list(scratch.iterdir()) == []
