"""Sub-agents and background tasks: how they begin, go on and end.

A foreground Bash command older than about 3 s is announced as a task too; it is just its tool call and tells nothing.
"""

from typing import assert_never

from agents.claude.speakers import Speakers
from agents.claude.system_messages import TaskEnded, TaskMessage, TaskProgressed, TaskStarted, TaskUpdated
from agents.claude.tool_calls import ToolCalls
from agents.claude.wording import counted, one_line
from agents.events import AgentSaid, Found, Progressed

_SUB_AGENT = "local_agent"


class Tasks:
    """Follows the tasks of one run.

    Args:
        calls: The run's tool calls, told which of them go on in the background.
        speakers: The run's sub-agents, told which there are.
    """

    def __init__(self, calls: ToolCalls, speakers: Speakers) -> None:
        self._calls = calls
        self._speakers = speakers
        self._started: dict[str, TaskStarted] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._in_background: set[str] = set()

    def hear(self, message: TaskMessage) -> list[AgentSaid]:
        """Take what the CLI says about a task."""
        match message:
            case TaskStarted():
                return self._start(message)
            case TaskProgressed():
                return self._progress(message)
            case TaskUpdated():
                return self._update(message)
            case TaskEnded():
                return self._end(message)
            case _:
                assert_never(message)

    def _start(self, task: TaskStarted) -> list[AgentSaid]:
        self._started[task.task_id] = task
        caller = self._calls.speaker_of(task.call_id) or self._names.get(task.parent_task_id, ())
        if task.kind != _SUB_AGENT:
            self._names[task.task_id] = caller
            return self._move_to_background(task) if task.in_background else []
        name = self._speakers.introduce(task.call_id or task.task_id, caller, task.agent_type, task.description)
        self._names[task.task_id] = name
        if task.in_background:
            self._in_background.add(task.task_id)
        return [
            Progressed(
                message=one_line(f"started: {task.description}".rstrip(": ")),
                details={"task_id": task.task_id, "in_background": task.in_background},
                speaker=name,
            )
        ]

    def _move_to_background(self, task: TaskStarted) -> list[AgentSaid]:
        self._in_background.add(task.task_id)
        self._calls.move_to_background(task.call_id)
        return [
            Progressed(
                message=one_line(f"goes on in the background: {task.description}".rstrip(": ")),
                details={"task_id": task.task_id, "call_id": task.call_id},
                speaker=self._names.get(task.task_id, ()),
            )
        ]

    def _progress(self, task: TaskProgressed) -> list[AgentSaid]:
        doing = task.description or "at work"
        work = f"{counted(task.tool_calls, 'tool call')}, {counted(task.tokens, 'token')}"
        message = task.text or (f"{doing}: {work}" if task.tool_calls else doing)
        details = {"tokens": task.tokens, "tool_calls": task.tool_calls, "last_tool": task.last_tool}
        return [Progressed(message=one_line(message), details=details, speaker=self._names.get(task.task_id, ()))]

    def _update(self, update: TaskUpdated) -> list[AgentSaid]:
        task = self._started.get(update.task_id)
        said: list[AgentSaid] = []
        if update.in_background and task is not None and update.task_id not in self._in_background:
            said += self._move_to_background(task)
        if update.error:
            name = self._names.get(update.task_id, ())
            said.append(Progressed(message=one_line(f"failed: {update.error}"), speaker=name))
        return said

    def _end(self, task: TaskEnded) -> list[AgentSaid]:
        started = self._started.pop(task.task_id, None)
        name = self._names.pop(task.task_id, ())
        is_agent = started is not None and started.kind == _SUB_AGENT
        if started is not None and not is_agent and task.task_id not in self._in_background:
            return []  # its tool call ends by itself
        self._in_background.discard(task.task_id)
        ok = task.status == "completed"
        if not is_agent:
            call_id = task.call_id or (started.call_id if started is not None else "")
            self._calls.end_in_background(call_id, task.text, ok=ok)
        message = one_line(task.text) or (started.description if started is not None else task.task_id)
        details = {
            "status": task.status,
            "summary": task.text,
            "tokens": task.tokens,
            "tool_calls": task.tool_calls,
            "seconds": task.seconds,
        }
        if is_agent and ok:
            return [Found(message=message, details=details, speaker=name)]
        return [
            Progressed(message=message if ok else one_line(f"{task.status}: {message}"), details=details, speaker=name)
        ]
