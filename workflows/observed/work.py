"""One agent's round of work, and what came of it: finished, stopped at its limit of turns, or failed."""

from dataclasses import dataclass

from pydantic import BaseModel

from agents.agent import CommandRun
from agents.errors import CostLimitReached, LimitReached, ReplyInvalid, TimeLimitReached
from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.observed.witness import CommandWitness


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
    role: Role,
    prompt: str,
    context: WorkflowContext,
    witness: CommandWitness,
    *,
    reply_model: type[BaseModel] | None = None,
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
