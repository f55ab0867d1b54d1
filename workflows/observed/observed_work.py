"""One agent's round of work, and what was seen of it."""

from pydantic import BaseModel

from agents.errors import AgentError
from agents.roles import Role
from workflows.context import WorkflowContext
from workflows.observed.observation import Observation, Observed, observe, report_what_is_left
from workflows.observed.witness import CommandWitness
from workflows.observed.work import Work, work_of
from workflows.reports import Say


async def observed_work(
    role: Role,
    prompt: str,
    state: Observed,
    context: WorkflowContext,
    say: Say,
    *,
    reply_model: type[BaseModel] | None = None,
) -> tuple[Work, Observation]:
    """Have a role that may write work for a round, and look at what it has done, also where it fails.

    Args:
        role: Who.
        prompt: What to do.
        state: Before this round.
        context: The run's.
        say: The node's stream writer.
        reply_model: Shape of a typed reply, or None for free text.

    Raises:
        agents.errors.AgentError: It failed.
    """
    witness = CommandWitness(say)
    try:
        work = await work_of(role, prompt, context, witness, reply_model=reply_model)
    except AgentError:
        await report_what_is_left(role, witness.commands, state, context, say)
        raise
    return work, await observe(role, work.commands, state, context, say)
