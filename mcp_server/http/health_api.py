"""The API about the server itself."""

from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from mcp_server.assembly import Assembly
from mcp_server.http.metrics import CONTENT_TYPE, Metrics
from mcp_server.http.runs_api import answer
from mcp_server.introduction import own_version
from workflows.runs.errors import RunError
from workflows.runs.run import RunFilter


class HealthView(BaseModel):
    """Whether the server lives, or takes work."""

    status: Literal["ok", "draining", "unavailable"]
    version: str


class HealthApi:
    """Says whether the server lives, whether it takes work, and how much it does.

    Args:
        assembly: The server's parts.
        metrics: The figures.
    """

    def __init__(self, assembly: Assembly, metrics: Metrics) -> None:
        self._assembly = assembly
        self._metrics = metrics

    async def live(self, _request: Request) -> Response:
        """GET /health: it answers, so it lives."""
        return answer(HealthView(status="ok", version=own_version()))

    async def ready(self, _request: Request) -> Response:
        """GET /ready: whether it takes new runs: it is not shutting down, and the log can be read."""
        if self._assembly.engine.draining:
            return answer(HealthView(status="draining", version=own_version()), 503)
        try:
            await self._assembly.log.find(RunFilter(limit=1))
        except RunError:
            return answer(HealthView(status="unavailable", version=own_version()), 503)
        return answer(HealthView(status="ok", version=own_version()))

    async def metrics(self, _request: Request) -> Response:
        """GET /metrics."""
        return Response(self._metrics.text(), headers={"content-type": CONTENT_TYPE})
