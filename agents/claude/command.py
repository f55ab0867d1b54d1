"""An `AgentTask` as a command line of the Claude CLI. Pure: nothing is looked up, nothing is run.

Each rule below was measured on version 2.1.329.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from pydantic import BaseModel

from agents.agent import AgentTask
from agents.claude.tool_rules import tool_options
from agents.claude.written import sendable
from agents.mcp_servers import McpServers

PROMPT_PREFIX = "Your task:\n\n"
"""Stands before every prompt. A prompt whose first character is `/` is a command of the CLI, and an empty one is
refused; with words of ours in front of it, a prompt is only ever data."""

RESUMED_PREFIX = (
    "Your work on the task below was interrupted from outside, and goes on now. Nobody has refused a tool call or asked"
    " you to stop, even if the conversation says so. What ran in that moment may be done, half done, or not done: look"
    " before you rely on it or do it again. Then finish the task.\n\n"
)
"""Stands before the prompt where a conversation is gone on with."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, and what to write to it.

    Attributes:
        argv: The executable and its arguments.
        prompt: The first message, all of standard input where nothing else is to be said.
        is_dialogue: Whether people take part: standard input is then JSON lines (`agents.claude.written`), and stays
            open.
    """

    argv: tuple[str, ...]
    prompt: str
    is_dialogue: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation that the CLI keeps on disk.

    Attributes:
        session_id: A UUID.
        is_resumed: Whether it is there already.
    """

    session_id: str
    is_resumed: bool


def build_command(
    executable: Path,
    task: AgentTask,
    *,
    model: str | None = None,
    private_directories: Iterable[Path] = (),
    session: Session | None = None,
    servers: McpServers | None = None,
) -> Command:
    """Say a task to the CLI.

    The prompt goes to standard input: no length limit, and not visible to other users in the process list. Every
    option that has a value is written `--option=value`: options that take lists swallow whatever follows them.

    Where people take part, the CLI asks on standard output what it may do (`--permission-prompt-tool=stdio`), and goes
    on reading standard input. Its permission mode must be one that asks: `dontAsk` denies without a question.

    Args:
        executable: The `claude` command.
        task: What to do. Its limits must be above zero (`--max-turns=0` would mean no limit).
        model: Alias or full name; None leaves the choice to the CLI.
        private_directories: Absolute paths that the file tools may neither read nor write, also where the CLI allows
            it by itself: it lets every agent read the user's conversations about the workspace.
        session: Where the conversation is kept; None keeps none. The user's history of conversations stays the user's
            in any case: see `agents.claude.kept_conversations`.
        servers: The MCP servers that are connected for this task, None for none. The CLI starts them, in the workspace.

    Raises:
        AgentMisconfigured: The task names a tool that is none, or one that its role may not use.
    """
    options = [
        "-p",
        "--output-format=stream-json",
        "--verbose",  # the CLI wants it with stream-json
        _session_option(session),
        "--strict-mcp-config",  # else every agent starts the user's MCP servers, this program among them
        "--setting-sources=",
        *tool_options(task, servers.names if servers else ()),
        *((f"--mcp-config={servers.path}",) if servers else ()),
        f"--permission-mode={_permission_mode(task)}",
        *_dialogue_options(task),
        "--include-partial-messages",
    ]
    if denied := [f"{tool}(/{path.as_posix()}/**)" for path in private_directories for tool in ("Read", "Edit")]:
        # Two slashes begin an absolute path; `Edit` stands for all tools that write.
        options.append(f"--settings={json.dumps({'permissions': {'deny': denied}}, separators=(',', ':'))}")
    if model:
        options.append(f"--model={sendable(model)}")
    if task.max_turns is not None:
        options.append(f"--max-turns={task.max_turns}")
    if task.max_cost_usd is not None:
        options.append(f"--max-budget-usd={task.max_cost_usd!r}")
    if task.instructions:
        options.append(f"--append-system-prompt={sendable(task.instructions)}")
    if task.reply_model is not None:
        options.append(f"--json-schema={_schema(task.reply_model)}")
    resumed = RESUMED_PREFIX if session is not None and session.is_resumed else ""
    prompt = sendable(resumed + PROMPT_PREFIX + task.prompt)
    is_dialogue = task.ask_permission is not None or task.next_instruction is not None
    return Command((str(executable), *options), prompt, is_dialogue)


def _session_option(session: Session | None) -> str:
    if session is None:
        return "--no-session-persistence"
    return f"--resume={session.session_id}" if session.is_resumed else f"--session-id={session.session_id}"


def _dialogue_options(task: AgentTask) -> tuple[str, ...]:
    if task.ask_permission is not None:
        return ("--input-format=stream-json", "--permission-prompt-tool=stdio")
    return ("--input-format=stream-json",) if task.next_instruction is not None else ()


def _permission_mode(task: AgentTask) -> str:
    """What may be done without asking; see `agents.claude.tool_rules` for the rest.

    `acceptEdits` lets the file tools write inside the working directory, and `Bash` run commands that only read, or
    that create, move and remove files there; any other command that is not named is asked about, or denied.
    What `Bash` starts is confined by nothing but the operating system.
    """
    match task.access:
        case "none":
            return "dontAsk"
        case "read":
            return "dontAsk" if task.ask_permission is None else "default"
        case "write":
            return "acceptEdits"
        case _:
            assert_never(task.access)


def _schema(reply_model: type[BaseModel]) -> str:
    return json.dumps(reply_model.model_json_schema(), separators=(",", ":"))  # ASCII: fits any argument encoding
