"""A run as a tool's result: a short structure, links to what is large, and words where it went wrong."""

from collections.abc import Sequence

from mcp_types import CallToolResult, ContentBlock, ResourceLink, TextContent

from mcp_server.failures import failure_text
from mcp_server.results import made, result_json
from workflows.runs.admission import artifact_uri
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run

MOST_LINKS = 12
"""Resource links in one result; the rest of the artifacts are in its `artifacts`."""


def run_result(run: Run, artifacts: Sequence[ArtifactInfo]) -> CallToolResult:
    """A run as a tool's result."""
    structured = result_json(run, artifacts)
    if run.status in {"failed", "cancelled", "interrupted"}:
        return CallToolResult(
            content=[TextContent(text=failure_text(run))], structured_content=structured, is_error=True
        )
    links: list[ContentBlock] = [
        ResourceLink(name=info.name, uri=artifact_uri(run.run_id, info.name), mime_type=info.media_type)
        for info in made(artifacts)[:MOST_LINKS]
    ]
    return CallToolResult(content=[TextContent(text=str(structured["summary"])), *links], structured_content=structured)
