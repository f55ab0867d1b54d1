from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tests.fakes import claude_home
from tests.fakes.claude_home import claude_environment, require_claude


@pytest.fixture
def no_claude(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(claude_home, "distribution", missing)


@pytest.mark.usefixtures("no_claude")
def test_a_missing_binary_skips_the_test_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="install the dev extra"):
        require_claude()


@pytest.mark.usefixtures("no_claude")
def test_where_ci_is_set_a_missing_binary_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="install the dev extra"):
        require_claude()


def test_nothing_of_the_tests_own_environment_but_path_gets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "secret")
    environment = claude_environment(tmp_path, "http://127.0.0.1:1")
    assert {"CLAUDECODE", "ANTHROPIC_AUTH_TOKEN"}.isdisjoint(environment)
    assert Path(environment["HOME"]).is_relative_to(tmp_path)
    assert Path(environment["CLAUDE_CONFIG_DIR"]).is_dir()
