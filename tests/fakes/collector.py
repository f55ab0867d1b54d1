"""An OpenTelemetry collector on loopback: it takes spans over OTLP/HTTP and keeps them."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(slots=True)
class Collector:
    """What came.

    Attributes:
        url: Its endpoint, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
        bodies: What was sent, as it was sent but unpacked.
        spans: The spans in it.
        services: Names of the services they came from.
    """

    url: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])
    spans: list[Any] = field(default_factory=list[Any])
    services: set[str] = field(default_factory=set[str])

    def take(self, body: bytes) -> None:
        """Take what somebody sent."""
        self.bodies.append(body)
        request: Any = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            named = (one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
            self.services.update(named)
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)

    def names(self) -> set[str]:
        """The names of all spans."""
        return {span.name for span in self.spans}


@contextmanager
def collector() -> Generator[Collector, None, None]:
    """A collector while it listens."""
    found = Collector()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Receiver, found)) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join(5)


class _Receiver(BaseHTTPRequestHandler):
    def __init__(self, found: Collector, *args: Any) -> None:
        self._found = found
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        unpacked = decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        if self.path == "/v1/traces":
            self._found.take(unpacked)
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
