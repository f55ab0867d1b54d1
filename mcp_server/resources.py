"""Runs and workflows as resources."""

import base64
import json

import anyio.to_thread
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from mcp_server import run_page
from mcp_server.assembly import Assembly
from mcp_server.own_runs import own_run
from mcp_server.results import result_json
from workflows.diagram import mermaid
from workflows.runs.errors import RunNotFound
from workflows.runs.event_json import to_json_object
from workflows.runs.run import Run

LONGEST_NUMBER = 15
"""Digits of an event number."""

TEMPLATES = (
    ResourceTemplate(
        name="run",
        uri_template="runs://{run_id}",
        title="A run",
        description="Status, result, usage and artifacts of a run.",
        mime_type="application/json",
    ),
    ResourceTemplate(
        name="run-events",
        uri_template="runs://{run_id}/events{?after}",
        title="A run's events",
        description="Up to 500 events after the given number, one JSON object a line.",
        mime_type="application/x-ndjson",
    ),
    ResourceTemplate(
        name="run-artifact",
        uri_template="runs://{run_id}/artifacts/{name}",
        title="Something a run has made",
        description="The whole of a text that a run has made.",
    ),
    run_page.TEMPLATE,
)


class Resources:
    """Lists and reads the server's resources.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def listed(self) -> list[Resource]:
        """The resources that are always there."""
        return [
            Resource(
                name=f"{workflow.name}-graph",
                uri=f"workflows://{workflow.name}/graph",
                title=f"{workflow.title}: its graph",
                description="The workflow's graph as a Mermaid diagram.",
                mime_type="text/vnd.mermaid",
            )
            for workflow in self._assembly.catalog.workflows
        ]

    async def read(self, uri: str, owner: str) -> ReadResourceResult:
        """Read one.

        Args:
            uri: Which.
            owner: Who asks.

        Raises:
            MCPError: There is no such resource.
        """
        scheme, _, path = uri.partition("://")
        path, _, query = path.partition("?")
        match scheme, path.split("/"):
            case "ui", ["run", _]:
                return await anyio.to_thread.run_sync(run_page.read, uri)
            case "workflows", [name, "graph"] if name in {known.name for known in self._assembly.catalog.workflows}:
                workflow = self._assembly.catalog.get(name)
                text = await anyio.to_thread.run_sync(mermaid, workflow)
                return _text(uri, text, "text/vnd.mermaid")
            case "runs", [run_id]:
                return await self._run(uri, await self._own(uri, run_id, owner))
            case "runs", [run_id, "events"]:
                return await self._events(uri, await self._own(uri, run_id, owner), query)
            case "runs", [run_id, "artifacts", name]:
                return await self._artifact(uri, await self._own(uri, run_id, owner), name)
            case _:
                raise _not_found(uri)

    async def _own(self, uri: str, run_id: str, owner: str) -> Run:
        try:
            return await own_run(self._assembly, run_id, owner)
        except RunNotFound as error:
            raise _not_found(uri) from error

    async def _run(self, uri: str, run: Run) -> ReadResourceResult:
        artifacts = await self._assembly.log.artifacts(run.run_id)
        return _text(uri, json.dumps(result_json(run, artifacts), indent=1), "application/json")

    async def _events(self, uri: str, run: Run, query: str) -> ReadResourceResult:
        after = query.removeprefix("after=") or "0"
        if not (after.isdecimal() and len(after) <= LONGEST_NUMBER):
            raise MCPError(code=INVALID_PARAMS, message=f"after must be an event number, not {after!r}.")
        events = await self._assembly.log.read(run.run_id, int(after))
        lines = [json.dumps(to_json_object(event), ensure_ascii=False) for event in events]
        return _text(uri, "".join(line + "\n" for line in lines), "application/x-ndjson")

    async def _artifact(self, uri: str, run: Run, name: str) -> ReadResourceResult:
        artifact = await self._assembly.log.artifact(run.run_id, name)
        if artifact is None:
            raise _not_found(uri)
        try:
            return _text(uri, artifact.body.decode(), artifact.media_type)
        except UnicodeDecodeError:
            blob = base64.b64encode(artifact.body).decode()
            contents = BlobResourceContents(uri=uri, blob=blob, mime_type=artifact.media_type)
            return ReadResourceResult(contents=[contents])


def _text(uri: str, text: str, media_type: str) -> ReadResourceResult:
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, text=text, mime_type=media_type)])


def _not_found(uri: str) -> MCPError:
    return MCPError(code=INVALID_PARAMS, message=f"There is no resource {uri}.", data={"uri": uri})
