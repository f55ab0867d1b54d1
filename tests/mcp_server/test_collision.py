"""Whose `agents`, `workflows` and `mcp_server` these are is asked before they are imported."""

import sys
from pathlib import Path

import pytest

from mcp_server import collision
from mcp_server.collision import Rival, find_rival, refuse_rival

OURS = ("agents", "workflows", "mcp_server")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that holds our three packages as a wheel would have put them there."""
    site = tmp_path / "site"
    site.mkdir()
    put(site, "agent-workflows-mcp", *(f"{package}/__init__.py" for package in OURS))
    put_in_front(site, monkeypatch)
    for package in OURS:
        # What is imported already is not looked for; the real command asks before it imports.
        monkeypatch.delitem(sys.modules, package, raising=False)
    return site


def put_in_front(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(directory), *sys.path])


def put(directory: Path, distribution: str, *files: str, metadata: str = "RECORD") -> None:
    """Installs a distribution of empty files, as pip would: the last one to come overwrites."""
    for file in files:
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    suffix = "dist-info" if metadata == "RECORD" else "egg-info"
    folder = directory / f"{distribution.replace('-', '_')}-1.0.{suffix}"
    folder.mkdir()
    (folder / ("METADATA" if metadata == "RECORD" else "PKG-INFO")).write_text(
        f"Metadata-Version: 2.4\nName: {distribution}\nVersion: 1.0\n"
    )
    if metadata == "RECORD":
        (folder / "RECORD").write_text("".join(f"{file},sha256=x,0\n" for file in files))
    elif metadata == "top_level.txt":
        (folder / "top_level.txt").write_text("".join(f"{file.partition('/')[0]}\n" for file in files))


def test_an_environment_of_our_own_is_accepted(site: Path) -> None:
    put(site, "anyio", "anyio/__init__.py", "agents_of_another_name/__init__.py", "notagents/__init__.py")

    assert find_rival(site) is None


@pytest.mark.parametrize("package", OURS)
def test_a_distribution_that_installed_into_our_package_is_named(site: Path, package: str) -> None:
    put(site, "some-rival", f"{package}/__init__.py", f"{package}/theirs.py")

    assert find_rival(site) == Rival(package, site, "some-rival")


def test_a_rival_whose_every_file_we_overwrote_is_still_named(site: Path) -> None:
    put(site, "some-rival", "agents/__init__.py")

    assert find_rival(site) == Rival("agents", site, "some-rival")


def test_a_rival_that_is_one_module_is_named(site: Path) -> None:
    put(site, "some-rival", "zzz/__init__.py", "workflows.py")

    assert find_rival(site) == Rival("workflows", site, "some-rival")


def test_a_rival_from_an_old_installer_is_named(site: Path) -> None:
    put(site, "old-rival", "agents/__init__.py", metadata="top_level.txt")

    assert find_rival(site) == Rival("agents", site, "old-rival")


def test_metadata_that_lists_nothing_claims_nothing(site: Path) -> None:
    put(site, "halfway-removed", metadata="none")

    assert find_rival(site) is None


def test_a_rival_without_metadata_of_its_name_is_named_by_its_folder(site: Path) -> None:
    put(site, "some-rival", "agents/__init__.py")
    (site / "some_rival-1.0.dist-info" / "METADATA").unlink()

    assert find_rival(site) == Rival("agents", site, "some_rival")


def test_an_older_copy_of_our_own_metadata_is_not_a_rival(site: Path) -> None:
    put(site, "Agent.Workflows-MCP".replace("-", "_"), "agents/__init__.py")

    assert find_rival(site) is None


def test_a_rival_in_front_of_our_editable_tree_is_named(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "site-packages"
    put(environment, "some-rival", "workflows/__init__.py")
    put_in_front(environment, monkeypatch)

    assert find_rival(site) == Rival("workflows", environment, "some-rival")


def test_a_rival_behind_our_editable_tree_harms_nobody(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "site-packages"
    put(environment, "some-rival", "workflows/__init__.py")
    monkeypatch.setattr(sys, "path", [*sys.path, str(environment)])

    assert find_rival(site) is None


def test_a_folder_that_no_distribution_brought_is_named_as_a_folder(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / "agents").mkdir(parents=True)
    (project / "agents" / "__init__.py").write_text("")
    put_in_front(project, monkeypatch)

    assert find_rival(site) == Rival("agents", project, None)


def test_a_module_in_front_is_found_as_well_as_a_package(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "agents.py").write_text("")
    put_in_front(project, monkeypatch)

    assert find_rival(site) == Rival("agents", project, None)


def test_a_folder_that_is_no_package_hides_nothing(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    (project / "agents").mkdir(parents=True)
    put_in_front(project, monkeypatch)

    assert find_rival(site) is None


def test_a_package_that_is_missing_is_nobodys(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "workflows" / "__init__.py").unlink()
    (site / "workflows").rmdir()
    monkeypatch.setattr(sys, "path", [str(site)])

    assert find_rival(site) is None


def test_two_spellings_of_one_directory_are_one_directory(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(site)
    put_in_front(tmp_path / "link", monkeypatch)

    assert find_rival(site) is None


def refused_by(rival: Rival | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(_home: Path) -> Rival | None:
        return rival

    monkeypatch.setattr(collision, "find_rival", found)
    refuse_rival()


def test_the_refusal_names_the_distribution_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        refused_by(Rival("agents", Path("/env"), "openai-agents"), monkeypatch)

    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "'openai-agents'" in said.err
    assert "`uv tool install agent-workflows-mcp`" in said.err
    assert "`pipx install agent-workflows-mcp`" in said.err


def test_the_refusal_of_a_folder_names_the_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        refused_by(Rival("agents", Path("/project"), None), monkeypatch)

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "/project" in said
    assert "PYTHONPATH" in said


def test_without_a_rival_nothing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    refused_by(None, monkeypatch)

    assert capsys.readouterr() == ("", "")


def test_the_environment_these_tests_run_in_is_accepted() -> None:
    refuse_rival()
