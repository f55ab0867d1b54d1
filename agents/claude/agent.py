"""The Claude CLI as an agent: ties the room together."""

import os
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.to_thread

from agents.agent import AgentReply, AgentTask
from agents.claude.command import Command, Session, build_command
from agents.claude.conversation import Conversation
from agents.claude.dialogue import Dialogue
from agents.claude.endings import exec_failure, reply_of, start_failure
from agents.claude.environment import TEMPORARY_VARIABLES, claude_environment, config_directory_of
from agents.claude.kept_conversations import (
    KeptConversation,
    KeptConversations,
    finds_login_elsewhere,
    has_login_in_environment,
)
from agents.claude.listening import Bounds, Listener, Stop
from agents.claude.outcome import found_no_login
from agents.claude.preconditions import refuse_what_cannot_work
from agents.errors import NotLoggedIn
from agents.events import Emit, Progressed, Waiting
from agents.mcp_servers import McpServers
from agents.processes.child import ChildProcess, ignore
from agents.processes.patience import Patience
from agents.processes.registry import ProcessRegistry

MODEL_IDLE_SECONDS = 660.0
TOOL_IDLE_SECONDS = 3600.0
TASK_SECONDS = 7200.0
_FORGET_SECONDS = 5.0
_DEFAULT_PATIENCE = Patience()


