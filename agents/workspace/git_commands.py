"""Runs git in one directory: its messages in English, no question to anybody, no hook, no daemon, nothing signed.

What is left on are a repository's own filters (git-lfs, git-crypt): what a file is in the repository depends on them,
and one that is taken into it without them may be a secret in plain text.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from agents.command_runner import CommandResult, RunCommand
from agents.processes.provider_keys import PROVIDER_KEYS

_LONGEST_STDERR = 500

_ENVIRONMENT: Mapping[str, str | None] = MappingProxyType(
    {
        # What `git rev-parse --local-env-vars` lists: set where this server was started by a hook of some repository.
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": None,
        "GIT_COMMON_DIR": None,
        "GIT_CONFIG": None,
        "GIT_CONFIG_COUNT": None,
        "GIT_CONFIG_PARAMETERS": None,
        "GIT_DIR": None,
        "GIT_GRAFT_FILE": None,
        "GIT_IMPLICIT_WORK_TREE": None,
        "GIT_INDEX_FILE": None,
        "GIT_NAMESPACE": None,
        "GIT_OBJECT_DIRECTORY": None,
        "GIT_PREFIX": None,
        "GIT_WORK_TREE": None,
        **dict.fromkeys(PROVIDER_KEYS),  # a repository's configuration can name programs
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
)
_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_SETTINGS = (
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.fsmonitor=false",  # would start a daemon
    "-c", "core.splitIndex=false",
    "-c", "core.safecrlf=false",
    "-c", "core.filesRefLockTimeout=5000",  # milliseconds: another git may be at work in the same repository
    "-c", "core.packedRefsTimeout=5000",
    "-c", "commit.gpgSign=false",
)  # fmt: skip


class GitFailed(Exception):
    """A git command failed; the message is one line for people."""


class GitCommands:
    """Git in one directory.

    Args:
        directory: It exists.
        run_command: Runs git.
        run_id: The run it is done for.
        variables: What every command has in its environment besides.
    """

    def __init__(
        self,
        directory: Path,
        run_command: RunCommand,
        run_id: str = "",
        variables: Mapping[str, str] = _NO_VARIABLES,
    ) -> None:
        self.directory = directory
        self._run_command = run_command
        self._run_id = run_id
        self._variables = variables

    def at(self, directory: Path, variables: Mapping[str, str] = _NO_VARIABLES) -> "GitCommands":
        """The same in another directory, and with more variables."""
        return GitCommands(directory, self._run_command, self._run_id, {**self._variables, **variables})

    async def output(self, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES, stdin: bytes = b"") -> bytes:
        """The whole standard output of a command.

        Raises:
            GitFailed: It failed, or said more than is kept.
        """
        result = await self.result(*arguments, variables=variables, stdin=stdin)
        if result.dropped_bytes:  # a list with its end missing would be read as what is not there
            raise GitFailed(f"git {arguments[0]} failed: it says more than {len(result.stdout):,} bytes")
        return result.stdout

    async def line(self, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES) -> str:
        """The only line a command says.

        Raises:
            GitFailed: It failed.
        """
        return os.fsdecode(await self.output(*arguments, variables=variables)).rstrip("\r\n")

    async def result(
        self, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES, stdin: bytes = b""
    ) -> CommandResult:
        """What a command did.

        Raises:
            GitFailed: It failed.
        """
        result = await self.attempt(*arguments, variables=variables, stdin=stdin)
        if not result.ok:
            why = "it took too long" if result.timed_out else " ".join(result.stderr.split())[:_LONGEST_STDERR]
            raise GitFailed(f"git {arguments[0]} failed: {why or f'exit code {result.exit_code}'}")
        return result

    async def attempt(
        self, *arguments: str, variables: Mapping[str, str] = _NO_VARIABLES, stdin: bytes = b""
    ) -> CommandResult:
        """What a command did, also if it failed.

        Raises:
            GitFailed: It could not be started.
        """
        argv, changed = ("git", *_SETTINGS, *arguments), {**_ENVIRONMENT, **self._variables, **variables}
        try:
            return await self._run_command(argv, self.directory, run_id=self._run_id, stdin=stdin, variables=changed)
        except OSError as error:
            raise GitFailed(f"git could not be started: {error}") from error

    async def path(self, name: str) -> Path:
        """Where the repository keeps something.

        Raises:
            GitFailed: There is no repository.
        """
        return (self.directory / await self.line("rev-parse", "--git-path", name)).resolve()
