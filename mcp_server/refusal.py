"""The result of a call that was not carried out."""

from mcp_types import CallToolResult, TextContent


def refused(text: str) -> CallToolResult:
    """The result of a call that did not do what it was asked for.

    Args:
        text: Why, whose fault it is, and what helps.
    """
    return CallToolResult(content=[TextContent(text=text)], is_error=True)
