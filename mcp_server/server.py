"""The MCP server as a client meets it: its name, what it can do, and how it is used.

A client shows a server as missing until it has answered, so that answer waits for nothing: who answers requests
(`mcp_server.handlers`), the workflows and the log are opened when the first request needs them.

The SDK's low-level server is used because every schema, error text and result here is made by this program: unknown
arguments are refused by name, and what a failed call must say is never withheld.
"""

from typing import TYPE_CHECKING, Protocol

from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Result,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    Tool,
)

from mcp_server.arrival import note_arrival
from mcp_server.cancellations import Cancellations
from mcp_server.eras import RequestContext
from mcp_server.introduction import DESCRIPTION, EXTENSIONS, INSTRUCTIONS, NAME, TITLE, own_version
from mcp_server.refusal import refused
from mcp_server.task_params import TaskParams, TaskUpdateParams

if TYPE_CHECKING:
    from mcp_server.handlers import Handlers
    from mcp_server.run_calls import CallAnswer
    from mcp_server.task_shape import Task


class Unavailable(Exception):
    """The server's parts cannot be had at the moment.

    Attributes:
        text: Why, whose fault it is, and what helps.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Opening(Protocol):
    """Gives what is behind the server, and opens it first where that has not been done."""

    async def definitions(self) -> list[Tool]:
        """All tools, as clients list them: they are listed even where no run can be kept."""
        ...

    async def handlers(self, cancellations: Cancellations) -> "Handlers":
        """Who answers all other requests.

        Args:
            cancellations: Why calls were cancelled.

        Raises:
            Unavailable: Runs cannot be kept at the moment. The next request tries again.
        """
        ...


class WorkflowServer(Server[dict[str, object]]):
    """The MCP server.

    Args:
        opening: What is behind it.
        notice: What clients are told beside how the server is used; empty, or whole lines.
    """

    def __init__(self, opening: Opening, notice: str = "") -> None:
        self._opening = opening
        self._cancellations = Cancellations()
        super().__init__(
            NAME,
            version=own_version(),
            title=TITLE,
            description=DESCRIPTION,
            instructions=INSTRUCTIONS + notice,
            on_list_tools=self._list_tools,
            on_subscriptions_listen=self._listen,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
        )
        # The parameter `on_call_tool` knows nothing of answers that are tasks.
        self.add_request_handler("tools/call", CallToolRequestParams, self._call_tool)
        self.add_request_handler("tasks/get", TaskParams, self._get_task)
        self.add_request_handler("tasks/update", TaskUpdateParams, self._update_task)
        self.add_request_handler("tasks/cancel", TaskParams, self._cancel_task)
        self.extensions.update({name: {} for name in EXTENSIONS})
        self.middleware += [note_arrival, self._cancellations.note]

    async def _handlers(self) -> "Handlers":
        try:
            return await self._opening.handlers(self._cancellations)
        except Unavailable as error:
            raise MCPError(code=INTERNAL_ERROR, message=error.text) from error

    async def _list_tools(self, _ctx: RequestContext, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=await self._opening.definitions())

    async def _call_tool(self, ctx: RequestContext, params: CallToolRequestParams) -> "CallAnswer":
        try:
            handlers = await self._opening.handlers(self._cancellations)
        except Unavailable as error:  # clients show their users the result of a call, and seldom an error
            return refused(error.text)
        return await handlers.call_tool(ctx, params)

    async def _get_task(self, ctx: RequestContext, params: TaskParams) -> "Task":
        return await (await self._handlers()).tasks.get(ctx, params)

    async def _update_task(self, ctx: RequestContext, params: TaskUpdateParams) -> Result:
        return await (await self._handlers()).tasks.update(ctx, params)

    async def _cancel_task(self, ctx: RequestContext, params: TaskParams) -> Result:
        return await (await self._handlers()).tasks.cancel(ctx, params)

    async def _listen(self, ctx: RequestContext, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        return await (await self._handlers()).listen(ctx, params)

    async def _list_resources(
        self, _ctx: RequestContext, _params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        return (await self._handlers()).list_resources()

    async def _list_templates(
        self, _ctx: RequestContext, _params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return (await self._handlers()).list_templates()

    async def _read_resource(self, ctx: RequestContext, params: ReadResourceRequestParams) -> ReadResourceResult:
        return await (await self._handlers()).read_resource(ctx, params)

    async def _list_prompts(self, _ctx: RequestContext, _params: PaginatedRequestParams | None) -> ListPromptsResult:
        return (await self._handlers()).list_prompts()

    async def _get_prompt(self, _ctx: RequestContext, params: GetPromptRequestParams) -> GetPromptResult:
        return (await self._handlers()).get_prompt(params)
