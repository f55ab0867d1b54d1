"""Hears what an agent says while it works: of an agent that fails there is no reply to tell what it has done."""

from abc import ABC, abstractmethod

from agents.agent import COMMAND_OUTPUT_CHARACTERS, CommandRun
from agents.events import AgentSaid, ToolEnded, ToolStarted
from workflows.reports import AgentReport, Report, Say

_COMMAND_TOOL = "Bash"


class Witness(ABC):
    """Passes on what an agent says, and notes something of it.

    Args:
        say: The node's stream writer.
    """

    def __init__(self, say: Say) -> None:
        self._say = say

    def say(self, report: Report) -> None:
        """Take a report, and pass it on."""
        if isinstance(report, AgentReport):
            self._note(report.said)
        self._say(report)

    @abstractmethod
    def _note(self, said: AgentSaid) -> None:
        """Note what is to be noted of something an agent has said."""


class CommandWitness(Witness):
    """Notes the commands an agent runs. See the base class for the arguments."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self._running: dict[str, str] = {}
        self._commands: list[CommandRun] = []

    @property
    def commands(self) -> tuple[CommandRun, ...]:
        """The commands that have ended, in that order."""
        return tuple(self._commands)

    def _note(self, said: AgentSaid) -> None:
        match said:
            case ToolStarted(tool=tool, call_id=call_id, input={"command": str(command)}) if tool == _COMMAND_TOOL:
                self._running[call_id] = command
            case ToolEnded(call_id=call_id, ok=ok, seconds=seconds, output=output) if call_id in self._running:
                command = self._running.pop(call_id)
                self._commands.append(CommandRun(command, ok, seconds, output[-COMMAND_OUTPUT_CHARACTERS:]))
            case _:
                pass
