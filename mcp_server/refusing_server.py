"""What answers when nothing can be run: the tools are there, and each call says why not and what helps.

A server that does not start tells its user nothing: clients show only that it is not there. So a data directory that
cannot be used is told where people look, in the answer to a call.
"""

from collections.abc import Sequence

from mcp.server.lowlevel import Server
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams, TextContent, Tool

from mcp_server.failures import rejection_text
from mcp_server.run_calls import RequestContext
from workflows.runs.errors import RunError


class RefusingServer(Server[dict[str, object]]):
    """Lists tools and refuses every call of them.

    Args:
        definitions: The tools.
        version: This program's version.
        error: Why.
    """

    def __init__(self, definitions: Sequence[Tool], version: str, error: RunError) -> None:
        self._definitions = list(definitions)
        self._text = rejection_text(error)
        super().__init__(
            "agent-workflows",
            version=version,
            title="Agent workflows",
            instructions=f"This server cannot run anything at the moment. {self._text}",
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )

    async def _list_tools(self, _ctx: RequestContext, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=self._definitions)

    async def _call_tool(self, _ctx: RequestContext, _params: CallToolRequestParams) -> CallToolResult:
        return CallToolResult(content=[TextContent(text=self._text)], is_error=True)
