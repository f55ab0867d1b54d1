"""What is behind the MCP server, and how it is opened while nobody waits for it, or at the latest when it is needed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from mcp_types import Tool

from mcp_server.cancellations import Cancellations
from mcp_server.introduction import left_out
from mcp_server.module_loading import load
from mcp_server.server import Unavailable, WorkflowServer
from mcp_server.settings import Settings

if TYPE_CHECKING:
    from mcp_server.assembly import Assembly
    from mcp_server.handlers import Handlers, Tools
    from workflows.catalog import Catalog

logger = logging.getLogger(__name__)

T = TypeVar("T")


class _Shared(Generic[T]):
    """Something that takes a while and is done once, for all who wait for it, whoever of them goes.

    A failure is told to all who have waited; who comes later has it tried again.

    Args:
        make: Does it.
    """

    def __init__(self, make: Callable[[], Coroutine[None, None, T]]) -> None:
        self._make = make
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> Awaitable[T]:
        """Have it done, if it is not yet."""
        if self._task is None or (self._task.done() and self._task.exception() is not None):
            self._task = asyncio.create_task(self._make())
            self._task.add_done_callback(_look_at)
        return asyncio.shield(self._task)


class OpenedWhenNeeded:
    """An `Opening` that imports and opens everything once the first answer is out, in a thread as far as possible.

    Args:
        settings: The settings.
        catalog: Which workflows there are; None for the built-in ones, which are loaded with everything else.
        stack: Takes everything down again.

    Attributes:
        assembly: The server's parts; None until they are there.
    """

    def __init__(self, settings: Settings, catalog: "Catalog | None", stack: AsyncExitStack) -> None:
        self._settings = settings
        self._catalog = catalog
        self._stack = stack
        self._tools = _Shared(self._load_tools)
        self._parts = _Shared(self._assemble)
        self._handlers: Handlers | None = None
        self.assembly: Assembly | None = None

    def begin(self) -> None:
        """Open everything; returns at once. Whoever needs it and finds that it failed is told why."""
        self._parts.begin()

    async def definitions(self) -> list[Tool]:
        """All tools, as clients list them."""
        return (await self._tools.begin()).definitions

    async def handlers(self, cancellations: Cancellations) -> "Handlers":
        """Who answers all other requests.

        Raises:
            Unavailable: The data directory cannot be used at the moment.
        """
        assembly = await self._parts.begin()
        if self._handlers is None:
            tools = await self._tools.begin()
            self._handlers = cast("Handlers", load("mcp_server.handlers").Handlers(assembly, tools, cancellations))
        return self._handlers

    async def _load_tools(self) -> "Tools":
        return await asyncio.to_thread(self._tools_of_modules)

    def _tools_of_modules(self) -> "Tools":
        module = load("mcp_server.handlers")
        tools = cast("Tools", module.Tools(self._catalog or load("workflows.catalog").Catalog.with_own()))
        _ = tools.definitions  # made once, which takes a quarter of a second: here it holds nobody up
        return tools

    async def _assemble(self) -> "Assembly":
        tools = await self._tools.begin()
        errors, assembly = load("workflows.runs.errors"), load("mcp_server.assembly")
        try:
            parts = await self._stack.enter_async_context(assembly.assemble(self._settings, tools.catalog))
        except errors.RunError as error:
            logger.error("%s", error.message)
            raise Unavailable(load("mcp_server.failures").rejection_text(error)) from error
        self.assembly = cast("Assembly", parts)
        return self.assembly


def _look_at(task: "asyncio.Task[T]") -> None:
    """What nobody waits for may fail as well; it is told to who asks, and nobody else needs a traceback."""
    if not task.cancelled():
        task.exception()


class Opened:
    """An `Opening` of what is there already.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: "Assembly") -> None:
        self._assembly = assembly
        self._module = load("mcp_server.handlers")
        self._tools = cast("Tools", self._module.Tools(assembly.catalog))
        self._handlers: Handlers | None = None

    async def definitions(self) -> list[Tool]:
        """All tools, as clients list them."""
        return self._tools.definitions

    async def handlers(self, cancellations: Cancellations) -> "Handlers":
        """Who answers all other requests."""
        if self._handlers is None:
            self._handlers = cast("Handlers", self._module.Handlers(self._assembly, self._tools, cancellations))
        return self._handlers


def workflow_server(assembly: "Assembly") -> WorkflowServer:
    """The MCP server of an assembly."""
    return WorkflowServer(Opened(assembly), left_out(assembly.catalog))
