"""What is behind the MCP server, and how it is opened when the first request needs it."""

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, cast

import anyio
import anyio.to_thread
from mcp_types import Tool

from mcp_server.cancellations import Cancellations
from mcp_server.module_loading import load
from mcp_server.server import Unavailable, WorkflowServer
from mcp_server.settings import Settings

if TYPE_CHECKING:
    from mcp_server.assembly import Assembly
    from mcp_server.handlers import Handlers, Tools
    from workflows.catalog import Catalog

logger = logging.getLogger(__name__)


class OpenedWhenNeeded:
    """An `Opening` that imports and opens everything at the first request, in a thread as far as that can be done.

    Args:
        settings: The settings.
        catalog: Which workflows there are; None for the built-in ones, which are loaded when they are needed.
        stack: Takes everything down again.

    Attributes:
        assembly: The server's parts; None until they are there.
    """

    def __init__(self, settings: Settings, catalog: "Catalog | None", stack: AsyncExitStack) -> None:
        self._settings = settings
        self._catalog = catalog
        self._stack = stack
        self._one_at_a_time = anyio.Lock()
        self._tools: Tools | None = None
        self._handlers: Handlers | None = None
        self.assembly: Assembly | None = None

    async def definitions(self) -> list[Tool]:
        """All tools, as clients list them."""
        async with self._one_at_a_time:
            tools = await self._opened_tools()
            return await anyio.to_thread.run_sync(lambda: tools.definitions)

    async def handlers(self, cancellations: Cancellations) -> "Handlers":
        """Who answers all other requests.

        Raises:
            Unavailable: The data directory cannot be used at the moment.
        """
        async with self._one_at_a_time:
            if self._handlers is not None:
                return self._handlers
            tools = await self._opened_tools()
            self.assembly = await self._assembled(tools.catalog)
            self._handlers = cast("Handlers", load("mcp_server.handlers").Handlers(self.assembly, tools, cancellations))
            return self._handlers

    async def _opened_tools(self) -> "Tools":
        if self._tools is None:
            self._tools = await anyio.to_thread.run_sync(self._load)
        return self._tools

    def _load(self) -> "Tools":
        module = load("mcp_server.handlers")
        catalog = self._catalog or load("workflows.catalog").Catalog.with_own()
        tools = cast("Tools", module.Tools(catalog))
        _ = tools.by_name  # made once, which takes a quarter of a second: here it holds nobody up
        return tools

    async def _assembled(self, catalog: "Catalog") -> "Assembly":
        errors = load("workflows.runs.errors")
        assembly = load("mcp_server.assembly")
        try:
            return cast("Assembly", await self._stack.enter_async_context(assembly.assemble(self._settings, catalog)))
        except errors.RunError as error:
            logger.error("%s", error.message)
            raise Unavailable(load("mcp_server.failures").rejection_text(error)) from error


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
    return WorkflowServer(Opened(assembly), load("mcp_server.handlers").left_out(assembly.catalog))
