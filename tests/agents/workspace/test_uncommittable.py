"""What no commit can hold is named, however much else there is to commit."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from agents import command_runner as command_runner_module
from agents.command_runner import command_runner
from agents.workspace.git_commands import GitCommands, GitFailed
from agents.workspace.uncommittable import uncommittable
from tests.agents.workspace.repositories import git, repository, write

pytestmark = pytest.mark.anyio

MANY = {f"vendor/package/source/module-{number:03}.txt": f"{number}\n" for number in range(40)}
"""Files whose list is longer than what is kept of a command's output here."""


@pytest.fixture
async def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[GitCommands]:
    """Git in a directory, of whose output little is kept."""
    monkeypatch.setattr(command_runner_module, "KEPT_BYTES", 1000)
    async with command_runner() as runner:
        yield GitCommands(tmp_path / "here", runner.run)


async def left_out(commands: GitCommands) -> tuple[str, ...]:
    """What cannot be committed of what is staged, besides the commit that is checked out."""
    git(commands.directory, "-c", "advice.addEmbeddedRepo=false", "add", "--all")
    variables = {"GIT_INDEX_FILE": str(commands.directory / ".git" / "index")}
    with anyio.fail_after(10):
        return await uncommittable(commands, variables, "HEAD")


async def test_a_directory_of_very_many_files_can_be_deleted(commands: GitCommands) -> None:
    here = repository(commands.directory, MANY)
    git(here, "rm", "-r", "--quiet", "vendor")
    repository(here / "inner", {"i.txt": "i\n"})

    assert await left_out(commands) == ("inner/",)


async def test_repositories_are_found_among_very_many_new_files(commands: GitCommands) -> None:
    here = repository(commands.directory, {"a.txt": "a\n"})
    write(here, MANY)
    nested = ["first", *(f"vendor/package/source/module-{number:03}.git" for number in range(0, 40, 9)), "with space"]
    for name in nested:
        repository(here / name, {"i.txt": "i\n"})

    assert await left_out(commands) == tuple(f"{name}/" for name in nested)


async def test_a_repository_in_the_place_of_a_file_or_at_another_commit_is_named(commands: GitCommands) -> None:
    here = repository(commands.directory, {"file": "a\n", **MANY})
    inner = repository(here / "inner", {"i.txt": "i\n"})
    git(here, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    git(here, "commit", "--quiet", "-m", "a repository without a submodule's entry")
    assert await left_out(commands) == ()

    git(inner, "commit", "--quiet", "--allow-empty", "-m", "more")
    (here / "file").unlink()
    repository(here / "file", {"i.txt": "i\n"})

    assert await left_out(commands) == ("file/", "inner/")


async def test_a_list_that_cannot_be_gone_on_with_is_no_list(
    commands: GitCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = repository(commands.directory, {"a.txt": "a\n"})
    write(here, {f"{'b' * 100}/{'c' * 100}.txt": "b\n", "d.txt": "d\n"})
    monkeypatch.setattr(command_runner_module, "KEPT_BYTES", 200)

    with pytest.raises(GitFailed, match="too much of one file"):
        await left_out(commands)
