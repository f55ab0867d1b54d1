"""The tool calls of a run: each start matched to its end, and what they did to files and with commands."""

import os.path
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agents.agent import CommandRun
from agents.claude.fields import JsonObject, text_of
from agents.claude.messages import ToolResult, ToolUseBlock
from agents.claude.wording import first_sentence
from agents.events import AgentSaid, Progressed, ToolEnded, ToolStarted

COMMAND_OUTPUT_CHARACTERS = 4000
REPLY_TOOL = "StructuredOutput"
"""The tool by which the CLI lets the model hand over a typed reply; it is the reply, not a tool."""

_FILE_TOOLS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_COMMAND_TOOL = "Bash"


@dataclass(frozen=True, slots=True)
class OpenTool:
    """A tool call whose result has not come yet.

    Attributes:
        call_id: The call.
        tool: Name of the tool.
        speaker: Who made the call.
        input: Its arguments.
        started: When it began, by the clock of the run.
    """

    call_id: str
    tool: str
    speaker: tuple[str, ...]
    input: JsonObject
    started: float


class ToolCalls:
    """Keeps the tool calls of one run.

    Args:
        workspace: Directory that paths are told relative to.
        clock: Seconds, rising.
    """

    def __init__(self, workspace: Path, clock: Callable[[], float]) -> None:
        self._roots = [os.path.normpath(workspace)]
        self._clock = clock
        self._open: dict[str, OpenTool] = {}
        self._in_background: dict[str, OpenTool] = {}
        self._files: dict[str, None] = {}
        self._commands: dict[str, CommandRun | None] = {}

    @property
    def open(self) -> tuple[OpenTool, ...]:
        """Calls without a result, in the order they began; the reply is none of them."""
        return tuple(call for call in self._open.values() if call.tool != REPLY_TOOL)

    @property
    def files(self) -> tuple[str, ...]:
        """Files that were written or edited, in that order, each once; relative to the workspace where below it."""
        return tuple(self._files)

    @property
    def commands(self) -> tuple[CommandRun, ...]:
        """Commands that have ended, in the order they began."""
        return tuple(command for command in self._commands.values() if command is not None)

    def add_root(self, directory: str) -> None:
        """Add what the CLI takes for the workspace; it differs where a symbolic link leads there."""
        if Path(directory).is_absolute():
            self._roots.append(os.path.normpath(directory))

    def speaker_of(self, call_id: str) -> tuple[str, ...]:
        """Tell who made a call; empty for the main thread or a call that is not known."""
        call = self._open.get(call_id) or self._in_background.get(call_id)
        return () if call is None else call.speaker

    def start(self, block: ToolUseBlock, speaker: tuple[str, ...]) -> list[AgentSaid]:
        """Begin a call."""
        if block.call_id in self._open:
            return []
        self._open[block.call_id] = OpenTool(block.call_id, block.tool, speaker, block.input, self._clock())
        if block.tool == REPLY_TOOL:
            return []
        if block.tool == _COMMAND_TOOL:
            self._commands[block.call_id] = None
        return [ToolStarted(tool=block.tool, call_id=block.call_id, input=block.input, speaker=speaker)]

    def end(self, result: ToolResult, *, goes_on: bool) -> list[AgentSaid]:
        """End a call.

        Args:
            result: What it gave back.
            goes_on: True if its command goes on in the background; it counts as run when that ends.
        """
        call = self._open.pop(result.call_id, None)
        if call is None:
            return []
        if call.tool == REPLY_TOOL:
            return _reply_checked(result, call)
        seconds = self._clock() - call.started
        was_moved = self._in_background.pop(call.call_id, None) is not None
        if (goes_on or was_moved) and not result.is_error:
            self._in_background[call.call_id] = call
        elif call.tool == _COMMAND_TOOL:
            self._commands[call.call_id] = _command(call, result.output, seconds, ok=not result.is_error)
        elif call.tool in _FILE_TOOLS and not result.is_error:
            self._note_file(text_of(call.input, "file_path") or text_of(call.input, "notebook_path"))
        return [
            ToolEnded(
                tool=call.tool,
                call_id=call.call_id,
                seconds=seconds,
                ok=not result.is_error,
                output=result.output,
                speaker=call.speaker,
            )
        ]

    def move_to_background(self, call_id: str) -> None:
        """Note that a call's command goes on after its result."""
        call = self._open.get(call_id)
        if call is not None:
            self._in_background[call_id] = call

    def end_in_background(self, call_id: str, output: str, *, ok: bool) -> None:
        """Note that a command in the background has ended."""
        call = self._in_background.pop(call_id, None)
        if call is not None and call.tool == _COMMAND_TOOL:
            self._commands[call_id] = _command(call, output, self._clock() - call.started, ok=ok)

    def _note_file(self, path: str) -> None:
        if not path:
            return
        whole = os.path.normpath(os.path.join(self._roots[0], path))  # noqa: PTH118 - pure, also for foreign paths
        for root in self._roots:
            if whole.startswith(root + os.sep):
                whole = whole[len(root) + 1 :].replace(os.sep, "/")
                break
        self._files[whole] = None


def _command(call: OpenTool, output: str, seconds: float, *, ok: bool) -> CommandRun:
    return CommandRun(text_of(call.input, "command"), ok, seconds, output[-COMMAND_OUTPUT_CHARACTERS:])


def _reply_checked(result: ToolResult, call: OpenTool) -> list[AgentSaid]:
    if not result.is_error:
        return []
    return [
        Progressed(
            message=f"the reply did not fit, asking again: {first_sentence(result.output)}",
            details={"error": result.output},
            speaker=call.speaker,
        )
    ]
