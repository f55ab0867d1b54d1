"""The port of every tool a model agent can use, wherever it comes from.

The floors above hand in tools of their own, of an MCP server for example, as a `ToolSource` when they build a
`agents.model_agent.ModelAgent`; a task gets them where its `connected_tools` is true.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue


class ToolFailed(Exception):
    """A call could not be done, through no fault of this program. Its message is what the model reads."""


@dataclass(frozen=True, slots=True)
class RanCommand:
    """A command that a tool ran.

    Attributes:
        command: The command line.
        ok: Whether it succeeded.
        seconds: How long it ran.
        output: Its output.
    """

    command: str
    ok: bool
    seconds: float
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What a call came to.

    Attributes:
        output: What the model reads; whoever calls bounds it.
        ok: False where the tool itself says that it failed.
        wrote: Files it has written: paths relative to the workspace, with forward slashes.
        ran: The command it has run, or None.
        changed_something: Whether something may be different in the world now, so that the same call must not simply
            be made again.
    """

    output: str
    ok: bool = True
    wrote: tuple[str, ...] = ()
    ran: RanCommand | None = None
    changed_something: bool = False


class Tool(Protocol):
    """Something a model can call."""

    @property
    def name(self) -> str:
        """At most 64 letters, digits, `_` and `-`; unique among the tools of a task."""
        ...

    @property
    def description(self) -> str:
        """What it does and when to use it, for the model."""
        ...

    @property
    def input_schema(self) -> Mapping[str, JsonValue]:
        """JSON schema of its arguments; its type is `object`."""
        ...

    async def call(self, arguments: Mapping[str, JsonValue]) -> ToolOutcome:
        """Do it. Cancelling the call ends it and everything it has started.

        Args:
            arguments: As the model gave them; not yet checked against the schema.

        Raises:
            ToolFailed: It could not be done; the model reads why and goes on.
        """
        ...


class ToolSource(Protocol):
    """Where further tools of a task come from."""

    @property
    def name(self) -> str:
        """For people, for example the name of an MCP server."""
        ...

    def open(self, workspace: Path, run_id: str) -> AbstractAsyncContextManager[Sequence[Tool]]:
        """The tools, usable until the context is left.

        It is entered and left by the same asyncio task, once for every task of an agent; whoever keeps a connection
        open between tasks does so behind it.

        Args:
            workspace: Existing directory the task is done in; what is started for it is started there.
            run_id: The run it belongs to.

        Raises:
            agents.errors.ToolsUnavailable: They cannot be reached; this ends the agent's task before its first request.
        """
        ...


@dataclass(frozen=True, slots=True)
class GivenTools:
    """A source that simply has its tools.

    Attributes:
        name: For people.
        tools: The tools.
    """

    name: str
    tools: tuple[Tool, ...]

    @asynccontextmanager
    async def open(self, workspace: Path, run_id: str) -> AsyncGenerator[Sequence[Tool]]:
        """As in the port."""
        del workspace, run_id  # they are there already
        yield self.tools
