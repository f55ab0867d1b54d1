"""What stands in a repository's own directory is run by whoever uses git next: no tool writes there."""

import sys

import pytest

from tests.agents.tools.workbench import Workbench
from tests.agents.workspace.repositories import repository

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".git/hooks/pre-commit",
        ".GIT/config",
        ".git",
        "src/../.git/config",
        "sub/.git/config",
        "link/config",
        "bare.git/hooks/post-update",
    ],
)
async def test_nothing_of_gits_own_is_written_or_edited(bench: Workbench, path: str) -> None:
    config = bench.put(".git/config", "[core]\n")
    if not (bench.root / ".GIT").exists():
        bench.put(".GIT/config", "[core]\n")
    bench.put("sub/.git/config", "[core]\n")
    bench.put("bare.git/HEAD", "ref: refs/heads/main\n")
    for name in ("objects", "refs", "hooks"):
        (bench.root / "bare.git" / name).mkdir()
    if sys.platform != "win32":
        (bench.root / "link").symlink_to(".git")
    before = {file: file.read_bytes() for file in bench.root.rglob("*") if file.is_file()}

    assert "belongs to git" in await bench.refused("Write", file_path=path, content='[filter "x"]\n')
    assert "belongs to git" in await bench.refused("Edit", file_path=path, old_string="[core]", new_string="[x]")
    assert {file: file.read_bytes() for file in bench.root.rglob("*") if file.is_file()} == before
    assert config in before


@pytest.mark.parametrize("path", [".gitignore", ".github/workflows/test.yml", "git/config", "a.git/readme.md"])
async def test_files_that_only_sound_like_it_are_written(bench: Workbench, path: str) -> None:
    repository(bench.root, {"a.txt": "a\n"})
    await bench.use("Write", file_path=path, content="x\n")
    assert (bench.root / path).read_text() == "x\n"
