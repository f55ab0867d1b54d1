"""Which role runs on what, and why."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from agents.agent import AgentTask
from agents.errors import AgentError, ClaudeNotFound, NotLoggedIn
from agents.processes.registry import ProcessRegistry
from mcp_server.known_roles import ROLES
from mcp_server.settings import Settings
from mcp_server.team_choice import Agents, Choice, Workbench, choose, notes_on

EVERY_KEY = {
    "ANTHROPIC_API_KEY": "sk-ant-0123456789",
    "OPENAI_API_KEY": "sk-0123456789",
    "OPENROUTER_API_KEY": "sk-or-0123456789",
    "PERPLEXITY_API_KEY": "pplx-0123456789",
}


@pytest.fixture
def claude(tmp_path: Path) -> Path:
    """A directory with a `claude` command in it."""
    executable = tmp_path / "bin" / "claude"
    executable.parent.mkdir()
    executable.touch(0o755)
    return executable


def settings(tmp_path: Path, claude: str | None = None, **models: str) -> Settings:
    return Settings(home=tmp_path, roots=(tmp_path,), claude=claude, models=models)


def chosen(tmp_path: Path, role: str, environ: Mapping[str, str], **models: str) -> Choice:
    return choose(role, settings(tmp_path, **models), environ)


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"researcher"}))
def test_with_the_claude_command_there_every_role_but_the_researcher_runs_on_it(
    role: str, claude: Path, tmp_path: Path
) -> None:
    choice = chosen(tmp_path, role, {**EVERY_KEY, "PATH": str(claude.parent)})

    assert str(choice.spec) == "claude-cli"
    assert choice.problem is None
    assert choice.why.startswith("auto: ")


def test_the_researcher_runs_on_a_provider_that_searches_where_one_is_configured(claude: Path, tmp_path: Path) -> None:
    environ = {"PATH": str(claude.parent)}

    assert str(chosen(tmp_path, "researcher", environ).spec) == "claude-cli"
    with_key = chosen(tmp_path, "researcher", {**environ, "PERPLEXITY_API_KEY": "pplx-0123456789"})
    assert str(with_key.spec) == "perplexity:perplexity/sonar"
    assert with_key.why == "auto: it searches the web; PERPLEXITY_API_KEY is set"


@pytest.mark.parametrize(
    ("variable", "provider"),
    [("ANTHROPIC_API_KEY", "anthropic"), ("OPENAI_API_KEY", "openai"), ("OPENROUTER_API_KEY", "openrouter")],
)
def test_without_the_claude_command_a_key_is_enough(variable: str, provider: str, tmp_path: Path) -> None:
    for role in set(ROLES) - {"claude"}:
        choice = chosen(tmp_path, role, {variable: EVERY_KEY[variable]})
        assert choice.spec.provider == provider
        assert choice.problem is None


def test_anthropic_comes_first_among_the_keys(tmp_path: Path) -> None:
    assert chosen(tmp_path, "codesmith", EVERY_KEY).spec.provider == "anthropic"


def test_with_nothing_configured_the_error_says_what_to_set(tmp_path: Path) -> None:
    choice = chosen(tmp_path, "codesmith", {})

    assert isinstance(choice.problem, ClaudeNotFound)
    assert not choice.found
    assert "No key of a provider is set either" in choice.problem.message
    assert any("ANTHROPIC_API_KEY" in remedy for remedy in choice.problem.recovery)


def test_the_role_that_is_the_claude_command_runs_on_nothing_else(tmp_path: Path) -> None:
    choice = chosen(tmp_path, "claude", EVERY_KEY)

    assert isinstance(choice.problem, ClaudeNotFound)
    assert not any("ANTHROPIC_API_KEY" in remedy for remedy in choice.problem.recovery)


def test_what_is_set_is_taken_even_if_it_cannot_work(claude: Path, tmp_path: Path) -> None:
    choice = chosen(tmp_path, "codesmith", {"PATH": str(claude.parent)}, codesmith="openai:gpt-6-sol")

    assert str(choice.spec) == "openai:gpt-6-sol"
    assert choice.why == "set by AGENT_WORKFLOWS_MODEL_CODESMITH"
    assert isinstance(choice.problem, NotLoggedIn)
    assert choice.problem.recovery == ("Set OPENAI_API_KEY to a valid key where the server is registered",)


def test_a_claude_command_that_is_set_and_not_there_is_not_replaced_by_a_provider(tmp_path: Path) -> None:
    choice = choose("codesmith", settings(tmp_path, claude="/nowhere/claude"), EVERY_KEY)

    assert str(choice.spec) == "claude-cli"
    assert isinstance(choice.problem, ClaudeNotFound)
    assert "/nowhere/claude" in choice.problem.message


def test_a_server_of_ones_own_is_used_where_it_is_asked_for_and_needs_no_key(tmp_path: Path) -> None:
    environ = {"OPENAI_BASE_URL": "http://localhost:11434/v1"}

    assert chosen(tmp_path, "codesmith", environ, codesmith="openai:qwen3").problem is None
    nothing = chosen(tmp_path, "codesmith", environ)
    assert nothing.problem is not None
    assert "openai:<model>" in nothing.problem.recovery[0]


def test_an_address_that_is_none_is_left_to_the_first_request(tmp_path: Path) -> None:
    assert chosen(tmp_path, "codesmith", {"OPENAI_BASE_URL": "http://["}, codesmith="openai:m").problem is None


def test_openais_own_address_is_no_server_of_ones_own(tmp_path: Path) -> None:
    environ = {"OPENAI_BASE_URL": "https://eu.api.openai.com/v1", "OPENAI_API_KEY": "sk-0123456789"}

    assert chosen(tmp_path, "codesmith", environ).spec.provider == "openai"


def test_a_role_of_somebodys_own_workflow_runs_on_what_suits_any(claude: Path, tmp_path: Path) -> None:
    assert str(chosen(tmp_path, "poet", {"PATH": str(claude.parent)}).spec) == "claude-cli"


def test_a_model_for_a_role_that_nobody_knows_is_mentioned(tmp_path: Path) -> None:
    [note] = notes_on(settings(tmp_path, poet="claude-cli", codesmith="claude-cli"))

    assert note.startswith("AGENT_WORKFLOWS_MODEL_POET is for a role of no built-in workflow")


def test_the_team_has_an_agent_for_every_role_that_says_what_it_runs_on(tmp_path: Path) -> None:
    agents = Agents(
        Workbench(settings(tmp_path, poet="openrouter:maker/m"), ProcessRegistry(), {"ANTHROPIC_API_KEY": "sk-ant-0"})
    )

    assert agents.team.agent_for("codesmith").name == "anthropic:claude-opus-5-5"
    assert agents.team.agent_for("poet").name == "openrouter:maker/m"
    assert agents.team.agent_for("critic").name == "anthropic:claude-opus-5-5"
    assert not agents.team.offline


@pytest.mark.anyio
async def test_an_agent_without_anything_to_run_on_never_pretends(tmp_path: Path) -> None:
    agents = Agents(Workbench(settings(tmp_path), ProcessRegistry(), {}))

    with pytest.raises(AgentError) as failure:
        await agents.team.agent_for("codesmith").run(
            AgentTask(role="codesmith", prompt="do it", workspace=tmp_path), lambda _: None
        )

    assert failure.value.kind == "claude_not_found"


@pytest.mark.anyio
async def test_roles_on_the_same_model_share_its_agent(tmp_path: Path) -> None:
    agents = Agents(Workbench(settings(tmp_path), ProcessRegistry(), EVERY_KEY))

    assert await agents.agent_for("codesmith") is await agents.agent_for("reviewfix")
    assert await agents.agent_for("codesmith") is not await agents.agent_for("researcher")
    await agents.aclose()
