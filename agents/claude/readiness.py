"""Whether the CLI is ready to work: its version, and whether somebody is logged in. Asks no model and no network."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from agents.claude.version import KNOWN_VERSION, is_known_version
from agents.command_runner import CommandResult, RunCommand
from agents.errors import AgentProcessFailed, NotLoggedIn
from agents.json_fields import Json, JsonObject, flag_of, text_of

_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the CLI says of itself.

    Attributes:
        version: Its version.
        login: How it is logged in, as it says, for example `api_key`; empty where this version does not tell.
        is_older: Whether it is older than what all of this was measured on.
    """

    version: str
    login: str
    is_older: bool

    def in_words(self) -> str:
        """In one line."""
        login = f"logged in ({self.login})" if self.login else "this version does not tell whether it is logged in"
        older = f"; older than {KNOWN_VERSION}, on which all was measured" if self.is_older else ""
        return f"version {self.version}, {login}{older}"


async def check_cli(executable: Path, run: RunCommand, cwd: Path) -> Readiness:
    """Ask the CLI.

    Args:
        executable: The `claude` command.
        run: Runs commands.
        cwd: Existing directory to run it in.

    Raises:
        AgentProcessFailed: It does not run.
        NotLoggedIn: Nobody is logged in.
    """
    said = await _run(run, executable, "--version", cwd=cwd)
    version = said.stdout.decode(errors="replace").split(" ", 1)[0].strip()
    if not said.ok or not version:
        raise AgentProcessFailed(
            f"{executable} --version ended with exit code {said.exit_code}: {said.output[-400:] or 'it said nothing'}",
            exit_code=said.exit_code,
            stderr=said.stderr,
        )
    state = _state_in(await _run(run, executable, "auth", "status", "--json", cwd=cwd))
    if state is not None and not flag_of(state, "loggedIn"):
        raise NotLoggedIn(f"{executable} (version {version}) is there, but nobody is logged in.")
    login = text_of(state, "authMethod") or "login" if state is not None else ""
    return Readiness(version, login, not is_known_version(version))


async def _run(run: RunCommand, executable: Path, *arguments: str, cwd: Path) -> CommandResult:
    command = " ".join([str(executable), *arguments])
    try:
        result = await run([str(executable), *arguments], cwd, max_seconds=_SECONDS)
    except OSError as error:
        raise AgentProcessFailed(f"{command} could not be started: {error.strerror or error}") from error
    if result.timed_out:
        raise AgentProcessFailed(f"{command} did not end within {_SECONDS:.0f} s.")
    return result


def _state_in(result: CommandResult) -> JsonObject | None:
    """What `claude auth status` tells; None from a version that does not know the command."""
    try:
        state: Json = orjson.loads(result.stdout)
    except orjson.JSONDecodeError:
        return None
    return state if isinstance(state, dict) and "loggedIn" in state else None
