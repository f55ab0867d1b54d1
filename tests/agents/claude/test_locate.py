"""Finding the `claude` command."""

import sys
from pathlib import Path

import pytest

from agents.claude.locate import find_claude
from agents.errors import ClaudeNotFound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names and modes are POSIX here")


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_one_on_path_comes_before_those_at_home(tmp_path: Path) -> None:
    wanted = executable(tmp_path / "bin" / "claude")
    executable(tmp_path / ".local" / "bin" / "claude")

    assert find_claude(None, {"PATH": f"/nonexistent:{tmp_path / 'bin'}", "HOME": str(tmp_path)}) == wanted


@pytest.mark.parametrize("directory", [".local/bin", ".claude/local"])
def test_one_at_home_is_found_without_path(tmp_path: Path, directory: str) -> None:
    wanted = executable(tmp_path / directory / "claude")

    assert find_claude(None, {"PATH": "", "HOME": str(tmp_path)}) == wanted
    assert find_claude("", {"HOME": str(tmp_path)}) == wanted


def test_a_file_on_path_that_is_not_executable_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "claude").write_text("not executable")
    wanted = executable(tmp_path / "bin" / "claude")

    assert find_claude(None, {"PATH": f"{tmp_path}:{tmp_path / 'bin'}"}) == wanted


def test_a_directory_of_that_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "claude").mkdir()

    with pytest.raises(ClaudeNotFound):
        find_claude(None, {"PATH": str(tmp_path)})


def test_the_current_directory_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "claude")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ClaudeNotFound):
        find_claude(None, {"PATH": "::.:"})


def test_not_found_says_where_it_looked_and_what_helps(tmp_path: Path) -> None:
    with pytest.raises(ClaudeNotFound) as failure:
        find_claude(None, {"PATH": str(tmp_path), "HOME": str(tmp_path / "home")})

    home = tmp_path / "home"
    places = ", ".join(map(str, (tmp_path, home / ".local" / "bin", home / ".claude" / "local")))
    assert f"Looked in: {places}." in failure.value.message
    assert any("AGENT_WORKFLOWS_CLAUDE" in hint for hint in failure.value.recovery)


def test_an_explicit_path_comes_before_everything(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "claude")
    wanted = executable(tmp_path / "my-claude")

    assert find_claude(str(wanted), {"PATH": str(tmp_path / "bin")}) == wanted


def test_an_explicit_name_is_looked_for_on_path(tmp_path: Path) -> None:
    wanted = executable(tmp_path / "claude-beta")

    assert find_claude("claude-beta", {"PATH": str(tmp_path)}) == wanted


def test_an_explicit_path_may_begin_at_home(tmp_path: Path) -> None:
    wanted = executable(tmp_path / "tools" / "claude")

    assert find_claude("~/tools/claude", {"HOME": str(tmp_path)}) == wanted


def test_a_relative_explicit_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = executable(tmp_path / "tools" / "claude")
    monkeypatch.chdir(tmp_path)

    assert find_claude("tools/claude", {}) == wanted


@pytest.mark.parametrize(
    ("explicit", "problem"),
    [
        ("{here}/missing", "No such file"),
        ("{here}", "not a file"),
        ("{here}/plain", "not executable"),
        ("{here}/plain/below", "Not a directory"),
        ("{here}/\0", "null"),
        ("claude-missing", "no command of that name"),
    ],
)
def test_an_explicit_command_that_cannot_be_used_is_named_and_nothing_else_is_tried(
    tmp_path: Path, explicit: str, problem: str
) -> None:
    executable(tmp_path / "claude")
    (tmp_path / "plain").write_text("not executable")
    explicit = explicit.format(here=tmp_path)

    with pytest.raises(ClaudeNotFound, match=problem) as failure:
        find_claude(explicit, {"PATH": str(tmp_path), "HOME": str(tmp_path)})

    assert repr(explicit) in failure.value.message
    assert "AGENT_WORKFLOWS_CLAUDE" in failure.value.recovery[0]
