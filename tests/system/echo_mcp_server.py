"""A small MCP server over stdio, for proving the helpers that drive the real client."""

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

server = MCPServer("echo")


class Echo(BaseModel):
    """What the tool gives back."""

    text: str
    length: int


@server.tool()
async def echo(text: str, ctx: Context) -> Echo:
    """Give the text back."""
    await ctx.report_progress(1, 1, "echoing")
    return Echo(text=text, length=len(text))


@server.tool()
async def refuse(reason: str) -> Echo:
    """Always fail."""
    raise ToolError(f"Refused: {reason}")


if __name__ == "__main__":
    server.run("stdio")
