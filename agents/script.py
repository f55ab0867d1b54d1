"""A script for `agents.scripted_agent.ScriptedAgent`, as data: who plays which turns, step by step.

A script says what is *done*; how it comes out is seen when it is played: files are really written, commands really run.
What a turn replies can therefore be a function of what has happened in it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pydantic import BaseModel

from agents.agent import AgentTask, CommandRun
from agents.errors import AgentError
from agents.events import Details


@dataclass(frozen=True, slots=True)
class Think:
    """Think aloud: streamed piece by piece, then told as a whole.

    Attributes:
        text: The thought.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Stream:
    """Say something in between, streamed piece by piece; the reply is streamed by itself.

    Attributes:
        text: What.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Report that something was done.

    Attributes:
        message: One line for people.
        details: Further facts.
    """

    message: str
    details: Details = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Decide:
    """Report a choice.

    Attributes:
        message: One line for people.
        details: Further facts.
    """

    message: str
    details: Details = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Find:
    """Report a result.

    Attributes:
        message: One line for people.
        details: Further facts.
    """

    message: str
    details: Details = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Glob:
    """Look which files there are.

    Attributes:
        pattern: As for `pathlib.Path.glob`, below the workspace.
    """

    pattern: str


@dataclass(frozen=True, slots=True)
class Read:
    """Read a file.

    Attributes:
        path: Relative to the workspace.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file that does not exist yet; where one exists already, the call fails and the file stays as it is.

    Attributes:
        path: Relative to the workspace; missing directories are made.
        text: All of it.
    """

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Change a file; the call fails unless the text to replace is there exactly once.

    Attributes:
        path: Relative to the workspace.
        old: What to replace.
        new: By what.
    """

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run a command in the workspace.

    Attributes:
        argv: Executable and arguments; no shell reads them.
        shown: What of `argv` is shown, for example without the executable's directory; empty to show all of it.
            What is observed is what is shown, so it must not name another program.
        max_seconds: When to end it.
    """

    argv: tuple[str, ...]
    shown: str = ""
    max_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Fail:
    """Give up.

    Attributes:
        error: Raised; what was streamed before is its `partial`.
    """

    error: AgentError


ToolStep: TypeAlias = Glob | Read | Write | Edit | Run
Step: TypeAlias = Think | Stream | Progress | Decide | Find | ToolStep | Fail


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """How a tool call came out.

    Attributes:
        step: What was to be done.
        ok: Whether it was done; for a command, whether its exit code was 0.
        output: What it gave back.
        seconds: How long it took.
    """

    step: ToolStep
    ok: bool
    output: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What has really happened in a turn.

    Attributes:
        outcomes: Of its tool calls, in order.
        files: Files written or edited, relative to the workspace, each once.
        commands: Commands run, in order.
    """

    outcomes: tuple[ToolOutcome, ...] = ()
    files: tuple[str, ...] = ()
    commands: tuple[CommandRun, ...] = ()

    @property
    def failures(self) -> tuple[ToolOutcome, ...]:
        """The tool calls that failed."""
        return tuple(outcome for outcome in self.outcomes if not outcome.ok)


Data: TypeAlias = BaseModel | Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What an agent does when it is asked once.

    Attributes:
        steps: In order.
        text: The reply in words, or what makes it from what has happened.
        data: The typed reply where one is asked for, or what makes it from what has happened.
    """

    steps: tuple[Step, ...] = ()
    text: str | Callable[[Played], str] = ""
    data: Data | Callable[[Played], Data] | None = None


Act: TypeAlias = Callable[[AgentTask], Turn]
"""Decides on a turn when it is to be played."""

Script: TypeAlias = Mapping[str, Sequence[Turn | Act] | Act]
"""By role: the turns of its first, second, ... task in a run; or what decides on the turn of every task."""
