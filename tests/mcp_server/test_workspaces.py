import os
from pathlib import Path

import pytest

from mcp_server.workspaces import Workspaces
from workflows.runs.errors import InputRejected


def test_the_first_root_is_the_default_workspace(tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert Workspaces((tmp_path, other)).choose(None, writes=True) == os.path.realpath(tmp_path)


@pytest.mark.parametrize("asked", [None, "project", "/"])
def test_without_any_root_nothing_can_be_worked_in(asked: str | None) -> None:
    with pytest.raises(InputRejected, match="nobody has said") as caught:
        Workspaces(()).choose(asked, writes=False)
    assert "AGENT_WORKFLOWS_ROOTS" in caught.value.recovery[0]


def test_a_relative_workspace_lies_below_the_first_root(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    assert Workspaces((tmp_path,)).choose("project", writes=True) == os.path.realpath(tmp_path / "project")


@pytest.mark.parametrize("asked", ["..", "/", "../sibling", "~"])
def test_a_workspace_outside_the_roots_is_refused_with_the_roots_and_the_remedy(tmp_path: Path, asked: str) -> None:
    with pytest.raises(InputRejected, match="outside") as caught:
        Workspaces((tmp_path,)).choose(asked, writes=False)
    assert caught.value.field == "workspace"
    assert str(tmp_path) in caught.value.message
    assert "AGENT_WORKFLOWS_ROOTS" in caught.value.recovery[0]


def test_a_link_that_leads_out_of_the_roots_is_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(InputRejected, match="outside"):
        Workspaces((root,)).choose("link", writes=False)


def test_a_missing_workspace_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="nowhere does not exist"):
        Workspaces((tmp_path,)).choose("nowhere", writes=False)


def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputRejected, match="is a file"):
        Workspaces((tmp_path,)).choose("file", writes=False)


def test_a_workspace_that_cannot_be_written_is_refused_only_to_those_who_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access(path: str, mode: int) -> bool:
        del path
        return not mode & os.W_OK  # permissions do not bind root, who may be running this

    monkeypatch.setattr(os, "access", access)
    assert Workspaces((tmp_path,)).choose(None, writes=False)
    with pytest.raises(InputRejected, match="cannot be written"):
        Workspaces((tmp_path,)).choose(None, writes=True)


@pytest.mark.parametrize("asked", ["~nobody-of-this-name/x", "a\0b", "x" * 5000], ids=["home", "NUL", "endless"])
def test_what_is_no_path_at_all_is_refused_in_words(tmp_path: Path, asked: str) -> None:
    with pytest.raises(InputRejected, match="workspace:"):
        Workspaces((tmp_path,)).choose(asked, writes=False)
