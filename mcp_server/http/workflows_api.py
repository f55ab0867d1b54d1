"""The API about workflows."""

from functools import cache

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from mcp_server.assembly import Assembly
from mcp_server.http.problem import Problem
from mcp_server.http.workflow_views import WorkflowListView, workflow_view
from workflows.diagram import mermaid
from workflows.runs.errors import WorkflowNotFound


class WorkflowsApi:
    """Answers requests about workflows.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._listed = cache(self._list)  # schemas take their time to be made, and never change

    def _list(self) -> str:
        views = [workflow_view(one) for one in self._assembly.catalog.workflows]
        return WorkflowListView(workflows=views).model_dump_json()

    async def list(self, _request: Request) -> Response:
        """GET /api/workflows."""
        return Response(await anyio.to_thread.run_sync(self._listed), media_type="application/json")

    async def graph(self, request: Request) -> Response:
        """GET /api/workflows/{name}/graph."""
        try:
            workflow = self._assembly.catalog.get(request.path_params["name"])
        except WorkflowNotFound as error:
            raise Problem(404, error.kind, error.message, recovery=error.recovery, field="name") from error
        text = await anyio.to_thread.run_sync(mermaid, workflow)
        return Response(text, media_type="text/vnd.mermaid")
