"""The port every agent stands behind: what it is asked, and what it replies.

The floor above (`workflows`) knows agents only through this file, `events.py`, `errors.py` and `roles.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from pydantic import BaseModel

from agents.access import Access
from agents.events import Details, Emit

COMMAND_OUTPUT_CHARACTERS = 4000
"""How much of the end of a command's output a `CommandRun` keeps."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a piece of work used. Adds up with `+`.

    Attributes:
        input_tokens: Tokens read, cached ones included.
        output_tokens: Tokens written.
        cost_usd: US dollars; None as soon as one part's cost is unknown (unknown is never zero).
        known_cost_usd: US dollars of the parts whose cost is known: the least that it has cost. Equal to `cost_usd`
            where that is known.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    known_cost_usd: float = 0.0

    def __post_init__(self) -> None:
        """A known cost is all of what is known."""
        if self.cost_usd is not None:
            object.__setattr__(self, "known_cost_usd", self.cost_usd)

    def __add__(self, other: "Usage") -> "Usage":
        """Add two usages; an unknown cost makes the sum's cost unknown, and leaves what is known of it."""
        known = self.known_cost_usd + other.known_cost_usd
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=None if self.cost_usd is None or other.cost_usd is None else known,
            known_cost_usd=known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionQuestion:
    """What an agent may not do by itself, and asks a person for.

    Attributes:
        tool: The tool's name as the agent knows it, for example `Bash`.
        input: The arguments of this one call; what is allowed is exactly this.
        call_id: As in the call's `ToolStarted`; empty where the agent does not say.
        title: What would be done, in one line for people, for example `npm install`; may be empty.
        reason: Why the agent has to ask, as far as it says.
    """

    tool: str
    input: Details
    call_id: str = ""
    title: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PermissionAnswer:
    """What a person says to a `PermissionQuestion`.

    Attributes:
        allowed: Whether this one call may be made.
        message: Why not, or what to do instead; the model reads it in place of the tool's output. Empty where nothing
            was said. Not told to the model where the call is allowed.
    """

    allowed: bool
    message: str = ""


AskPermission: TypeAlias = Callable[[PermissionQuestion], Awaitable[PermissionAnswer]]
"""Puts a question to a person and waits for the answer, however long that takes.

The agent calls it for one question at a time or for several at once, one per tool call. It is cancelled when the task
ends meanwhile (time limit, cancellation, the agent withdraws its question). What it raises ends the task and comes out
of `Agent.run` as it is.
"""

NextInstruction: TypeAlias = Callable[[], Awaitable[str]]
"""Waits until a person adds an instruction to the work that goes on, and returns its text.

The agent calls it again after each, one call at a time, and cancels it when the work is over: a call that is cancelled
must not take an instruction away. What it raises ends the task and comes out of `Agent.run` as it is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask:
    """One piece of work for one agent.

    Attributes:
        role: The role it is done in, for example `codesmith`.
        prompt: What to do. It is data: nothing in it is ever taken as a command or as a file to attach.
        instructions: Standing instructions of the role, given to the model apart from the prompt.
        workspace: Existing directory the agent works in; relative paths are below it.
        access: What the agent may do there.
        web: Whether it may search the web and fetch pages.
        connected_tools: Whether it may use the tools of the MCP servers that the user has connected.
        allowed_tools: Names or rules of the only tools it may use; empty for all that `access`, `web` and
            `connected_tools` give it. They can take away and never add: a name beyond those is refused.
        reply_model: Shape of a typed reply, or None for free text.
        max_seconds: Time limit, or None.
        max_cost_usd: Cost limit in US dollars, or None.
        max_turns: Limit of rounds between the model and its tools, or None.
        run_id: The run this belongs to; agents hand it to their child processes so that these can be found again.
        workflow: What that run runs; a scripted agent chooses its script by it.
        ask_permission: Whom to ask for what `access` does not allow; the time until the answer counts as time of the
            task. None where nobody can be asked: then that is denied, and the agent goes on without.
        next_instruction: Where instructions come from that a person adds while the agent works; an agent that can take
            them does so as soon as its model is asked again. None where there are none.
        resume_session: The conversation of this same task that was interrupted (`ConversationOpened.session_id`), or
            empty. An agent goes on with it where that is safe, and starts anew where it is not.
    """

    role: str
    prompt: str
    instructions: str = ""
    workspace: Path
    access: Access = "none"
    web: bool = False
    connected_tools: bool = False
    allowed_tools: tuple[str, ...] = ()
    reply_model: type[BaseModel] | None = None
    max_seconds: float | None = None
    max_cost_usd: float | None = None
    max_turns: int | None = None
    run_id: str = ""
    workflow: str = ""
    ask_permission: AskPermission | None = None
    next_instruction: NextInstruction | None = None
    resume_session: str = ""


@dataclass(frozen=True, slots=True)
class CommandRun:
    """A shell command the agent ran, as observed (not as claimed).

    Attributes:
        command: The command line.
        ok: Whether it succeeded.
        seconds: How long it ran.
        output: Its output, possibly cut at the front.
    """

    command: str
    ok: bool
    seconds: float
    output: str


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer rests on, as the provider names it.

    Attributes:
        url: Where it is.
        title: What it is called, or empty.
        quote: The passage that is cited, or empty.
    """

    url: str
    title: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReply:
    """What an agent has at the end of a task.

    Attributes:
        text: The answer.
        data: The typed answer; an instance of the task's `reply_model` exactly where one was asked for.
        files: Files it wrote or edited, as observed: paths relative to the workspace where they lie below it.
        commands: Shell commands it ran, as observed, in order.
        usage: What it used.
        session_id: By which the agent's own conversation could be continued, or empty.
        sources: What the answer rests on, where the provider tells it; each once, in the order of first mention.
    """

    text: str
    data: BaseModel | None = None
    files: tuple[str, ...] = ()
    commands: tuple[CommandRun, ...] = ()
    usage: Usage = field(default_factory=Usage)
    session_id: str = ""
    sources: tuple[Source, ...] = ()


class Agent(Protocol):
    """Something that does a task and says what it does while it does it."""

    @property
    def name(self) -> str:
        """What it runs on, for people: `claude-cli`, `scripted`, `anthropic:<model>`."""
        ...

    @property
    def offline(self) -> bool:
        """True if no model is behind it; every result it takes part in says so."""
        ...

    async def run(self, task: AgentTask, emit: Emit) -> AgentReply:
        """Do the task.

        Cancelling this coroutine ends the work and everything it started; the cancellation is over within a bound
        that the implementation documents.

        Args:
            task: What to do.
            emit: Where to say what happens, as it happens.

        Returns:
            The reply; `data` fits `task.reply_model`.

        Raises:
            agents.errors.AgentError: The work could not be finished; says whose fault it is and what helps.
        """
        ...
