"""What becomes of a child that nobody listens to any more, and of one that could not be started."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from agents.agent import AgentReply, AgentTask
from agents.claude.conversation import Conversation
from agents.claude.listening import Bounds, Stop
from agents.claude.outcome import judge
from agents.errors import (
    AgentError,
    AgentMisconfigured,
    AgentProcessFailed,
    ClaudeNotFound,
    CostLimitReached,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.processes.child import ChildProcess

_A_MINUTE = 60.0
_A_CENT = 0.01
_SIGKILL = 9
_COMMAND_NOT_FOUND = 127
_PASSING_ERRNOS = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
"""Start failures that are over by themselves: no process, memory or descriptor to be had, or an update going on."""


def reply_of(
    stop: Stop,
    child: ChildProcess,
    conversation: Conversation,
    task: AgentTask,
    *,
    awaited: str,
    bounds: Bounds,
    most: float,
) -> AgentReply:
    """The reply of a child that has ended.

    Args:
        stop: Why nobody listens any more.
        child: Has ended.
        conversation: Has been told everything.
        task: What was asked.
        awaited: What ran when the child fell silent, for people; empty if it was the model.
        bounds: How long was waited for it.
        most: How long one task may take in all, in seconds.

    Raises:
        AgentError: There is no reply.
        Exception: Whatever asking a person has raised, as it is.
    """
    match stop:
        case "silent":
            raise _silence(awaited, bounds, child, conversation)
        case "out of time":
            raise _out_of_time(task, most, conversation)
        case "person failed":
            assert conversation.dialogue is not None
            assert conversation.dialogue.failure is not None
            raise conversation.dialogue.failure
        case "closed":
            raise AgentProcessFailed(
                "claude closed its output without an answer, and did not end.",
                partial=conversation.narrator.text_so_far,
                stderr=child.stderr,
            )
        case "lingers":
            return _judged(0, child, conversation, task)  # it had done its work; the signal was ours
        case "ended" | "refused":
            exit_code = -_SIGKILL if child.exit_code is None else child.exit_code  # None: killed, stuck in the kernel
            return _judged(exit_code, child, conversation, task)
        case _:
            assert_never(stop)


def _judged(exit_code: int, child: ChildProcess, conversation: Conversation, task: AgentTask) -> AgentReply:
    """What the child has said is its reply, with limits told in the task's own figures."""
    try:
        reply = judge(
            conversation.narrator, exit_code=exit_code, stderr=child.stderr, wants_reply_model=task.reply_model
        )
    except TurnLimitReached as reached:
        words = f"The role {task.role} used all of its {task.max_turns} rounds with the model."
        raise TurnLimitReached(words, partial=reached.partial) from reached
    except CostLimitReached as reached:
        if task.max_cost_usd is None:
            raise
        words = f"The {_dollars(task.max_cost_usd)} that were left of the run's money (max_cost_usd) are spent"
        spent = conversation.narrator.usage.known_cost_usd
        more = f", {_dollars(spent)} in all." if spent > task.max_cost_usd else "."
        raise CostLimitReached(words + more, partial=reached.partial) from reached
    return replace(reply, session_id="")  # a conversation is kept only until its task is done


def start_failure(executable: Path, error: OSError) -> AgentError:
    """Why the system would not run the command, or what is run beside it."""
    culprit = Path(error.filename) if isinstance(error.filename, str) else executable
    message = f"{culprit} could not be started: {error.strerror or error}."
    if error.errno == errno.ENOENT and culprit == executable:
        if executable.exists():
            message = f"{executable} could not be started: the interpreter its first line names is missing."
        return ClaudeNotFound(message)
    if error.errno in _PASSING_ERRNOS:
        return AgentProcessFailed(message, recovery=("Try again in a minute, with fewer agents at once",))
    recovery = ("Check the file and its permissions, or install Claude Code again", "then try `claude --version`")
    if error.errno == errno.E2BIG:
        recovery = ("Shorten the instructions of the role, or the reply's schema: a command line has a limit",)
    return AgentMisconfigured(message, recovery=recovery)


def exec_failure(executable: Path, child: ChildProcess) -> AgentError | None:
    """Why the system would not run the command, where that came out only after the start; None if it did."""
    if not child.exec_failure:
        return None
    number = errno.ENOENT if child.exit_code == _COMMAND_NOT_FOUND else errno.ENOEXEC
    return start_failure(executable, OSError(number, child.exec_failure))


def _dollars(amount: float) -> str:
    """US dollars in cents, or in hundredths of a cent where it is less than one."""
    return f"${amount:.2f}" if amount >= _A_CENT else f"${amount:.4f}"


def _silence(awaited: str, bounds: Bounds, child: ChildProcess, conversation: Conversation) -> AgentProcessFailed:
    seconds = bounds.tool_idle_seconds if awaited else bounds.model_idle_seconds
    return AgentProcessFailed(
        f"claude said nothing for {seconds:.0f} s while {awaited or 'the model'} was awaited, and was ended.",
        recovery=(
            "Try again",
            "Check the network, the proxy and ANTHROPIC_BASE_URL" if not awaited else "See why the tool did not end",
        ),
        partial=conversation.narrator.text_so_far,
        stderr=child.stderr,
    )


def _out_of_time(task: AgentTask, most: float, conversation: Conversation) -> TimeLimitReached:
    partial = conversation.narrator.text_so_far
    if task.max_seconds is None or task.max_seconds > most:
        words = f"claude was still at work after {most:.0f} s, the longest that one task may take."
        return TimeLimitReached(words, recovery=("Split the task into smaller ones",), partial=partial)
    left = f"{task.max_seconds:.1f} s" if task.max_seconds < _A_MINUTE else f"{task.max_seconds:.0f} s"
    work = "still waited for a person" if conversation.awaits_person else "was still at work"
    return TimeLimitReached(
        f"claude {work} when the {left} that were left of the run's time (max_seconds) were over.", partial=partial
    )
