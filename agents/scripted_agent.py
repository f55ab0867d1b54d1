"""An agent that plays a given script, without a model: for demos, tests and examples.

Nothing in it waits for the sake of waiting. What takes time is the work: files that are written, commands that run.
"""

import itertools
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

import anyio
import anyio.lowlevel
from pydantic import BaseModel, ValidationError

from agents.agent import COMMAND_OUTPUT_CHARACTERS, AgentReply, AgentTask, CommandRun
from agents.command_runner import RunCommand
from agents.errors import AgentError, ReplyInvalid, ScriptEnded, TimeLimitReached
from agents.events import (
    Decided,
    Emit,
    Found,
    Progressed,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
)
from agents.script import (
    Data,
    Decide,
    Edit,
    Fail,
    Find,
    Glob,
    Played,
    Progress,
    Read,
    Run,
    Script,
    Step,
    Stream,
    Think,
    ToolOutcome,
    ToolStep,
    Turn,
    Write,
)
from agents.scripted_tools import Workbench, shown, tool_of

REMEMBERED_RUNS = 256
"""Of how many runs it is known which turn is next."""
_WORDS_PER_PIECE = 4

ScriptFor: TypeAlias = Callable[[AgentTask], Script]
"""Makes a run's script when the run's first task comes."""


class ScriptedAgent:
    """Plays a script: the first task of a role in a run gets the role's first turn, the second its second, and so on.

    A turn that broke off (an error, a cancellation) is played again by the role's next task. A cancelled task is over
    within the time its command takes to end, about 4 s at most.

    Args:
        script: The script of every run, or what makes one for each run.
        run_command: Runs the script's commands, for example `agents.command_runner.CommandRunner(registry).run`.
    """

    def __init__(self, script: Script | ScriptFor, run_command: RunCommand) -> None:
        self._script_for: ScriptFor = script if callable(script) else lambda _: script
        self._run_command = run_command
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        self._call_numbers = itertools.count(1)

    @property
    def name(self) -> str:
        """What it runs on, for people."""
        return "scripted"

    @property
    def offline(self) -> bool:
        """No model is behind it."""
        return True

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """Play the task's turn; see `agents.agent.Agent.run`.

        Raises:
            agents.errors.ScriptEnded: The script has no such role, or no further turn for it.
            agents.errors.ReplyInvalid: The turn's data does not fit the shape that was asked for.
            agents.errors.TimeLimitReached: The task's time was over before the turn was.
        """
        run = self._run_of(task)
        number = run.begin(task.role)
        stage = _Stage(task, emit, self._run_command, self._call_numbers)
        done = False
        try:
            with anyio.move_on_after(task.max_seconds):
                reply = await stage.play(run.turn(task, number))
                done = True
                return reply
        except AgentError as error:
            error.partial = "".join(stage.streamed) or error.partial
            raise
        finally:
            if not done:
                run.give_back(task.role, number)
        raise TimeLimitReached(
            f"The scripted {task.role} was still at work after {task.max_seconds:g} s.", partial="".join(stage.streamed)
        )

    def _run_of(self, task: AgentTask) -> "_Run":
        run = self._runs.get(task.run_id)
        if run is None:
            script = self._script_for(task)
            run = self._runs[task.run_id] = _Run(script)
        self._runs.move_to_end(task.run_id)
        while len(self._runs) > REMEMBERED_RUNS:
            self._runs.popitem(last=False)
        return run


@dataclass(slots=True)
class _Run:
    """How far one run's script was played."""

    script: Script
    begun: Counter[str] = field(default_factory=Counter[str])

    def begin(self, role: str) -> int:
        """Take the role's next turn, counted from 0."""
        self.begun[role] += 1
        return self.begun[role] - 1

    def give_back(self, role: str, number: int) -> None:
        if self.begun[role] == number + 1:
            self.begun[role] = number

    def turn(self, task: AgentTask, number: int) -> Turn:
        turns = self.script.get(task.role)
        if turns is None:
            raise ScriptEnded(
                f"The script has no role {task.role!r}; it has {', '.join(sorted(self.script)) or 'none'}."
            )
        if not isinstance(turns, Callable):
            if number >= len(turns):
                raise ScriptEnded(f"The script has {len(turns)} turns for {task.role!r}; a further one was asked for.")
            turns = turns[number]
        return turns if isinstance(turns, Turn) else turns(task)


