"""Figures for Prometheus. They tell how much and how fast, and nothing of what runs are about."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal, TypeAlias, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from workflows.runs.engine import StartedRun

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

Channel: TypeAlias = Literal["sse", "websocket"]
_CHANNELS: tuple[Channel, ...] = get_args(Channel)

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "WEBSOCKET"})
"""Anybody can send any word as a method; each that is told apart is kept for ever."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one server.

    Args:
        open_streams: How many streams are open now.
    """

    def __init__(self, open_streams: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        name = "agent_workflows_"
        self._requests = Counter(
            name + "http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            name + "http_request_seconds",
            "Time to the end of an answer; streams are not in it.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._refused = Counter(name + "http_refused", "Requests the guard refused.", ["kind"], registry=self._registry)
        events = Counter(name + "events_sent", "Events sent to watchers.", ["channel"], registry=self._registry)
        self._events = {channel: events.labels(channel) for channel in _CHANNELS}
        self._runs = Counter(
            name + "runs_requested", "Runs asked for, over MCP too.", ["workflow", "outcome"], registry=self._registry
        )
        self._mcp = Gauge(name + "mcp_requests_open", "Requests to /mcp being answered.", registry=self._registry)
        streams = Gauge(name + "streams_open", "Streams open, those of /mcp too.", registry=self._registry)
        streams.set_function(open_streams)
        tasks = Gauge(name + "tasks", "Tasks of the event loop.", registry=self._registry)
        tasks.set_function(lambda: len(asyncio.all_tasks()))

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """An answer has ended; streams have no time worth counting."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(route).observe(seconds)

    def refused(self, kind: str) -> None:
        """The guard has refused a request."""
        self._refused.labels(kind).inc()

    def events_sent(self, channel: Channel, count: int) -> None:
        """Events went out to a watcher."""
        self._events[channel].inc(count)

    def run_requested(self, started: StartedRun) -> None:
        """Somebody asked for a run, and got a new one or the one there was."""
        self._runs.labels(started.run.workflow, "joined" if started.joined else "started").inc()

    @contextmanager
    def mcp_request(self) -> Generator[None, None, None]:
        """While this is open, so is a request to `/mcp`."""
        with self._mcp.track_inprogress():
            yield

    def text(self) -> bytes:
        """All figures, in Prometheus' text format."""
        return generate_latest(self._registry)
