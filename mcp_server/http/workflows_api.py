"""The API about workflows, and about the server itself."""

from functools import cache

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from mcp_server.assembly import Assembly
from mcp_server.http.closing import Closing
from mcp_server.http.metrics import CONTENT_TYPE, Metrics
from mcp_server.http.problem import Problem
from mcp_server.http.run_views import HealthView, WorkflowListView, workflow_view
from mcp_server.http.runs_api import answer
from mcp_server.server import own_version
from workflows.diagram import mermaid
from workflows.runs.errors import RunError, WorkflowNotFound
from workflows.runs.run import RunFilter


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


class HealthApi:
    """Says whether the server lives, whether it takes work, and how much it does.

    Args:
        assembly: The server's parts.
        closing: Tells when the server ends.
        metrics: The figures.
    """

    def __init__(self, assembly: Assembly, closing: Closing, metrics: Metrics) -> None:
        self._assembly = assembly
        self._closing = closing
        self._metrics = metrics

    async def live(self, _request: Request) -> Response:
        """GET /health: it answers, so it lives."""
        return answer(HealthView(status="ok", version=own_version()))

    async def ready(self, _request: Request) -> Response:
        """GET /ready: whether it takes new runs: it is not shutting down, and the log can be read."""
        if self._closing.draining or self._assembly.engine.closed:
            return answer(HealthView(status="draining", version=own_version()), 503)
        try:
            await self._assembly.log.find(RunFilter(limit=1))
        except RunError:
            return answer(HealthView(status="unavailable", version=own_version()), 503)
        return answer(HealthView(status="ok", version=own_version()))

    async def metrics(self, _request: Request) -> Response:
        """GET /metrics."""
        return Response(self._metrics.text(), headers={"content-type": CONTENT_TYPE})
