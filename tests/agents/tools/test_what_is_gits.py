"""What stands in a repository's own directory is run by whoever uses git next: no tool writes there."""

import sys
from pathlib import Path

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


@pytest.mark.parametrize("below", ["", "sub/", "sub/deep/"])
@pytest.mark.parametrize(
    ("before", "last"),
    [
        (("objects/x", "refs/x"), "HEAD"),
        (("objects/x", "refs/x"), "head"),
        (("HEAD", "refs/x"), "objects/x"),
        (("HEAD", "objects/x"), "refs/heads/x"),
        (("HEAD", "objects/x"), "Refs/heads/x"),
        (("HEAD",), "commondir"),  # as in the directory of a linked work tree: the rest may be anywhere
        (("commondir",), "HEAD"),
    ],
)
async def test_no_repository_is_made_file_by_file(
    bench: Workbench, below: str, before: tuple[str, ...], last: str
) -> None:
    for path in ("config", *before):
        await bench.use("Write", file_path=below + path, content="x\n")

    assert "belongs to git" in await bench.refused("Write", file_path=below + last, content="x\n")
    assert not (bench.root / below / Path(last).parts[0]).exists()
    await bench.use("Write", file_path=f"{below}readme.md", content="x\n")


@pytest.mark.skipif(sys.platform == "win32", reason="making a link takes a right of its own there")
async def test_no_repository_is_made_through_a_link_that_leads_nowhere_yet(bench: Workbench) -> None:
    for path in ("sub/HEAD", "sub/refs/x"):
        bench.put(path)
    (bench.root / "sub" / "objects").symlink_to("../elsewhere")

    assert "belongs to git" in await bench.refused("Write", file_path="sub/objects/x", content="x\n")
    assert "belongs to git" in await bench.refused("Write", file_path="sub/config", content="x\n")


async def test_work_trees_beside_a_repository_without_files_are_written(bench: Workbench) -> None:
    for path in ("HEAD", "objects/x", "refs/x"):
        bench.put(path)

    await bench.use("Write", file_path="main/a.txt", content="x\n")
    assert "belongs to git" in await bench.refused("Write", file_path="HEAD", content="x\n")
