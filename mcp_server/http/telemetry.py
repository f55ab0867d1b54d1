"""Sends spans where OpenTelemetry's own variables say, if they say so.

Only the HTTP server does: a server on a pipe inherits these variables from its client, which has them for itself.
"""

import importlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from mcp_server.introduction import own_version
from workflows.runs.observed_writer import Observe

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from mcp_server.http.run_spans import RunSpans

logger = logging.getLogger(__name__)

SERVICE = "agent-workflows"
"""The service's name, unless a variable gives another."""
PROTOCOL = "http/protobuf"
"""How spans are sent."""


class Telemetry:
    """The spans of this process's runs, on their way to a collector.

    Args:
        provider: Sends them, in a thread of its own; what it cannot send it drops after a while.
        spans: Makes them.
    """

    def __init__(self, provider: "TracerProvider", spans: "RunSpans") -> None:
        self._provider = provider
        self._spans = spans

    @property
    def observe(self) -> Observe:
        """Is shown the events of runs."""
        return self._spans.observe

    async def close(self, seconds: float) -> None:
        """End what is open and send what was not sent yet, for so long at most."""
        self._spans.close()
        with anyio.move_on_after(seconds, shield=True):
            await anyio.to_thread.run_sync(self._provider.force_flush, int(seconds * 1000), abandon_on_cancel=True)


async def telemetry_of(environ: Mapping[str, str]) -> Telemetry | None:
    """What the environment asks for; None if it asks for nothing, or for what cannot be had, which is logged."""
    problem = _wanted(environ)
    if problem is None:
        return None
    if problem:
        logger.error("no spans are sent: %s", problem)
        return None
    try:
        return await anyio.to_thread.run_sync(_made, environ)
    except ImportError:
        logger.error("no spans are sent: install agent-workflows-mcp[otel], or unset the OTEL_* variables")
        return None


def _wanted(environ: Mapping[str, str]) -> str | None:
    """Whether spans are asked for: None if not, empty if so, else what cannot be done."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none" or not (endpoint or exporter):
        return None
    if exporter not in {"", "otlp"}:
        return f"OTEL_TRACES_EXPORTER is {exporter!r}; there is `otlp` and `none`."
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in {None, PROTOCOL}:
        return f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; there is {PROTOCOL}, at most collectors on port 4318."
    return ""


def _made(environ: Mapping[str, str]) -> Telemetry:
    """Blocks: it imports what most servers never need.

    Raises:
        ImportError: OpenTelemetry's SDK is not installed.
    """
    exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    tracing = importlib.import_module("opentelemetry.sdk.trace")
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    run_spans = importlib.import_module("mcp_server.http.run_spans")
    named = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    attributes = {"service.version": own_version(), **({} if named else {"service.name": SERVICE})}
    ids = run_spans.RunIds()
    provider = tracing.TracerProvider(
        resource=resources.Resource.create(attributes), id_generator=ids, shutdown_on_exit=False
    )
    provider.add_span_processor(export.BatchSpanProcessor(exporter.OTLPSpanExporter()))
    return Telemetry(provider, run_spans.RunSpans(provider.get_tracer(SERVICE, own_version()), ids))
