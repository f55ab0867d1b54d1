import os
from pathlib import Path

import pytest

from mcp_server.settings import SettingsInvalid, load_settings


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AGENT_WORKFLOWS_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    monkeypatch.setenv("AGENT_WORKFLOWS_CONFIG", str(tmp_path / "config.toml"))


def test_without_any_setting_the_current_directory_is_the_only_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.roots == (tmp_path,)
    assert not settings.offline
    assert not settings.tracing


def test_the_project_of_claude_code_is_a_root_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", "/project")
    assert load_settings().roots == (tmp_path, Path("/project"))


def test_the_whole_disk_is_a_root_only_if_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert load_settings().roots == ()
    monkeypatch.setenv("AGENT_WORKFLOWS_ROOTS", "/")
    assert load_settings().roots == (Path("/"),)


def test_roots_that_name_nothing_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_WORKFLOWS_ROOTS", os.pathsep)
    with pytest.raises(SettingsInvalid, match="names no directory"):
        load_settings()


def test_roots_are_separated_as_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_WORKFLOWS_ROOTS", os.pathsep.join(["/a", "/b", ""]))
    assert load_settings().roots == (Path("/a"), Path("/b"))


def test_every_role_has_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_WORKFLOWS_MODEL_CODESMITH", "claude-cli:opus")
    assert load_settings().models == {"codesmith": "claude-cli:opus"}


def test_a_variable_wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text('max_runs = 2\nclaude = "/from/file"\n')
    assert load_settings().max_runs == 2
    monkeypatch.setenv("AGENT_WORKFLOWS_MAX_RUNS", "3")
    assert load_settings().max_runs == 3
    assert load_settings(max_runs=5).max_runs == 5
    assert load_settings().claude == "/from/file"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("MAX_RUNS", "many", "MAX_RUNS = 'many'"),
        ("MAX_RUNS", "0", "greater than or equal to 1"),
        ("OFFLINE", "perhaps", "OFFLINE"),
        ("MODEL_RESEARCH", "crystal-ball", "research cannot run on 'crystal-ball'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_value(
    name: str, value: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AGENT_WORKFLOWS_{name}", value)
    with pytest.raises(SettingsInvalid, match=complaint):
        load_settings()


@pytest.mark.parametrize("text", ["max_runs = = 2", "max_rums = 2"])
def test_a_configuration_file_with_a_mistake_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(SettingsInvalid):
        load_settings()


@pytest.mark.parametrize(
    "spec", ["auto", "claude-cli", "anthropic:m", "openai:m", "openrouter:maker/m:free", "perplexity:high"]
)
def test_a_role_can_run_on_every_provider(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_WORKFLOWS_MODEL_REVIEWER", spec)
    assert load_settings().models == {"reviewer": spec}


@pytest.mark.parametrize(
    ("role", "spec", "complaint"),
    [
        ("REVIEWER", "openai", "name a model behind it, for example `openai:"),
        ("REVIEWER", "gpt-6-sol", "use `auto`, `claude-cli`"),
        ("REVIEWER", "openai:gpt 6", "without white space"),
        ("REVIEWER", "auto:fast", "use `auto`"),
        ("REVIEWR", "auto", "there is no role reviewr; did you mean reviewer"),
        ("SUPERVISER", "claude-cli", "did you mean supervisor"),
        ("CLAUDE", "openai:gpt-6-sol", "it is the claude command"),
    ],
)
def test_a_model_that_no_role_can_run_on_is_refused_with_the_remedy(
    role: str, spec: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AGENT_WORKFLOWS_MODEL_{role}", spec)
    with pytest.raises(SettingsInvalid, match=complaint):
        load_settings()


def test_a_role_of_somebodys_own_workflow_may_have_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_WORKFLOWS_MODEL_POET", "claude-cli:haiku")
    assert load_settings().models == {"poet": "claude-cli:haiku"}
