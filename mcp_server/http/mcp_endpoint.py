"""`/mcp`: MCP's Streamable HTTP, which the SDK speaks. What it does is counted, and bounded like all else."""

from contextlib import ExitStack
from typing import cast

import orjson
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from mcp_server.http.limits import OpenStreams, replayed
from mcp_server.http.metrics import Metrics
from mcp_server.http.principal import owner_of


class McpEndpoint:
    """Passes requests on to the SDK; what is answered with a stream is one of its owner's streams.

    Whether an answer becomes a stream is not known before the SDK has it, and then the run it is about has begun. So
    every request counts while it is answered. What asks for nothing, as a cancellation or the answer to a question, is
    never refused: it may be what ends a stream.

    Args:
        manager: Answers.
        open_streams: Counts the streams, and refuses more than there may be.
        metrics: Counts.
    """

    def __init__(self, manager: StreamableHTTPSessionManager, open_streams: OpenStreams, metrics: Metrics) -> None:
        self._manager = manager
        self._open_streams = open_streams
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            mcp_server.http.problem.Problem: Its owner has as many streams open as may be.
        """
        asks = scope["method"] == "GET"
        if scope["method"] == "POST":
            body = (await receive()).get("body", b"")  # the guard has read it, and gives it in one piece
            asks, receive = _asks(body), replayed(body, receive)
        with self._metrics.mcp_request(), ExitStack() as place:
            if asks:
                place.enter_context(self._open_streams.one_more(owner_of(scope)))
            await self._manager.asgi_app(scope, receive, send)


def _asks(body: bytes) -> bool:
    """Whether a message is a request, and not a notification, an answer or nonsense; those have no stream."""
    try:
        message: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(message, dict) and {"method", "id"} <= cast("dict[str, object]", message).keys()