class _Stage:
    """One turn being played."""

    def __init__(self, task: AgentTask, emit: Emit, run_command: RunCommand, call_numbers: Iterator[int]) -> None:
        self.streamed: list[str] = []
        self._task = task
        self._emit = emit
        self._workbench = Workbench(task.workspace, task.access, run_command, task.run_id)
        self._call_numbers = call_numbers
        self._outcomes: list[ToolOutcome] = []
        self._files: dict[str, None] = {}
        self._commands: list[CommandRun] = []

    async def play(self, turn: Turn) -> AgentReply:
        for step in turn.steps:
            await self._do(step)
        played = Played(outcomes=tuple(self._outcomes), files=tuple(self._files), commands=tuple(self._commands))
        data = _typed(turn.data(played) if isinstance(turn.data, Callable) else turn.data, self._task)
        text = turn.text(played) if isinstance(turn.text, Callable) else turn.text
        if data is None:
            await self._stream(text)
        return AgentReply(
            text=text or ("" if data is None else data.model_dump_json()),
            data=data,
            files=played.files,
            commands=played.commands,
        )

    async def _do(self, step: Step) -> None:
        match step:
            case Think(text):
                for piece in _pieces(text):
                    self._emit(ThinkingStreamed(text=piece))
                    await anyio.lowlevel.checkpoint()  # whoever follows gets the piece now, not with the last one
                self._emit(Thought(text=text))
            case Stream(text):
                await self._stream(text)
            case Progress(message, details):
                self._emit(Progressed(message=message, details=details))
            case Decide(message, details):
                self._emit(Decided(message=message, details=details))
            case Find(message, details):
                self._emit(Found(message=message, details=details))
            case Glob() | Read() | Write() | Edit() | Run():
                await self._use(step)
            case Fail(error):
                raise error
            case _:
                assert_never(step)
        await anyio.lowlevel.checkpoint()

    async def _stream(self, text: str) -> None:
        for piece in _pieces(text):
            self.streamed.append(piece)
            self._emit(TextStreamed(text=piece))
            await anyio.lowlevel.checkpoint()

    async def _use(self, step: ToolStep) -> None:
        tool, arguments = tool_of(step, self._task.workspace)
        call_id = f"scripted-{next(self._call_numbers)}"
        self._emit(ToolStarted(tool=tool, call_id=call_id, input=arguments))
        outcome = await self._workbench.use(step)
        ok, output, seconds = outcome.ok, outcome.output, outcome.seconds
        self._emit(ToolEnded(tool=tool, call_id=call_id, seconds=seconds, ok=ok, output=output))
        self._outcomes.append(outcome)
        match step:
            case Write(path=path) | Edit(path=path) if ok:
                self._files[path] = None
            case Run():
                self._commands.append(CommandRun(shown(step), ok, seconds, output[-COMMAND_OUTPUT_CHARACTERS:]))
            case _:
                pass


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces of a few words; joined they are the text."""
    words = re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text)
    for start in range(0, len(words), _WORDS_PER_PIECE):
        yield "".join(words[start : start + _WORDS_PER_PIECE])


def _typed(data: Data | None, task: AgentTask) -> BaseModel | None:
    shape = task.reply_model
    if shape is None:
        return None
    if data is None:
        raise ReplyInvalid(f"The script has no data for {task.role!r}, which was asked for {shape.__name__}.")
    try:
        return shape.model_validate(data.model_dump() if isinstance(data, BaseModel) else data)
    except ValidationError as error:
        raise ReplyInvalid(
            f"The script's data for {task.role!r} does not have the shape {shape.__name__}: {error.errors()[0]['msg']}."
        ) from error
