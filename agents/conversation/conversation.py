"""One task as a conversation with a model: ask, use the tools it calls, ask again, until it answers."""

from collections.abc import Callable
from contextlib import aclosing
from typing import TypeAlias

from pydantic import BaseModel

from agents.agent import COMMAND_OUTPUT_CHARACTERS, AgentReply, AgentTask, CommandRun, Source, Usage
from agents.conversation.answer import AnswerTeller, OpenTools
from agents.conversation.task_tools import ModelTools, open_toolbox, web_searches
from agents.errors import AgentError, CostLimitReached, ReplyCutOff, ReplyInvalid, ResponseMalformed, TurnLimitReached
from agents.events import AgentSaid, Progressed, ToolEnded, ToolStarted, Waiting
from agents.models.call_arguments import arguments_of
from agents.models.deltas import Retrying
from agents.models.model import Model
from agents.models.reply_shape import ReplyMisfit, read_reply, reply_schema_of, told_schema
from agents.models.request import (
    Message,
    ModelRequest,
    ToolCall,
    ToolOffer,
    ToolResult,
    ToolResults,
    UserMessage,
)
from agents.tools.toolbox import Toolbox

REPLY_ATTEMPTS = 3
"""How often a typed reply is asked for before the model is given up."""

Say: TypeAlias = Callable[[AgentSaid], None]
"""Where events go; never blocks and never raises."""


