"""Which tools a task gives a model agent: by its access, the web, what the user has connected, and what it names."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from agents.agent import AgentTask, AskPermission, PermissionQuestion
from agents.command_runner import RunCommand
from agents.errors import AgentMisconfigured
from agents.tools.fetch_page import Fetch, fetch_public_page, fetching_tool
from agents.tools.inside import Inside
from agents.tools.reading import reading_tools
from agents.tools.tool import Tool, ToolSource
from agents.tools.toolbox import Permit, Toolbox
from agents.tools.writing import writing_tools

WEB_SEARCH = "WebSearch"
"""How `AgentTask.allowed_tools` calls the search that a provider does by itself."""
_ASKED_FOR = "Bash"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTools:
    """What a model agent's tools work with.

    Attributes:
        run_command: Runs commands.
        fetch: Downloads pages.
        connected: Tools that the user has connected.
        web_searches: How many searches the provider may do for one request, where it can and the task may.
    """

    run_command: RunCommand
    fetch: Fetch = fetch_public_page
    connected: Sequence[ToolSource] = ()
    web_searches: int = 8


@asynccontextmanager
async def open_toolbox(with_what: ModelTools, task: AgentTask) -> AsyncGenerator[Toolbox]:
    """The tools of a task, usable until the context is left.

    Args:
        with_what: What they work with.
        task: The task.

    Raises:
        agents.errors.ToolsUnavailable: Connected tools cannot be reached.
        AgentMisconfigured: The task names a tool that it does not have, or two tools have one name.
    """
    async with AsyncExitStack() as stack:
        tools = [*_own(with_what, task)]
        if task.connected_tools:
            for source in with_what.connected:
                tools.extend(await stack.enter_async_context(source.open(task.workspace, task.run_id)))
        yield Toolbox(_chosen(_by_name(tools), task), _permit(task))


def web_searches(with_what: ModelTools, task: AgentTask) -> int:
    """How many searches of the web the provider may do for one request of a task."""
    allowed = task.web and (not task.allowed_tools or WEB_SEARCH in task.allowed_tools)
    return with_what.web_searches if allowed else 0


def _own(with_what: ModelTools, task: AgentTask) -> Iterable[Tool]:
    if task.access != "none":
        inside = Inside(Path(task.workspace).resolve())
        yield from reading_tools(inside)
        if task.access == "write":
            yield from writing_tools(inside, with_what.run_command, task.run_id)
    if task.web:
        yield fetching_tool(with_what.fetch)


def _by_name(tools: Iterable[Tool]) -> dict[str, Tool]:
    named: dict[str, Tool] = {}
    for tool in tools:
        if tool.name in named:
            raise AgentMisconfigured(
                f"Two of the tools of this task are called {tool.name}.",
                recovery=("Give the MCP servers that bring them different names",),
            )
        named[tool.name] = tool
    return named


def _chosen(tools: Mapping[str, Tool], task: AgentTask) -> Mapping[str, Tool]:
    if not task.allowed_tools:
        return tools
    known = {*tools, WEB_SEARCH} if task.web else set(tools)
    if beyond := [name for name in task.allowed_tools if name not in known]:
        raise AgentMisconfigured(
            f"allowed_tools names {', '.join(beyond)}, which this agent does not have for this task.",
            recovery=(
                f"Name some of these, without a rule behind them: {', '.join(sorted(known)) or 'there are none'}",
            ),
        )
    return {name: tool for name, tool in tools.items() if name in task.allowed_tools}


def _permit(task: AgentTask) -> Permit | None:
    """Where somebody can be asked, every command is asked for, unless the task itself names commands as allowed."""
    if task.ask_permission is None or _ASKED_FOR in task.allowed_tools:
        return None
    return _asking(task.ask_permission)


def _asking(ask: AskPermission) -> Permit:
    async def permit(tool: str, arguments: Mapping[str, JsonValue]) -> str | None:
        if tool != _ASKED_FOR:
            return None
        title = arguments.get("command")
        answer = await ask(
            PermissionQuestion(tool=tool, input=arguments, title=title if isinstance(title, str) else "")
        )
        return None if answer.allowed else f"denied by the user. {answer.message}".rstrip()

    return permit
