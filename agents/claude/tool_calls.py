"""The tool calls of a run: each start matched to its end, and what they did to files and with commands."""

import os.path
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from agents.agent import COMMAND_OUTPUT_CHARACTERS, CommandRun
from agents.claude.messages import ToolResult, ToolUseBlock
from agents.claude.wording import first_sentence
from agents.events import AgentSaid, Progressed, ToolEnded, ToolStarted
from agents.json_fields import JsonObject, text_of

REPLY_TOOL = "StructuredOutput"
"""The tool by which the CLI lets the model hand over a typed reply; it is the reply, not a tool."""

_FILE_TOOLS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_COMMAND_TOOL = "Bash"

_Call: TypeAlias = tuple[ToolUseBlock, tuple[str, ...], float]
"""A call, who made it, and when it began."""
_Ran: TypeAlias = tuple[ToolUseBlock, bool, float, str]
"""A command, whether it went well, how long it took, and the end of what it wrote."""


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
        self._open: dict[str, _Call] = {}
        self._in_background: dict[str, _Call] = {}
        self._files: dict[str, None] = {}
        self._noted: set[str] = set()  # paths as the calls name them
        self._commands: dict[str, _Ran | None] = {}

    @property
    def open(self) -> tuple[OpenTool, ...]:
        """Calls without a result, in the order they began; the reply is none of them."""
        return tuple(
            OpenTool(block.call_id, block.tool, speaker, block.input, started)
            for block, speaker, started in self._open.values()
            if block.tool != REPLY_TOOL
        )

    @property
    def files(self) -> tuple[str, ...]:
        """Files that were written or edited, in that order, each once; relative to the workspace where below it."""
        return tuple(self._files)

    @property
    def commands(self) -> tuple[CommandRun, ...]:
        """Commands that have ended, in the order they began."""
        return tuple(_command(ran) for ran in self._commands.values() if ran is not None)

    def add_root(self, directory: str) -> None:
        """Add what the CLI takes for the workspace; it differs where a symbolic link leads there."""
        if Path(directory).is_absolute():
            self._roots.append(os.path.normpath(directory))

    def speaker_of(self, call_id: str) -> tuple[str, ...]:
        """Tell who made a call; empty for the main thread or a call that is not known."""
        call = self._open.get(call_id) or self._in_background.get(call_id)
        return () if call is None else call[1]

    def start(self, block: ToolUseBlock, speaker: tuple[str, ...]) -> list[AgentSaid]:
        """Begin a call."""
        call_id, tool = block.call_id, block.tool
        if call_id in self._open:
            return []
        self._open[call_id] = (block, speaker, self._clock())
        if tool == REPLY_TOOL:
            return []
        if tool == _COMMAND_TOOL:
            self._commands[call_id] = None  # keeps its place in the order
        return [ToolStarted(tool=tool, call_id=call_id, input=block.input, speaker=speaker)]

    def end(self, result: ToolResult, *, goes_on: bool) -> list[AgentSaid]:
        """End a call.

        Args:
            result: What it gave back.
            goes_on: True if its command goes on in the background; it counts as run when that ends.
        """
        call_id, ok = result.call_id, not result.is_error
        call = self._open.pop(call_id, None)
        if call is None:
            return []
        block, speaker, started = call
        tool = block.tool
        if tool == REPLY_TOOL:
            return [] if ok else [_reply_rejected(result.output, speaker)]
        seconds = self._clock() - started
        was_moved = self._in_background.pop(call_id, None) is not None
        if ok and (goes_on or was_moved):
            self._in_background[call_id] = call
        elif tool == _COMMAND_TOOL:
            self._commands[call_id] = (block, ok, seconds, result.output[-COMMAND_OUTPUT_CHARACTERS:])
        elif ok and tool in _FILE_TOOLS:
            self._note_file(text_of(block.input, "file_path") or text_of(block.input, "notebook_path"))
        return [ToolEnded(tool=tool, call_id=call_id, seconds=seconds, ok=ok, output=result.output, speaker=speaker)]

    def move_to_background(self, call_id: str) -> None:
        """Note that a call's command goes on after its result."""
        call = self._open.get(call_id)
        if call is not None:
            self._in_background[call_id] = call

    def end_in_background(self, call_id: str, output: str, *, ok: bool) -> None:
        """Note that a command in the background has ended."""
        call = self._in_background.pop(call_id, None)
        if call is None:
            return
        block, _, started = call
        if block.tool == _COMMAND_TOOL:
            seconds = self._clock() - started
            self._commands[call_id] = (block, ok, seconds, output[-COMMAND_OUTPUT_CHARACTERS:])

    def _note_file(self, path: str) -> None:
        if path and path not in self._noted:
            self._noted.add(path)
            self._files[self._below_workspace(path)] = None

    def _below_workspace(self, path: str) -> str:
        whole = os.path.normpath(os.path.join(self._roots[0], path))  # noqa: PTH118 - pure, also for foreign paths
        for root in self._roots:
            if whole.startswith(root + os.sep):
                return whole[len(root) + 1 :].replace(os.sep, "/")
        return whole


def _command(ran: _Ran) -> CommandRun:
    block, ok, seconds, output = ran
    return CommandRun(text_of(block.input, "command"), ok, seconds, output)


def _reply_rejected(why: str, speaker: tuple[str, ...]) -> Progressed:
    message = f"the reply did not fit, asking again: {first_sentence(why)}"
    return Progressed(message=message, details={"error": why}, speaker=speaker)
