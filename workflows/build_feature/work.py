"""One agent's round of work, and what came of it: finished, stopped at its limit of turns, or failed."""

from dataclasses import dataclass

from pydantic import BaseModel

from agents.agent import COMMAND_OUTPUT_CHARACTERS, CommandRun
from agents.errors import CostLimitReached, LimitReached, ReplyInvalid, TimeLimitReached
from agents.events import AgentSaid, ToolEnded, ToolStarted
from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, Report, Say

_COMMAND_TOOL = "Bash"


class Witness:
    """Passes on what an agent says and notes the commands it runs: of an agent that fails there is no reply.

    Args:
        say: The node's stream writer.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._running: dict[str, str] = {}
        self._commands: list[CommandRun] = []

    @property
    def commands(self) -> tuple[CommandRun, ...]:
        """The commands that have ended, in that order."""
        return tuple(self._commands)

    def say(self, report: Report) -> None:
        """Take a report, and pass it on."""
        if isinstance(report, AgentReport):
            self._note(report.said)
        self._say(report)

    def _note(self, said: AgentSaid) -> None:
        match said:
            case ToolStarted(tool=tool, call_id=call_id, input={"command": str(command)}) if tool == _COMMAND_TOOL:
                self._running[call_id] = command
            case ToolEnded(call_id=call_id, ok=ok, seconds=seconds, output=output) if call_id in self._running:
                command = self._running.pop(call_id)
                self._commands.append(CommandRun(command, ok, seconds, output[-COMMAND_OUTPUT_CHARACTERS:]))
            case _:
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What came of a round.

    Attributes:
        text: The reply; of one that was stopped, what it had said until then.
        data: The typed reply, None if none was asked for or it was stopped.
        commands: What it ran, as observed.
        stopped: Why it was stopped before it was done; empty if it was not.
    """

    text: str
    data: BaseModel | None = None
    commands: tuple[CommandRun, ...] = ()
    stopped: str = ""


async def work_of(
    role: Role, prompt: str, context: WorkflowContext, witness: Witness, *, reply_model: type[BaseModel] | None = None
) -> Work:
    """Have a role work for a round.

    A limit of turns that is too low for a round is no reason to give up the run: what is there is handed on, and the
    supervisor decides. Money and time are limits of the whole run.

    Args:
        role: Who.
        prompt: What to do.
        context: The run's.
        witness: Hears what it says.
        reply_model: Shape of a typed reply, or None for free text.

    Raises:
        agents.errors.AgentError: It failed.
    """
    try:
        reply = await context.perform(role, prompt, witness.say, reply_model=reply_model)
    except (CostLimitReached, TimeLimitReached):
        raise
    except LimitReached as limit:
        return Work(text=limit.partial.strip(), commands=witness.commands, stopped=limit.message)
    if reply_model is not None and not isinstance(reply.data, reply_model):
        raise ReplyInvalid(f"{role.name} was asked for {reply_model.__name__} and gave none.", partial=reply.text)
    return Work(text=reply.text.strip(), data=reply.data, commands=reply.commands)
