"""What the CLI says of itself before it works."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.claude.readiness import check_cli
from agents.command_runner import CommandResult
from agents.errors import AgentError, AgentProcessFailed, NotLoggedIn

pytestmark = pytest.mark.anyio

CLAUDE = Path("/opt/claude")
VERSION = CommandResult(exit_code=0, stdout=b"2.1.400 (Claude Code)\n", stderr="", seconds=0.01)


class Cli:
    """Answers `--version` and `auth status`."""

    def __init__(self, version: CommandResult = VERSION, state: str = "", exit_code: int = 0) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._version = version
        self._state = CommandResult(exit_code=exit_code, stdout=state.encode(), stderr="", seconds=0.01)

    async def run(self, argv: Sequence[str], cwd: Path, **_: Any) -> CommandResult:
        assert cwd.is_absolute()
        self.asked.append(tuple(argv[1:]))
        return self._version if "--version" in argv else self._state


async def said_by(cli: Cli) -> str:
    return (await check_cli(CLAUDE, cli.run, Path.cwd())).in_words()


async def failure_of(cli: Cli) -> AgentError:
    with pytest.raises(AgentError) as failure:
        await check_cli(CLAUDE, cli.run, Path.cwd())
    return failure.value


async def test_the_version_and_the_login_are_told() -> None:
    cli = Cli(state='{"loggedIn": true, "authMethod": "api_key"}')

    assert await said_by(cli) == "version 2.1.400, logged in (api_key)"
    assert cli.asked == [("--version",), ("auth", "status", "--json")]


async def test_an_older_version_is_mentioned() -> None:
    old = CommandResult(exit_code=0, stdout=b"2.0.1 (Claude Code)", stderr="", seconds=0.01)

    assert "older than 2.1.329" in await said_by(Cli(old, '{"loggedIn": true, "authMethod": "claude.ai"}'))


async def test_without_a_login_nothing_could_work() -> None:
    failure = await failure_of(Cli(state='{"loggedIn": false, "authMethod": "none"}', exit_code=1))

    assert type(failure) is NotLoggedIn
    assert any("/login" in remedy for remedy in failure.recovery)


async def test_a_version_that_does_not_tell_of_its_login_is_not_called_logged_out() -> None:
    assert "does not tell whether it is logged in" in await said_by(Cli(state="error: unknown command", exit_code=1))


async def test_a_command_that_does_not_run_is_an_error_with_its_words() -> None:
    broken = CommandResult(exit_code=127, stdout=b"", stderr="libc is missing", seconds=0.01)
    failure = await failure_of(Cli(broken))

    assert type(failure) is AgentProcessFailed
    assert "libc is missing" in failure.message


async def test_a_command_that_hangs_is_an_error() -> None:
    hanging = CommandResult(exit_code=-15, stdout=b"", stderr="", seconds=15.0, timed_out=True)

    assert "did not end within" in (await failure_of(Cli(hanging))).message


async def test_a_command_that_cannot_be_started_is_an_error() -> None:
    async def run(*_: Any, **__: Any) -> CommandResult:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(AgentProcessFailed, match="Permission denied"):
        await check_cli(CLAUDE, run, Path.cwd())
