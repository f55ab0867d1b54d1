"""The run page as an MCP App: a document that hosts show beside the call of a workflow's tool.

It is the page of `mcp_server/viewer` in one file. It asks for nothing from anywhere: what it shows and what a person
does in it go through the host. Hosts without the extension pass over what is said about it here. The names are the
specification's; the SDK's `Apps` builds on a server this one is not.
"""

from functools import cache
from pathlib import Path

from mcp_types import ReadResourceResult, ResourceTemplate, TextResourceContents

MEDIA_TYPE = "text/html;profile=mcp-app"
URI = "ui://run/page"
"""The page of the run of whichever call it is shown beside."""

TOOL_META: dict[str, object] = {"ui": {"resourceUri": URI}}
"""What a workflow's tool says in its `_meta`."""

TEMPLATE = ResourceTemplate(
    name="run-page",
    uri_template="ui://run/{run_id}",
    title="A run, live",
    description="A page that shows the run of a workflow's call as it happens; for hosts of MCP Apps.",
    mime_type=MEDIA_TYPE,
)

_FILE = Path(__file__).parent / "viewer" / "dist" / "app.html"


def read(uri: str) -> ReadResourceResult:
    """The page as a resource.

    Args:
        uri: The address it was asked for by.

    Raises:
        OSError: It is not part of this installation.
    """
    # No domain is named: the page fetches nothing, so the host's strictest policy fits it.
    meta: dict[str, object] = {"ui": {"csp": {}, "prefersBorder": True}}
    contents = TextResourceContents(uri=uri, text=_page(), mime_type=MEDIA_TYPE, _meta=meta)
    return ReadResourceResult(contents=[contents])


@cache
def _page() -> str:
    return _FILE.read_text("utf-8")
