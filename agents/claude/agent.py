"""The Claude CLI as an agent: ties the room together."""

import errno
import logging
import math
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias, assert_never

import anyio

from agents.agent import AgentReply, AgentTask
from agents.claude.command import build_command
from agents.claude.environment import claude_environment, config_directory_of
from agents.claude.lines import LineFramer, LineTooLong
from agents.claude.narrate import Narrator
from agents.claude.outcome import judge
from agents.claude.parser import parse_message
from agents.errors import (
    AgentError,
    AgentMisconfigured,
    AgentProcessFailed,
    ClaudeNotFound,
    CostLimitReached,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.events import AgentSaid, Emit, Progressed, Waiting
from agents.mcp_servers import McpServers
from agents.processes.child import ChildProcess, Patience
from agents.processes.environment import MAX_DEPTH, depth_of
from agents.processes.registry import ProcessRegistry

_Stop: TypeAlias = Literal["ended", "lingers", "closed", "refused", "silent", "out of time"]
"""Why nobody listens to the child any more: it has ended; it has said its last and stays; it closed its output without
a last word and stays; its key or login was refused, and it would go on trying for minutes; it has not said anything for
longer than a `claude` that works ever would; the time limit."""

MODEL_IDLE_SECONDS = 660.0
TOOL_IDLE_SECONDS = 3600.0
TASK_SECONDS = 7200.0
_A_MINUTE = 60.0
_SIGKILL = 9
_COMMAND_NOT_FOUND = 127
_DEFAULT_PATIENCE = Patience()
_PASSING_ERRNOS = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
"""Start failures that are over by themselves: no process, memory or descriptor to be had, or an update going on."""

_log = logging.getLogger(__name__)


class ClaudeAgent:
    """An agent that is a `claude` process, one per task.

    A cancelled run is over, and nothing of it left, within the patience with SIGINT and SIGTERM and about 2 s; a
    `claude` that behaves needs 0.1 to 1.6 s. Whatever the child reports meanwhile, a cancelled run stays cancelled.

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
    ) -> None:
        self._executable = executable
        self._registry = registry
        self._model = model
        self._environ = environ
        self._mcp_config = mcp_config
        self._patience = patience
        self._model_idle_seconds = model_idle_seconds
        self._tool_idle_seconds = tool_idle_seconds
        self._task_seconds = task_seconds

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
        conversation = _Conversation(task, emit)
        conversation.say(Waiting(reason="start", message="starting claude"))
        environ = os.environ if self._environ is None else self._environ
        _refuse_what_cannot_work(task, environ)
        found = self._executable if isinstance(self._executable, Path) else self._executable()
        executable = found.absolute()  # the child's directory is another one
        command = build_command(
            executable,
            task,
            model=self._model,
            private_directories=_private_directories(environ),
            servers=McpServers.read(self._mcp_config) if task.connected_tools and self._mcp_config else None,
        )
        marker = uuid.uuid4().hex
        stop: _Stop = "ended"
        awaited = ""
        try:
            async with self._registry.child(
                command.argv,
                stdin=command.stdin,
                cwd=task.workspace,
                environment=claude_environment(environ, run_id=task.run_id, marker=marker),
                marker=marker,
                patience=self._patience,
            ) as child:
                try:
                    stop = await self._listen(child, conversation, self._seconds_for(task))
                    awaited = conversation.running_work
                finally:
                    try:
                        # What comes after the last word would only spoil it: SIGINT makes the CLI report an interrupt.
                        await child.end(_ignore if stop == "lingers" else conversation.hear)
                    finally:
                        conversation.close()
        except OSError as error:
            _refuse_what_cannot_work(task, environ)  # the workspace may have gone in between
            raise _start_failure(executable, error) from error
        if child.exec_failure:
            number = errno.ENOENT if child.exit_code == _COMMAND_NOT_FOUND else errno.ENOEXEC
            raise _start_failure(executable, OSError(number, child.exec_failure))
        if stop == "silent":
            raise _silence(
                awaited, self._tool_idle_seconds if awaited else self._model_idle_seconds, child, conversation
            )
        if stop == "out of time":
            raise _out_of_time(task, self._task_seconds, conversation)
        return _outcome(stop, child, conversation, task)

    def _seconds_for(self, task: AgentTask) -> float:
        return self._task_seconds if task.max_seconds is None else min(task.max_seconds, self._task_seconds)

    def _idle_seconds(self, conversation: "_Conversation") -> float:
        return self._tool_idle_seconds if conversation.running_work else self._model_idle_seconds

    async def _listen(self, child: ChildProcess, conversation: "_Conversation", seconds: float) -> _Stop:
        with anyio.move_on_after(seconds):
            while True:
                piece = b""
                linger_until = conversation.finished_at + self._patience.linger_seconds
                idle_until = anyio.current_time() + self._idle_seconds(conversation)
                with anyio.CancelScope(deadline=min(linger_until, idle_until)) as silence:
                    piece = await child.receive()
                if silence.cancelled_caught:
                    return "lingers" if conversation.has_finished else "silent"
                if not piece:
                    with anyio.move_on_after(self._patience.linger_seconds):
                        await child.wait()
                        return "ended"
                    return "lingers" if conversation.has_finished else "closed"
                conversation.hear(piece)
                if conversation.is_refused:
                    return "refused"
        return "lingers" if conversation.has_finished else "out of time"


class _Conversation:
    """What the child writes, as events and facts."""

    def __init__(self, task: AgentTask, emit: Emit) -> None:
        self.narrator = Narrator(task.workspace)
        self.finished_at = math.inf
        self._framer = LineFramer()
        self._emit = emit
        self._emit_is_broken = False

    @property
    def has_finished(self) -> bool:
        return self.narrator.finished

    @property
    def is_refused(self) -> bool:
        return self.narrator.auth_failed

    @property
    def running_work(self) -> str:
        """What runs now, for people; empty while it is the model that is awaited."""
        if tools := self.narrator.open_tools:
            return tools[-1].tool
        return "background work" if self.narrator.background_tasks else ""

    def hear(self, piece: bytes) -> None:
        """Take what the child wrote."""
        self._tell(self._framer.feed(piece))

    def close(self) -> None:
        """Take the last line, if it came without a newline, and tell what was left open."""
        if not self.narrator.finished:
            self._tell(self._framer.close())
        for said in self.narrator.close():
            self.say(said)

    def say(self, said: AgentSaid) -> None:
        """Pass an event on. A listener that breaks the rules must not cost the work that is being done."""
        try:
            self._emit(said)
        except Exception:  # noqa: BLE001 - by contract it never raises, so nothing is known of what it raises
            if not self._emit_is_broken:
                _log.exception("A listener raised; the agent goes on. Further errors of this listener are not logged.")
            self._emit_is_broken = True

    def _tell(self, lines: list[bytes | LineTooLong]) -> None:
        for line in lines:
            if isinstance(line, LineTooLong):
                self.say(Progressed(message=f"claude wrote a line of {line.bytes:,} bytes, which was left out"))
                continue
            for said in self.narrator.tell(parse_message(line)):
                self.say(said)
        if not self.narrator.finished:
            self.finished_at = math.inf
        elif self.finished_at == math.inf:
            self.finished_at = anyio.current_time()


def _silence(awaited: str, seconds: float, child: ChildProcess, conversation: _Conversation) -> AgentProcessFailed:
    return AgentProcessFailed(
        f"claude said nothing for {seconds:.0f} s while {awaited or 'the model'} was awaited, and was ended.",
        recovery=(
            "Try again",
            "Check the network, the proxy and ANTHROPIC_BASE_URL" if not awaited else "See why the tool did not end",
        ),
        partial=conversation.narrator.text_so_far,
        stderr=child.stderr,
    )


def _out_of_time(task: AgentTask, most: float, conversation: _Conversation) -> TimeLimitReached:
    partial = conversation.narrator.text_so_far
    if task.max_seconds is None or task.max_seconds > most:
        words = f"claude was still at work after {most:.0f} s, the longest that one task may take."
        return TimeLimitReached(words, recovery=("Split the task into smaller ones",), partial=partial)
    left = f"{task.max_seconds:.1f} s" if task.max_seconds < _A_MINUTE else f"{task.max_seconds:.0f} s"
    return TimeLimitReached(
        f"claude was still at work when the {left} that were left of the run's time (max_seconds) were over.",
        partial=partial,
    )


def _outcome(
    stop: Literal["ended", "lingers", "closed", "refused"],
    child: ChildProcess,
    conversation: _Conversation,
    task: AgentTask,
) -> AgentReply:
    """What became of a child that has ended.

    Raises:
        AgentError: There is no reply.
    """
    exit_code = -_SIGKILL if child.exit_code is None else child.exit_code  # None: killed, and stuck in the kernel
    match stop:
        case "lingers":
            exit_code = 0  # it had done its work; the signal was ours
        case "closed":
            raise AgentProcessFailed(
                "claude closed its output without an answer, and did not end.",
                partial=conversation.narrator.text_so_far,
                stderr=child.stderr,
            )
        case "ended" | "refused":
            pass
        case _:
            assert_never(stop)
    try:
        reply = judge(
            conversation.narrator, exit_code=exit_code, stderr=child.stderr, wants_reply_model=task.reply_model
        )
    except TurnLimitReached as reached:
        words = f"The role {task.role} used all of its {task.max_turns} rounds with the model."
        raise TurnLimitReached(words, partial=reached.partial) from reached
    return replace(reply, session_id="")  # nothing is kept on disk by which it could be continued


def _refuse_what_cannot_work(task: AgentTask, environ: Mapping[str, str]) -> None:
    """Check what the CLI would not, or would take for something else.

    Raises:
        AgentError: Names the field and its problem.
    """
    if not task.workspace.is_dir():
        raise AgentMisconfigured(
            f"The workspace {task.workspace} is not an existing directory.",
            recovery=("Create it, or pass the path of another one as `workspace`",),
        )
    if not os.access(task.workspace, os.R_OK | os.X_OK):
        raise AgentMisconfigured(
            f"The workspace {task.workspace} may not be read by this user.",
            recovery=("Change its permissions, or pass another one as `workspace`",),
        )
    if task.max_turns is not None and task.max_turns < 1:  # the CLI takes 0 for "no limit"
        raise TurnLimitReached(f"max_turns is {task.max_turns}: no round is left.")
    if task.max_cost_usd is not None and task.max_cost_usd <= 0:
        raise CostLimitReached("Nothing is left of the money the run may cost (max_cost_usd).")
    if task.max_seconds is not None and task.max_seconds <= 0:
        raise TimeLimitReached("Nothing is left of the time the run may take (max_seconds).")
    if depth_of(environ) >= MAX_DEPTH:
        raise AgentMisconfigured(
            f"This server runs inside {MAX_DEPTH} others that agents have started; no further agent is started.",
            recovery=("Do this piece of work directly, without starting another workflow",),
        )


def _private_directories(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The CLI's own directory, as it is named and as it really is: a rule holds for a path as it is written."""
    directory = config_directory_of(environ)
    if directory is None:
        return ()
    return tuple(dict.fromkeys((directory.absolute(), directory.resolve())))


def _start_failure(executable: Path, error: OSError) -> AgentError:
    """Why the system would not run the command, or what is run beside it."""
    culprit = Path(error.filename) if isinstance(error.filename, str) else executable
    message = f"{culprit} could not be started: {error.strerror or error}."
    if error.errno == errno.ENOENT and culprit == executable:
        if executable.exists():
            message = f"{executable} could not be started: the interpreter its first line names is missing."
        return ClaudeNotFound(message, looked_in=(str(executable),))
    if error.errno in _PASSING_ERRNOS:
        return AgentProcessFailed(message, recovery=("Try again in a minute, with fewer agents at once",))
    recovery = ("Check the file and its permissions, or install Claude Code again", "then try `claude --version`")
    if error.errno == errno.E2BIG:
        recovery = ("Shorten the instructions of the role, or the reply's schema: a command line has a limit",)
    return AgentMisconfigured(message, recovery=recovery)


def _ignore(_: bytes) -> None:
    pass
