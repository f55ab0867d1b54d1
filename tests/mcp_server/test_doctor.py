"""`agent-workflows doctor`: what each role runs on, and whether that would work."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agents.command_runner import CommandResult
from agents.errors import NotLoggedIn, ProviderUnreachable
from agents.models.providers import ProviderName
from mcp_server.cli import cli
from mcp_server.commands import doctor
from mcp_server.diagnosis import Diagnosis, diagnose
from mcp_server.known_roles import ROLES
from mcp_server.settings import Settings

ANTHROPIC = {"ANTHROPIC_API_KEY": "sk-ant-0123456789"}


class World:
    """Whom the doctor asks."""

    def __init__(self, *, logged_in: bool = True, refuses: frozenset[ProviderName] = frozenset()) -> None:
        self.asked: list[str] = []
        self._logged_in = logged_in
        self._refuses = refuses

    async def run(self, argv: Any, *_: object, **__: object) -> CommandResult:
        state = json.dumps({"loggedIn": self._logged_in, "authMethod": "claude.ai"})
        said = "2.1.400 (Claude Code)" if "--version" in argv else state
        return CommandResult(exit_code=0, stdout=said.encode(), stderr="", seconds=0.0)

    async def check_provider(self, provider: ProviderName, model: str, environ: Mapping[str, str]) -> None:
        assert environ
        self.asked.append(f"{provider}:{model}")
        if provider in self._refuses:
            raise NotLoggedIn("It says: wrong key", recovery=("Set a better one",))


@pytest.fixture
def claude(tmp_path: Path) -> str:
    """A directory with a `claude` command in it."""
    executable = tmp_path / "bin" / "claude"
    executable.parent.mkdir()
    executable.touch(0o755)
    return str(executable.parent)


async def diagnosed(world: World, environ: Mapping[str, str], tmp_path: Path, **settings: Any) -> Diagnosis:
    given = Settings(home=tmp_path, roots=(tmp_path,), **settings)
    return await diagnose(given, environ, world.run, check_provider=world.check_provider)


@pytest.mark.anyio
async def test_every_role_is_told_with_what_it_runs_on_and_why(claude: str, tmp_path: Path) -> None:
    diagnosis = await diagnosed(World(), {"PATH": claude}, tmp_path, models={"tester": "claude-cli:haiku"})

    assert {role.role for role in diagnosis.roles} == set(ROLES)
    told = {role.role: (role.runs_on, role.why) for role in diagnosis.roles}
    assert told["codesmith"] == ("claude-cli", "auto: it writes files and runs commands; the claude command is there")
    assert told["tester"] == ("claude-cli:haiku", "set by AGENT_WORKFLOWS_MODEL_TESTER")
    assert diagnosis.ok


@pytest.mark.anyio
async def test_what_is_used_is_asked_once_and_says_for_whom(claude: str, tmp_path: Path) -> None:
    world = World()
    diagnosis = await diagnosed(
        world, {"PATH": claude, **ANTHROPIC}, tmp_path, models={"supervisor": "anthropic:m", "planner": "anthropic:m"}
    )

    assert world.asked == ["anthropic:m"]
    [check] = [check for check in diagnosis.checks if check.name == "anthropic:m"]
    assert check.roles == ("supervisor", "planner")


@pytest.mark.anyio
async def test_a_role_whose_provider_refuses_cannot_run(claude: str, tmp_path: Path) -> None:
    world = World(refuses=frozenset({"openai"}))
    environ = {"PATH": claude, "OPENAI_API_KEY": "sk-0123456789"}
    diagnosis = await diagnosed(world, environ, tmp_path, models={"reviewer": "openai:m"})

    assert not diagnosis.ok
    assert [role.role for role in diagnosis.roles if not role.ok] == ["reviewer"]
    [failed] = [check for check in diagnosis.checks if not check.ok]
    assert (failed.blame, failed.recovery) == ("setup", ("Set a better one",))


@pytest.mark.anyio
async def test_a_provider_that_is_configured_and_not_used_is_asked_and_breaks_nothing(
    claude: str, tmp_path: Path
) -> None:
    world = World(refuses=frozenset({"anthropic"}))
    diagnosis = await diagnosed(world, {"PATH": claude, **ANTHROPIC}, tmp_path)

    assert world.asked == ["anthropic:claude-opus-5-5"]
    assert diagnosis.ok
    [failed] = [check for check in diagnosis.checks if not check.ok]
    assert failed.roles == ()


@pytest.mark.anyio
async def test_a_claude_that_nobody_is_logged_in_to_is_a_problem_of_all_its_roles(claude: str, tmp_path: Path) -> None:
    diagnosis = await diagnosed(World(logged_in=False), {"PATH": claude}, tmp_path)

    assert not any(role.ok for role in diagnosis.roles)


@pytest.mark.anyio
async def test_with_nothing_configured_nobody_is_asked(tmp_path: Path) -> None:
    world = World()
    diagnosis = await diagnosed(world, {}, tmp_path)

    assert not diagnosis.ok
    assert world.asked == []
    assert {role.runs_on for role in diagnosis.roles} == {"nothing"}


@pytest.mark.anyio
async def test_scripted_agents_need_nothing(tmp_path: Path) -> None:
    diagnosis = await diagnosed(World(), {}, tmp_path, offline=True)

    assert diagnosis.ok
    assert diagnosis.offline


# The command.


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AGENT_WORKFLOWS_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return monkeypatch


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments], prog_name="agent-workflows")


def in_one_line(result: Result) -> str:
    return " ".join(result.output.split())


def test_it_exits_with_1_and_the_remedy_if_nothing_is_configured(environment: pytest.MonkeyPatch) -> None:
    del environment
    done = ran()

    assert done.exit_code == 1
    assert "npm install -g @anthropic-ai/claude-code" in done.output
    assert "or set ANTHROPIC_API_KEY" in done.output
    assert "Workflows with these roles cannot run: supervisor" in in_one_line(done)


def test_it_exits_with_0_if_all_is_well(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    claude = tmp_path / "claude"
    claude.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "2.1.400 (Claude Code)" || echo \'{"loggedIn": true}\'\n'
    )
    claude.chmod(0o755)
    environment.setenv("AGENT_WORKFLOWS_CLAUDE", str(claude))
    done = ran()

    assert done.exit_code == 0, done.output
    assert "Every workflow can run." in done.output
    assert "version 2.1.400" in in_one_line(done)


def test_as_json_it_is_one_object(environment: pytest.MonkeyPatch) -> None:
    del environment
    done = ran("--json")
    told = json.loads(done.output)

    assert done.exit_code == 1
    assert told["ok"] is False
    assert {role["role"] for role in told["roles"]} == set(ROLES)
    assert set(told["checks"][0]) == {"name", "roles", "ok", "message", "blame", "recovery", "seconds"}


def test_offline_it_says_that_no_model_is_used(environment: pytest.MonkeyPatch) -> None:
    del environment
    done = ran("--offline")

    assert done.exit_code == 0
    assert "no provider is used" in done.output


def test_a_workflow_of_ones_own_that_cannot_be_used_is_named_and_exits_with_1(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del environment
    (tmp_path / "broken.py").write_text("import no_such_module_anywhere\n")
    done = ran("--offline", "--workflow", str(tmp_path / "broken.py"))

    assert done.exit_code == 1
    assert "A workflow is left out." in done.output
    assert "No module named 'no_such_module_anywhere'" in in_one_line(done)
    assert "Correct the file" in in_one_line(done)
    assert done.output.endswith("Not every workflow of your own is there.\n")


def test_a_key_in_what_a_provider_says_is_masked(environment: pytest.MonkeyPatch) -> None:
    key = "planted.0123456789abcdef"

    async def check_provider(*_: object) -> None:
        raise ProviderUnreachable(f"the proxy says: {key}")

    environment.setenv("ANTHROPIC_API_KEY", key)
    environment.setattr("mcp_server.diagnosis._check_provider", check_provider)

    for arguments in ((), ("--json",)):
        done = ran(*arguments)
        assert done.exit_code == 1
        assert key not in done.output
        assert "the proxy says: ***" in in_one_line(done)


def test_a_role_that_nobody_knows_is_mentioned(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AGENT_WORKFLOWS_MODEL_POET", "openai:m")

    assert "AGENT_WORKFLOWS_MODEL_POET is for a role of no built-in workflow" in in_one_line(ran())


def test_a_misspelt_role_is_wrong_usage(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AGENT_WORKFLOWS_MODEL_CODESMIHT", "openai:m")
    done = ran()

    assert done.exit_code == 2
    assert "did you mean codesmith?" in done.output


def test_it_is_a_subcommand() -> None:
    assert cli.get_command(cli.make_context("agent-workflows", [], resilient_parsing=True), "doctor") is doctor.command
