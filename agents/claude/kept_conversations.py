"""Conversations that are kept while they are at work, so that one that was interrupted can be gone on with.

The CLI keeps them, each in a directory of ours named by its id: it is told that this is its configuration directory
(`CLAUDE_CONFIG_DIR`), so nothing of it ever comes among the user's own conversations. The user's login is still found:
`CLAUDE_SECURESTORAGE_CONFIG_DIR` says where that is (measured on version 2.1.329; a copy would not do, because the CLI
renews the login and writes it back). The CLI can go on with each of them, also with one that was killed. It writes
about 0.1 s later than it works; a tool call whose result is missing is told to the model as one whose outcome is
unknown.

A conversation is deleted when its task is done; what was given up is deleted after `KEPT_SECONDS`.

All of it blocks: call it in a thread.
"""

import json
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.agent import AgentTask
from agents.processes.descendants import kill_all
from agents.workspace.private_files import make_private_directory, write_private_file

KEPT_SECONDS = 7 * 24 * 3600.0
"""How long a conversation waits to be gone on with."""

_HEADER = "task.json"
_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
_PROVIDERS = (
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    "CLAUDE_CODE_USE_GATEWAY",
)


class _Header(BaseModel):
    """What a conversation is about: it is gone on with for the same task only."""

    model_config = ConfigDict(frozen=True)

    marker: str
    role: str
    prompt: str
    instructions: str
    access: str
    reply: str
    workspace: str

    @classmethod
    def of(cls, task: AgentTask, marker: str) -> "_Header":
        return cls(
            marker=marker,
            role=task.role,
            prompt=_writable(task.prompt),
            instructions=_writable(task.instructions),
            access=task.access,
            reply="" if task.reply_model is None else json.dumps(task.reply_model.model_json_schema(), sort_keys=True),
            workspace=_writable(str(task.workspace.resolve())),
        )

    def is_about(self, later: "_Header") -> bool:
        """Whether a later task is this one, possibly with something added to its prompt."""
        same = later.model_copy(update={"marker": self.marker, "prompt": self.prompt})
        return same == self and later.prompt.startswith(self.prompt)


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation that is kept.

    Attributes:
        session_id: The CLI's name for it, a UUID.
        directory: Where it lies; the CLI's configuration directory.
        is_resumed: Whether something was said in it already.
    """

    session_id: str
    directory: Path
    is_resumed: bool = field(default=False)

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What the CLI's environment has to say, so that it is kept there and the login is found."""
        # Empty stands for the usual place, also where the system keeps logins under the name of that place (macOS).
        login = environ.get("CLAUDE_SECURESTORAGE_CONFIG_DIR", environ.get("CLAUDE_CONFIG_DIR", ""))
        return {"CLAUDE_CONFIG_DIR": str(self.directory), "CLAUDE_SECURESTORAGE_CONFIG_DIR": login}

    def forget(self) -> None:
        """Delete it."""
        shutil.rmtree(self.directory, ignore_errors=True)


class KeptConversations:
    """The conversations that are kept.

    Args:
        directory: For this alone; made when it is needed.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()

    def open(self, task: AgentTask, marker: str) -> KeptConversation:
        """Begin a conversation about a task, or go on with the one it names, where that is safe.

        It is safe where it was about the same task (role, instructions, access, shape of the reply, workspace; the
        prompt may have become longer at its end), its file is there and whole, and the model had said something.
        What still runs of the process that was interrupted is ended first: two must not write to one conversation.

        Args:
            task: With `resume_session`, if it was interrupted.
            marker: Of the child that is about to be started.

        Raises:
            OSError: There is no place for it.
        """
        make_private_directory(self._directory)
        self._delete_old()
        header = _Header.of(task, marker)
        earlier = self._interrupted(task.resume_session, header)
        session_id = earlier or str(uuid.uuid4())
        directory = self._directory / session_id
        make_private_directory(directory)
        write_private_file(directory / _HEADER, header.model_dump_json())
        return KeptConversation(session_id, directory, is_resumed=earlier is not None)

    def _interrupted(self, session_id: str, header: _Header) -> str | None:
        """The id of a conversation that can be gone on with; None if that one cannot."""
        with suppress(ValueError, OSError, ValidationError):
            if session_id != str(uuid.UUID(session_id)):  # it becomes a part of a path
                return None
            directory = self._directory / session_id
            earlier = _Header.model_validate_json((directory / _HEADER).read_bytes())
            if not earlier.is_about(header) or kill_all((), earlier.marker):
                return None
            (transcript,) = directory.glob(f"projects/*/{session_id}.jsonl")
            if _is_whole(transcript):
                return session_id
        return None

    def _delete_old(self) -> None:
        for directory in self._directory.iterdir():
            with suppress(OSError):
                if time.time() - (directory / _HEADER).stat().st_mtime > KEPT_SECONDS:
                    shutil.rmtree(directory, ignore_errors=True)


def finds_login_elsewhere(environ: Mapping[str, str]) -> bool:
    """Whether the CLI certainly finds its login with another configuration directory than the user's.

    So it is with a key or a provider in the environment, and with a login in a file. Not known is it of a key that was
    saved among the CLI's settings, and of a login that only the system's keychain holds.

    Args:
        environ: The environment the CLI would be started with.
    """
    if has_login_in_environment(environ):
        return True
    home = environ.get("HOME") or environ.get("USERPROFILE")
    place = environ.get("CLAUDE_SECURESTORAGE_CONFIG_DIR") or environ.get("CLAUDE_CONFIG_DIR")
    directory = Path(place) if place else Path(home) / ".claude" if home else None
    return directory is not None and (directory / ".credentials.json").is_file()


def has_login_in_environment(environ: Mapping[str, str]) -> bool:
    """Whether a key or a provider in the environment is what the CLI logs in with, wherever it is told to look."""
    return any(environ.get(name) for name in (*_KEYS, *_PROVIDERS))


def _is_whole(transcript: Path) -> bool:
    """Whether every line is there to its end, and one is the model's."""
    answered = False
    with transcript.open("rb") as lines:
        for line in lines:
            entry: object = orjson.loads(line)
            if not line.endswith(b"\n") or not isinstance(entry, dict):
                return False
            answered = answered or b'"type":"assistant"' in line
    return answered


def _writable(text: str) -> str:
    return text.encode(errors="replace").decode()
