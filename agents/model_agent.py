"""An agent over a chat model: it streams, uses tools, and replies in the shape it is asked for."""

import anyio

from agents.agent import AgentReply, AgentTask
from agents.conversation.conversation import ModelConversation
from agents.conversation.task_tools import ModelTools
from agents.errors import (
    AgentError,
    AgentMisconfigured,
    CostLimitReached,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.events import Emit
from agents.guarded_emit import GuardedEmit
from agents.models.model import Model

TASK_SECONDS = 7200.0
"""How long one task may take in all, also where it sets no limit."""


class ModelAgent:
    """An agent that is a conversation with a model, one per task.

    A cancelled run is over when the connection to the model is closed (within 100 ms) or, where a command is running,
    when that is ended (within about 4 s).

    Args:
        model: Whom it asks; it repeats what fails in passing by itself (`agents.models.retrying`).
        tools: What its tools work with.
    """

    def __init__(self, model: Model, tools: ModelTools) -> None:
        self._model = model
        self._tools = tools

    @property
    def name(self) -> str:
        """What it runs on, for people."""
        return self._model.name

    @property
    def offline(self) -> bool:
        """A model is behind it."""
        return False

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """Do the task; see `agents.agent.Agent.run`."""
        _refuse_what_cannot_work(task)
        conversation = ModelConversation(self._model, self._tools, task, GuardedEmit(emit))
        seconds = TASK_SECONDS if task.max_seconds is None else min(task.max_seconds, TASK_SECONDS)
        try:
            with anyio.move_on_after(seconds):
                return await _with_instructions(conversation, task)
        except AgentError as error:
            error.partial = conversation.text_so_far or error.partial
            if conversation.changed_something:
                error.retry_safe = False
            raise
        raise _out_of_time(task, seconds, conversation)


async def _with_instructions(conversation: ModelConversation, task: AgentTask) -> AgentReply:
    """Have the conversation, and listen meanwhile for what a person adds."""
    next_instruction = task.next_instruction
    if next_instruction is None:
        return await conversation.run()
    reply: AgentReply | None = None
    failure: Exception | None = None

    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            nonlocal failure
            try:
                while True:
                    conversation.add_instruction(await next_instruction())
            except Exception as error:  # noqa: BLE001 - raised again below, so that it does not arrive in a group
                failure = error
                tasks.cancel_scope.cancel()

        tasks.start_soon(listen)
        try:
            reply = await conversation.run()
        except Exception as error:  # noqa: BLE001 - as above
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    assert reply is not None
    return reply


def _refuse_what_cannot_work(task: AgentTask) -> None:
    """Check the task before anything is asked.

    Raises:
        AgentError: Names the field and its problem.
    """
    if task.access != "none" and not task.workspace.is_dir():
        raise AgentMisconfigured(
            f"The workspace {task.workspace} is not an existing directory.",
            recovery=("Create it, or pass the path of another one as `workspace`",),
        )
    if task.max_turns is not None and task.max_turns < 1:
        raise TurnLimitReached(f"max_turns is {task.max_turns}: no round is left.")
    if task.max_cost_usd is not None and task.max_cost_usd <= 0:
        raise CostLimitReached("Nothing is left of the money the run may cost (max_cost_usd).")
    if task.max_seconds is not None and task.max_seconds <= 0:
        raise TimeLimitReached("Nothing is left of the time the run may take (max_seconds).")


def _out_of_time(task: AgentTask, seconds: float, conversation: ModelConversation) -> TimeLimitReached:
    partial = conversation.text_so_far
    if task.max_seconds is None or task.max_seconds > seconds:
        words = f"The agent was still at work after {seconds:.0f} s, the longest that one task may take."
        return TimeLimitReached(words, recovery=("Split the task into smaller ones",), partial=partial)
    left = f"the {seconds:.1f} s that were left of the run's time (max_seconds)"
    return TimeLimitReached(f"The agent was still at work when {left} were over.", partial=partial)