class ModelConversation:
    """The conversation.

    Args:
        model: Who answers.
        tools: What its tools work with.
        task: What to do.
        say: Where events go.
    """

    def __init__(self, model: Model, tools: ModelTools, task: AgentTask, say: Say) -> None:
        self._model = model
        self._tools = tools
        self._task = task
        self._say = say
        self._messages: list[Message] = [UserMessage(task.prompt)]
        self._added: list[str] = []
        self._turns = 0
        self._misfits = 0
        self._earlier = _Earlier()
        self._provider_tools: OpenTools = {}
        self._current = AnswerTeller(self._model.name, self._provider_tools)
        self._toolbox = Toolbox({})

    @property
    def text_so_far(self) -> str:
        """All text of all answers, with empty lines between them."""
        return "\n\n".join(part for part in (*self._earlier.texts, self._current.text) if part)

    @property
    def changed_something(self) -> bool:
        """Whether a tool may have changed something, so that the task must not simply be done again."""
        return self._toolbox.changed_something

    def add_instruction(self, text: str) -> None:
        """Take what a person adds; the model reads it when it is asked the next time."""
        self._added.append(text)

    async def run(self) -> AgentReply:
        """Have it.

        Raises:
            agents.errors.AgentError: There is no reply.
        """
        async with open_toolbox(self._tools, self._task) as self._toolbox:
            self._tell_what_it_runs_on()
            while True:
                answer = await self._ask()
                if answer.calls:
                    await self._use_tools(answer.calls)
                elif answer.stopped is not None and answer.stopped.reason == "paused":
                    continue
                elif self._added:
                    self._earlier.begin_answer()
                elif (reply := self._reply()) is not None:
                    return reply
                self._take_instructions()

    async def _ask(self) -> AnswerTeller:
        """Ask for one answer, and make it part of the conversation."""
        self._check_turns()
        self._check_cost(self._earlier.usage)
        self._turns += 1
        self._current = answer = AnswerTeller(self._model.name, self._provider_tools)
        self._say(Waiting(reason="model", message=f"waiting for {self._model.name}"))
        try:
            async with aclosing(self._model.stream(self._request())) as deltas:
                async for delta in deltas:
                    if isinstance(delta, Retrying):  # a retry is a request, too
                        self._check_cost(self._earlier.usage + answer.usage)
                    for said in answer.tell(delta):
                        self._say(said)
        except AgentError:
            answer.fail()
            raise
        finally:
            for said in answer.close():
                self._say(said)
            self._earlier.usage += answer.usage
        if answer.stopped is None:
            raise ResponseMalformed(f"{self._model.name} ended its answer without saying so.")
        if answer.stopped.reason == "output_limit":
            raise ReplyCutOff("The answer was longer than the model may write at once.")
        self._earlier.keep(answer)
        self._current = AnswerTeller(self._model.name, self._provider_tools)
        if answer.text or answer.calls or answer.stopped.reason == "paused":  # no provider takes an empty message
            self._messages.append(answer.message)
        return answer

    def _request(self) -> ModelRequest:
        task, abilities = self._task, self._model.abilities
        schema = None if task.reply_model is None else reply_schema_of(task.reply_model)
        instructions = [task.instructions]
        if self._toolbox.tools and task.access != "none":
            instructions.append(f"Your working directory is {task.workspace}.")
        if schema is not None and not abilities.reply_schema:
            instructions.append(told_schema(schema))
        return ModelRequest(
            instructions="\n\n".join(part for part in instructions if part),
            messages=tuple(self._messages),
            tools=self._offers() if abilities.tools else (),
            reply_schema=schema if abilities.reply_schema else None,
            web_searches=web_searches(self._tools, task) if abilities.web_search else 0,
        )

    def _offers(self) -> tuple[ToolOffer, ...]:
        return tuple(
            ToolOffer(name=tool.name, description=tool.description, input_schema=tool.input_schema)
            for tool in self._toolbox.tools.values()
        )

    def _check_turns(self) -> None:
        """See that another answer may be asked for.

        Raises:
            agents.errors.TurnLimitReached: It may not.
        """
        most = self._task.max_turns
        if most is not None and self._turns >= most:
            raise TurnLimitReached(f"The role {self._task.role} used all of its {most} rounds with the model.")

    def _check_cost(self, spent: Usage) -> None:
        """See that another request may be paid for, the same one once more included.

        Args:
            spent: What the task has used so far.

        Raises:
            agents.errors.CostLimitReached: It may not.
        """
        limit = self._task.max_cost_usd
        if limit is None:
            return
        if spent.known_cost_usd >= limit:
            raise CostLimitReached(f"${spent.known_cost_usd:.2f} of max_cost_usd {limit:.2f} are spent.")
        if spent.cost_usd is None and not self._earlier.told_unknown_cost:
            self._earlier.told_unknown_cost = True
            words = f"what {self._model.name} costs is not known in full, so max_cost_usd cannot hold it back"
            self._say(Progressed(message=words))

    def _tell_what_it_runs_on(self) -> None:
        limit = self._model.abilities.max_output_tokens
        details = {"model": self._model.name, **({} if limit is None else {"max_tokens": limit})}
        self._say(Progressed(message=f"works on {self._model.name}", details=details))
        if self._toolbox.tools and not self._model.abilities.tools:
            names = ", ".join(self._toolbox.tools)
            self._say(Progressed(message=f"{self._model.name} cannot use tools; it works without {names}"))

    async def _use_tools(self, calls: list[ToolCall]) -> None:
        """Make the calls, one after the other: one may need what another has written."""
        self._earlier.begin_answer()
        results = [await self._use_tool(call) for call in calls]
        self._messages.append(ToolResults(tuple(results)))

    async def _use_tool(self, call: ToolCall) -> ToolResult:
        arguments = arguments_of(call.arguments)
        self._say(ToolStarted(tool=call.tool, call_id=call.call_id, input=arguments or {}))
        used = await self._toolbox.use(call.tool, arguments)
        self._say(ToolEnded(tool=call.tool, call_id=call.call_id, seconds=used.seconds, ok=used.ok, output=used.output))
        return ToolResult(call.call_id, used.read_output, used.ok)

    def _take_instructions(self) -> None:
        for text in self._added:
            self._messages.append(UserMessage(text))
            self._say(Progressed(message="an added instruction is passed on to the model"))
        self._added.clear()

    def _reply(self) -> AgentReply | None:
        """The reply, or None if the model has to be asked for it once more.

        Raises:
            ReplyInvalid: It has been asked often enough.
        """
        text, shape = self._earlier.answer, self._task.reply_model
        data: BaseModel | None = None
        if shape is not None:
            try:
                data = read_reply(text, shape)
            except ReplyMisfit as misfit:
                return self._ask_for_the_shape(shape, misfit)
        return AgentReply(
            text=text,
            data=data,
            files=tuple(self._toolbox.wrote),
            commands=tuple(
                CommandRun(ran.command, ran.ok, ran.seconds, ran.output[-COMMAND_OUTPUT_CHARACTERS:])
                for ran in self._toolbox.ran
            ),
            usage=self._earlier.usage,
            sources=tuple(self._earlier.sources),
        )

    def _ask_for_the_shape(self, shape: type[BaseModel], misfit: ReplyMisfit) -> None:
        self._misfits += 1
        if self._misfits >= REPLY_ATTEMPTS:
            raise ReplyInvalid(
                f"The reply did not have the shape {shape.__name__} in {REPLY_ATTEMPTS} attempts:\n{misfit}"
            ) from misfit
        self._say(Progressed(message=f"the reply does not have the shape {shape.__name__}; it is asked for again"))
        self._earlier.begin_answer()
        words = "Your answer does not have the shape that was asked for:"
        self._messages.append(
            UserMessage(f"{words}\n{misfit}\nAnswer again, with the whole JSON value and nothing else.")
        )


class _Earlier:
    """What the answers so far have come to.

    Attributes:
        texts: The text of each.
        sources: What they cite, each once.
        usage: What they used, failed ones included.
        told_unknown_cost: Whether it has been told that the cost is not known.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.sources: dict[Source, None] = {}
        self.usage = Usage()
        self.told_unknown_cost = False
        self._answer_from = 0

    @property
    def answer(self) -> str:
        """The text since the last tool call; parts of a paused answer go on from each other."""
        return "".join(self.texts[self._answer_from :])

    def keep(self, answer: AnswerTeller) -> None:
        self.texts.append(answer.text)
        self.sources.update(answer.sources)

    def begin_answer(self) -> None:
        """What was said so far is not part of the answer."""
        self._answer_from = len(self.texts)
