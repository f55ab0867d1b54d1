"""What people say to a `claude` that works: answers to what it asks, and instructions they add."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from agents.agent import AskPermission, NextInstruction, PermissionAnswer, PermissionQuestion
from agents.claude.messages import CliMessage, ControlCancelled, ControlRequested, MessageTaken
from agents.claude.system_messages import TurnStarted
from agents.claude.wording import one_line
from agents.claude.written import INSTRUCTION_PREFIX, no_answer, permission_answer, user_message
from agents.events import Emit, Progressed
from agents.json_fields import object_of, text_of
from agents.processes.child import ChildProcess

_NEVER_TAKEN = frozenset({"cancelled", "discarded", "refused"})
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Dialogue:
    """The side of a conversation that people speak on.

    Args:
        child: Its standard input is open.
        tasks: In which questions are asked; cancelled when nobody listens to the child any more.
        say: Where to tell what was said.
        ask_permission: Whom to ask; None if nobody.
        next_instruction: Where instructions come from; None if there are none.
        moved: Called when it is no longer a person that is waited for, and when `failure` is there.

    Attributes:
        failure: What `ask_permission` or `next_instruction` has raised; the work is over then.
    """

    def __init__(
        self,
        child: ChildProcess,
        tasks: TaskGroup,
        say: Emit,
        *,
        ask_permission: AskPermission | None,
        next_instruction: NextInstruction | None,
        moved: Callable[[], None],
    ) -> None:
        self.failure: Exception | None = None
        self._child = child
        self._tasks = tasks
        self._say = say
        self._ask_permission = ask_permission
        self._next_instruction = next_instruction
        self._moved = moved
        self._questions: dict[str, anyio.CancelScope] = {}
        self._waiting: dict[str, str] = {}  # instructions that the model has not been told yet, by message id
        self._tells_taking = False
        self._begun = anyio.Event()
        self._instructing = anyio.CancelScope()
        self._is_over = False

    @property
    def awaits_person(self) -> bool:
        """Whether the CLI has asked something that is not answered yet."""
        return bool(self._questions)

    @property
    def has_more_to_tell(self) -> bool:
        """Whether something was said that the model has not been told yet: another turn will come."""
        return bool(self._waiting)

    async def begin(self, prompt: str) -> None:
        """Say the first message, and pass on what follows."""
        if self._next_instruction is not None:
            self._tasks.start_soon(self._pass_on, self._next_instruction)
        await self._child.send(user_message(prompt, str(uuid.uuid4())))

    def hear(self, message: CliMessage) -> None:
        """Take what the CLI says. Does not block."""
        match message:
            case ControlRequested():
                self._requested(message)
            case ControlCancelled(request_id=request_id):
                if question := self._questions.pop(request_id, None):
                    question.cancel()
                    self._say(Progressed(message="the question is no longer open"))
                    self._moved()
            case MessageTaken(message_id=message_id, state=state):
                self._tells_taking = True
                self._taken(message_id, state)
            case TurnStarted():
                self._begun.set()
            case _:
                pass

    async def finish(self) -> None:
        """Take no further instruction, and let the CLI end: it has nothing left to do."""
        self._instructing.cancel()
        await self._child.close_stdin()

    def close(self) -> None:
        """Say what came too late. Nothing more is heard or asked."""
        self._is_over = True
        for text in self._waiting.values():
            self._say(_not_taken(text, "it came too late"))
        self._waiting.clear()

    def _requested(self, request: ControlRequested) -> None:
        if self._is_over or self._tasks.cancel_scope.cancel_called:
            return
        if request.subtype == "can_use_tool" and self._ask_permission is not None:
            question = self._questions[request.request_id] = anyio.CancelScope()
            self._tasks.start_soon(self._answer, request, question, self._ask_permission)
        else:
            self._tasks.start_soon(self._child.send, no_answer(request.request_id, request.subtype))

    async def _answer(self, request: ControlRequested, question: anyio.CancelScope, ask: AskPermission) -> None:
        asked = question_of(request)
        with question:
            answer = await self._said_by_person(lambda: ask(asked))
            if answer is None:
                return
            self._say(_told_answer(asked, answer))
            await self._child.send(permission_answer(request.request_id, answer, object_of(request.request, "input")))
            self._questions.pop(request.request_id, None)
            self._moved()

    async def _pass_on(self, next_instruction: NextInstruction) -> None:
        with self._instructing:
            await self._begun.wait()  # by then it is known whether this CLI says what it takes up
            while (text := await self._said_by_person(next_instruction)) is not None:
                if text.strip():
                    await self._instruct(text)
                await anyio.lowlevel.checkpoint()

    async def _instruct(self, text: str) -> None:
        if not self._tells_taking:
            # It could not be known when the work is over.
            self._say(_not_taken(text, "this version of claude does not say when it takes one up"))
            return
        message_id = str(uuid.uuid4())
        self._waiting[message_id] = text
        await self._child.send(user_message(INSTRUCTION_PREFIX + text, message_id))

    async def _said_by_person(self, ask: Callable[[], Awaitable[_T]]) -> _T | None:
        """Wait for a person; None if that failed, which ends the work."""
        try:
            return await ask()
        except Exception as error:  # noqa: BLE001 - raised again by whoever runs the agent, outside of any task group
            if self.failure is None:
                self.failure = error
            else:
                _log.warning("A second failure of asking a person, not raised.", exc_info=error)
            self._moved()
            return None

    def _taken(self, message_id: str, state: str) -> None:
        text = self._waiting.get(message_id)
        if text is None:
            return
        if state == "started":
            del self._waiting[message_id]
            self._say(Progressed(message=one_line(f"takes up an instruction: {text}"), details={"instruction": text}))
        elif state in _NEVER_TAKEN:
            del self._waiting[message_id]
            self._say(_not_taken(text, f"claude has {state} it"))


def question_of(request: ControlRequested) -> PermissionQuestion:
    """A `can_use_tool` as a question to a person."""
    fields = request.request
    return PermissionQuestion(
        tool=text_of(fields, "tool_name"),
        input=object_of(fields, "input"),
        call_id=text_of(fields, "tool_use_id"),
        title=one_line(text_of(fields, "description")),
        reason=one_line(text_of(fields, "decision_reason")),
    )


def _told_answer(asked: PermissionQuestion, answer: PermissionAnswer) -> Progressed:
    verb = "allowed" if answer.allowed else "denied"
    words = ": ".join(part for part in (f"a person {verb} {asked.tool}", asked.title) if part)
    details = {"tool": asked.tool, "call_id": asked.call_id, "allowed": answer.allowed, "answer": answer.message}
    return Progressed(message=one_line(words), details=details)


def _not_taken(text: str, why: str) -> Progressed:
    return Progressed(
        message=one_line(f"an instruction was not taken up, {why}: {text}"), details={"instruction": text}
    )