class ClaudeAgent:
    """An agent that is a `claude` process, one per task.

    A cancelled run is over, and nothing of it left, within the patience with SIGINT and SIGTERM and about 2 s; a
    `claude` that behaves needs 0.1 to 1.6 s. Whatever the child reports meanwhile, a cancelled run stays cancelled.

    Where the task says whom to ask, commands are asked about one by one (`agents.claude.written` has what was
    measured); time limits go on while a person is awaited, limits of silence do not.

    Args:
        executable: The `claude` command, or what finds it (raising `ClaudeNotFound`), asked anew for every task.
        registry: Owns the processes of this server.
        model: Alias or full name of a model; None leaves the choice to the CLI.
        environ: What the child's environment is made from; None takes this process's own.
        mcp_config: File that lists the MCP servers whose tools a task with `connected_tools` has; None for none.
        patience: How long to wait for a child that should end.
        model_idle_seconds: How long a child may say nothing while the model is awaited. The default is above the ten
            minutes after which the CLI itself gives up a request (`API_TIMEOUT_MS`); whoever raises that raises this.
        tool_idle_seconds: How long it may say nothing while a tool or background work runs. A tool of the main thread
            is announced every 30 s, but a background task or one of a sub-agent can be silent for as long as it takes.
        task_seconds: How long one task may take in all, also where the task sets no limit.
        conversations: Directory in which a conversation is kept while it is at work, so that an interrupted one can be
            gone on with; None keeps none. None is kept either where the CLI would not find its login then.
    """

    def __init__(
        self,
        executable: Path | Callable[[], Path],
        registry: ProcessRegistry,
        *,
        model: str | None = None,
        environ: Mapping[str, str] | None = None,
        mcp_config: Path | None = None,
        patience: Patience = _DEFAULT_PATIENCE,
        model_idle_seconds: float = MODEL_IDLE_SECONDS,
        tool_idle_seconds: float = TOOL_IDLE_SECONDS,
        task_seconds: float = TASK_SECONDS,
        conversations: Path | None = None,
    ) -> None:
        self._executable = executable
        self._registry = registry
        self._model = model
        self._environ = environ
        self._mcp_config = mcp_config
        self._patience = patience
        self._bounds = Bounds(model_idle_seconds, tool_idle_seconds, patience.linger_seconds)
        self._task_seconds = task_seconds
        self._conversations = None if conversations is None else KeptConversations(conversations)

    @property
    def name(self) -> str:
        """What it runs on, for people."""
        return f"claude-cli:{self._model}" if self._model else "claude-cli"

    @property
    def offline(self) -> bool:
        """A model is behind it."""
        return False

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """Do the task; see `agents.agent.Agent.run`."""
        conversation = Conversation(task.workspace, emit)
        conversation.say(Waiting(reason="start", message="starting claude"))
        environ = os.environ if self._environ is None else self._environ
        refuse_what_cannot_work(task, environ)
        found = self._executable if isinstance(self._executable, Path) else self._executable()
        seconds = self._task_seconds if task.max_seconds is None else min(task.max_seconds, self._task_seconds)
        work = _Work(task, found.absolute(), environ, uuid.uuid4().hex, seconds)  # the child's directory is another one
        kept = await self._kept(work, conversation)
        if task.resume_session:
            goes_on = kept is not None and kept.is_resumed
            words = (
                "goes on with its interrupted conversation" if goes_on else "starts anew, not where it was interrupted"
            )
            conversation.say(Progressed(message=words, details={"session_id": task.resume_session}))
        began = anyio.current_time()
        try:
            return await self._do_with(work, conversation, kept)
        except NotLoggedIn:
            if kept is None or not _may_find_login_at_home(work, conversation, kept):
                raise
        # A release that does not know where else to look for its login: no conversation is kept with it.
        conversation.say(
            Progressed(message="claude finds no login for a conversation that is kept: it is not kept then")
        )
        left = work.seconds - (anyio.current_time() - began)
        again = replace(work, marker=uuid.uuid4().hex, seconds=left)
        return await self._do(again, Conversation(task.workspace, emit), None)

    async def _kept(self, work: "_Work", conversation: Conversation) -> KeptConversation | None:
        """Where the conversation is kept; None where it is not."""
        if self._conversations is None or not finds_login_elsewhere(work.environ):
            return None
        try:
            return await anyio.to_thread.run_sync(self._conversations.open, work.task, work.marker)
        except OSError as error:
            words = f"the conversation is not kept, {error.strerror or error}: it could not be gone on with"
            conversation.say(Progressed(message=words))
            return None

    async def _do_with(self, work: "_Work", conversation: Conversation, kept: KeptConversation | None) -> AgentReply:
        """Do it, and delete a conversation that nobody will go on with: the work is done, or never began."""
        is_over = True
        is_resumed = kept is not None and kept.is_resumed
        try:
            return await self._do(work, conversation, kept)
        except NotLoggedIn:  # the CLI begins a turn before it is refused: only an answer says that somebody was let in
            is_over = not (conversation.narrator.was_answered or is_resumed)
            raise
        except BaseException:  # a cancellation too, which is how most conversations are left that are gone on with
            is_over = not (conversation.narrator.turn_started or is_resumed)
            raise
        finally:
            if kept is not None and is_over:
                with anyio.move_on_after(_FORGET_SECONDS, shield=True):
                    await anyio.to_thread.run_sync(kept.forget, abandon_on_cancel=True)

    async def _do(self, work: "_Work", conversation: Conversation, kept: KeptConversation | None) -> AgentReply:
        """Do it with one process.

        Raises:
            AgentError: There is no reply.
        """
        conversation.narrator.resumable = kept is not None
        stop: Stop = "ended"
        awaited = ""
        try:
            async with self._child(work, kept) as (child, command):
                try:
                    stop = await self._listen(child, command, work, conversation)
                    awaited = conversation.running_work
                finally:
                    try:
                        # What comes after the last word would only spoil it: SIGINT makes the CLI report an interrupt.
                        await child.end(ignore if stop == "lingers" else conversation.hear)
                    finally:
                        conversation.close()
        except OSError as error:
            refuse_what_cannot_work(work.task, work.environ)  # the workspace may have gone in between
            raise start_failure(work.executable, error) from error
        if (failure := exec_failure(work.executable, child)) is not None:
            raise failure
        return reply_of(
            stop, child, conversation, work.task, awaited=awaited, bounds=self._bounds, most=self._task_seconds
        )

    @asynccontextmanager
    async def _child(
        self, work: "_Work", kept: KeptConversation | None
    ) -> AsyncGenerator[tuple[ChildProcess, Command]]:
        """Start the CLI; when the block is left, nothing of it is left.

        Raises:
            AgentMisconfigured: The task asks for what cannot be given.
            OSError: It could not be started.
        """
        command = build_command(
            work.executable,
            work.task,
            model=self._model,
            private_directories=_private_directories(work.environ, kept),
            session=None if kept is None else Session(kept.session_id, kept.is_resumed),
            servers=McpServers.read(self._mcp_config) if work.task.connected_tools and self._mcp_config else None,
        )
        async with (
            self._registry.temporary_directory(work.environ, TEMPORARY_VARIABLES) as temporary,
            self._registry.child(
                command.argv,
                stdin=None if command.is_dialogue else command.prompt.encode(),
                cwd=work.task.workspace,
                environment=claude_environment(
                    work.environ, run_id=work.task.run_id, marker=work.marker, temporary=temporary
                )
                | ({} if kept is None else kept.variables(work.environ)),
                marker=work.marker,
                patience=self._patience,
            ) as child,
        ):
            yield child, command

    async def _listen(self, child: ChildProcess, command: Command, work: "_Work", conversation: Conversation) -> Stop:
        stop: Stop = "ended"
        listener = Listener(child, conversation, self._bounds)
        if not command.is_dialogue:
            return await listener.listen(work.seconds)
        async with anyio.create_task_group() as tasks:
            conversation.dialogue = Dialogue(
                child,
                tasks,
                conversation.say,
                ask_permission=work.task.ask_permission,
                next_instruction=work.task.next_instruction,
                moved=listener.look_again,
            )
            tasks.start_soon(conversation.dialogue.begin, command.prompt)
            stop = await listener.listen(work.seconds)
            tasks.cancel_scope.cancel()
        return stop


@dataclass(frozen=True, slots=True)
class _Work:
    """A task, and what it is done with; `seconds` are how long that may take."""

    task: AgentTask
    executable: Path
    environ: Mapping[str, str]
    marker: str
    seconds: float


def _may_find_login_at_home(work: _Work, conversation: Conversation, kept: KeptConversation) -> bool:
    """Whether a login that was not found with a conversation that is kept may be found without one.

    Not where there was one and it was refused, nor where the environment says it, nor where it was found before.
    """
    if kept.is_resumed or has_login_in_environment(work.environ):
        return False
    return found_no_login(conversation.narrator) and not conversation.narrator.was_answered


def _private_directories(environ: Mapping[str, str], kept: KeptConversation | None) -> tuple[Path, ...]:
    """The CLI's own directories, as they are named and as they really are: a rule holds for a path as it is written."""
    directories = (config_directory_of(environ), None if kept is None else kept.directory)
    return tuple(
        dict.fromkeys(
            path
            for directory in directories
            if directory is not None
            for path in (directory.absolute(), directory.resolve())
        )
    )
