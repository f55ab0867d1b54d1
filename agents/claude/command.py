"""An `AgentTask` as a command line of the Claude CLI. Pure: nothing is looked up, nothing is run.

Each rule below was measured on version 2.1.329.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from pydantic import BaseModel

from agents.agent import Access, AgentTask

PROMPT_PREFIX = "Your task:\n\n"
"""Stands before every prompt. A prompt whose first character is `/` is a command of the CLI, and an empty one is
refused; with words of ours in front of it, a prompt is only ever data."""

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL cannot stand in an argument, half a surrogate pair cannot be written as UTF-8."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, and what to write to it.

    Attributes:
        argv: The executable and its arguments.
        stdin: All of standard input, UTF-8; to be closed after it.
    """

    argv: tuple[str, ...]
    stdin: bytes


def build_command(
    executable: Path, task: AgentTask, *, model: str | None = None, private_directories: Iterable[Path] = ()
) -> Command:
    """Say a task to the CLI.

    The prompt goes to standard input: no length limit, and not visible to other users in the process list. Every
    option that has a value is written `--option=value`: options that take lists swallow whatever follows them.

    Conversations are not kept on disk (`--no-session-persistence`): a workflow resumes by its own stages, and the
    user's history of conversations stays the user's.

    Args:
        executable: The `claude` command.
        task: What to do. Its limits must be above zero (`--max-turns=0` would mean no limit).
        model: Alias or full name; None leaves the choice to the CLI.
        private_directories: Absolute paths that the file tools may neither read nor write, also where the CLI allows
            it by itself: it lets every agent read the user's conversations about the workspace.
    """
    options = [
        "-p",
        "--output-format=stream-json",
        "--verbose",  # the CLI wants it with stream-json
        "--no-session-persistence",
        "--strict-mcp-config",  # else every agent starts the user's MCP servers, this program among them
        "--setting-sources=",
        *_permission_options(task.access),
        "--include-partial-messages",
    ]
    if denied := [f"{tool}(/{path.as_posix()}/**)" for path in private_directories for tool in ("Read", "Edit")]:
        # Two slashes begin an absolute path; `Edit` stands for all tools that write.
        options.append(f"--settings={json.dumps({'permissions': {'deny': denied}}, separators=(',', ':'))}")
    if model:
        options.append(f"--model={_sendable(model)}")
    if task.max_turns is not None:
        options.append(f"--max-turns={task.max_turns}")
    if task.max_cost_usd is not None:
        options.append(f"--max-budget-usd={task.max_cost_usd!r}")
    if task.instructions:
        options.append(f"--append-system-prompt={_sendable(task.instructions)}")
    if task.reply_model is not None:
        options.append(f"--json-schema={_schema(task.reply_model)}")
    prompt = _sendable(PROMPT_PREFIX + task.prompt)
    return Command(argv=(str(executable), *options), stdin=prompt.encode())


def _permission_options(access: Access) -> tuple[str, ...]:
    """Which tools there are, and what they may do without asking: there is nobody to ask.

    The file tools appear in no `--allowedTools`: named there, they could read and write everywhere, while unnamed they
    are allowed inside the working directory and refused outside it. `Bash` has to be named to work at all, and what it
    starts is confined by nothing but the operating system.
    """
    match access:
        case "none":
            return ("--tools=", "--permission-mode=dontAsk")
        case "read":
            return ("--tools=Read,Grep,Glob", "--permission-mode=dontAsk")
        case "write":
            return (
                "--tools=Read,Grep,Glob,Edit,Write,NotebookEdit,Bash",
                "--allowedTools=Bash",
                "--permission-mode=acceptEdits",
            )
        case _:
            assert_never(access)


def _schema(reply_model: type[BaseModel]) -> str:
    return json.dumps(reply_model.model_json_schema(), separators=(",", ":"))  # ASCII: fits any argument encoding


def _sendable(text: str) -> str:
    return _UNSENDABLE.sub("\N{REPLACEMENT CHARACTER}", text)
