"""Tools that change the workspace: write, edit, run a command."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from agents.command_runner import CommandResult, RunCommand
from agents.finished_work import in_thread_to_its_end
from agents.processes.provider_keys import PROVIDER_KEYS
from agents.tools.inside import Inside
from agents.tools.tool import RanCommand, Tool, ToolFailed, ToolOutcome
from agents.tools.typed_tool import Arguments, TypedTool

COMMAND_SECONDS = 120
"""How long a command may take, unless it asks for more."""
MOST_COMMAND_SECONDS = 600
"""How long it may ask for."""
EDITED_BYTES = 10 * 1024 * 1024
"""Files that are larger are not edited."""
_T = TypeVar("_T")


class WriteArguments(Arguments):
    """What to write."""

    file_path: str = Field(description="The file, relative to the working directory; directories are made.")
    content: str = Field(description="The whole content; a file that is there is replaced.")


class EditArguments(Arguments):
    """What to replace."""

    file_path: str = Field(description="The file, relative to the working directory.")
    old_string: str = Field(min_length=1, description="The exact text to replace, with its indentation.")
    new_string: str = Field(description="What to put there instead.")
    replace_all: bool = Field(default=False, description="Replace every place; otherwise there must be exactly one.")


class BashArguments(Arguments):
    """What to run."""

    command: str = Field(min_length=1, description="A shell command, run in the working directory.")
    timeout_seconds: int = Field(
        default=COMMAND_SECONDS, ge=1, le=MOST_COMMAND_SECONDS, description="After how many seconds it is ended."
    )


def writing_tools(inside: Inside, run_command: RunCommand, run_id: str = "") -> tuple[Tool, ...]:
    """The tools.

    Args:
        inside: The workspace.
        run_command: Runs commands.
        run_id: The run they belong to.
    """

    async def write(arguments: WriteArguments) -> ToolOutcome:
        return await _to_the_end(_write, inside, arguments)

    async def edit(arguments: EditArguments) -> ToolOutcome:
        return await _to_the_end(_edit, inside, arguments)

    async def bash(arguments: BashArguments) -> ToolOutcome:
        return await _run(inside, run_command, run_id, arguments)

    return (
        TypedTool(
            name="Write",
            description="Writes a whole text file of the working directory.",
            takes=WriteArguments,
            act=write,
        ),
        TypedTool(
            name="Edit",
            description="Replaces text in a file of the working directory. Read the file first.",
            takes=EditArguments,
            act=edit,
        ),
        TypedTool(
            name="Bash",
            description="Runs a shell command in the working directory and gives its output and exit code. It has no "
            "terminal and nothing to read, and everything it has started is ended with it.",
            takes=BashArguments,
            act=bash,
        ),
    )


async def _to_the_end(work: Callable[[Inside, _T], ToolOutcome], inside: Inside, arguments: _T) -> ToolOutcome:
    """Write in a thread; a cancelled call waits for it, so that no file is written when its run is over."""
    return await in_thread_to_its_end(partial(work, inside, arguments))


def _write(inside: Inside, arguments: WriteArguments) -> ToolOutcome:
    path = inside.writable(arguments.file_path)
    if path.exists() and not path.is_file():
        raise ToolFailed(f"{arguments.file_path} is no regular file")
    try:
        content = arguments.content.encode()  # before the file is opened: opening empties it
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except (OSError, UnicodeEncodeError) as error:
        raise ToolFailed(f"{arguments.file_path} could not be written: {error}") from error
    lines = len(arguments.content.splitlines())
    return _wrote(inside, path, f"Wrote {inside.shown(path)}: {lines} lines")


def _edit(inside: Inside, arguments: EditArguments) -> ToolOutcome:
    inside.writable(arguments.file_path)
    path = inside.file(arguments.file_path)
    text = _text_of(path, arguments.file_path)
    places = text.count(arguments.old_string)
    if places == 0:
        raise ToolFailed(f"{arguments.file_path} was left as it is: the text to replace is not in it")
    if places > 1 and not arguments.replace_all:
        raise ToolFailed(
            f"{arguments.file_path} was left as it is: the text to replace is there {places} times; give more of what "
            "is around it, or set replace_all"
        )
    try:
        path.write_bytes(text.replace(arguments.old_string, arguments.new_string).encode())
    except (OSError, UnicodeEncodeError) as error:
        raise ToolFailed(f"{arguments.file_path} could not be written: {error}") from error
    return _wrote(inside, path, f"Edited {inside.shown(path)}: {places} place{'s' if places > 1 else ''}")


def _text_of(path: Path, given: str) -> str:
    if path.stat().st_size > EDITED_BYTES:
        raise ToolFailed(f"{given} is too large to edit")
    try:
        with path.open(encoding="utf-8", newline="") as file:  # line ends stay as they are
            return file.read()
    except UnicodeDecodeError as error:
        raise ToolFailed(f"{given} is no UTF-8 text") from error
    except OSError as error:
        raise ToolFailed(f"{given} could not be read: {error}") from error


def _wrote(inside: Inside, path: Path, output: str) -> ToolOutcome:
    return ToolOutcome(output=output, wrote=(inside.shown(path),), changed_something=True)


async def _run(inside: Inside, run_command: RunCommand, run_id: str, arguments: BashArguments) -> ToolOutcome:
    try:
        result = await run_command(
            shell(arguments.command),
            inside.root,
            run_id=run_id,
            variables=dict.fromkeys(PROVIDER_KEYS, None),
            max_seconds=arguments.timeout_seconds,
        )
    except OSError as error:
        raise ToolFailed(f"the command could not be started: {error}") from error
    ran = RanCommand(arguments.command, result.ok, result.seconds, result.output)
    return ToolOutcome(output=_told(result), ok=result.ok, ran=ran, changed_something=True)


def shell(command: str) -> Sequence[str]:
    """How a shell command is started here."""
    if sys.platform == "win32":
        return (os.environ.get("COMSPEC", "cmd.exe"), "/d", "/s", "/c", command)
    return (shutil.which("bash") or "/bin/sh", "-c", command)


def _told(result: CommandResult) -> str:
    lines = [result.output] if result.output else []
    if result.dropped_bytes:
        lines.append(f"({result.dropped_bytes:,} bytes more were dropped)")
    if result.timed_out:
        lines.append(f"Ended after {result.seconds:.1f} s: it took too long")
    elif result.exit_code:
        lines.append(f"Exit code {result.exit_code}")
    return "\n".join(lines) or "(no output)"
