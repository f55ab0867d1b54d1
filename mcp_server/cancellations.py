"""Why a call was cancelled: because somebody wanted it, or because the client's clock ran out.

The SDK cancels a request's handler and passes the notification, with its reason, on to the server's middleware just
after. A person who presses Esc wants the run to end; a client that gives up waiting wants nothing, and the run goes on.
"""

import re
from collections import OrderedDict

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import RequestId

from mcp_server.owner import session_of_call

REASON_SECONDS = 0.2
"""How long to wait for the reason after the handler was cancelled; it is already on its way, or never comes."""
_KEPT = 64
_TIMED_OUT = re.compile(r"time[d]?[ -]?out|deadline", re.IGNORECASE)
"""Claude Code and the TypeScript SDK say `Request timed out`."""


class Cancellations:
    """Remembers the reasons of the newest cancellations."""

    def __init__(self) -> None:
        self._reasons: OrderedDict[tuple[str, RequestId], str] = OrderedDict()
        self._news = anyio.Event()

    async def note(self, ctx: ServerRequestContext[dict[str, object], object], call_next: CallNext) -> HandlerResult:
        """Middleware: look at cancellations as they pass."""
        if ctx.method == "notifications/cancelled" and ctx.params is not None and "requestId" in ctx.params:
            self._reasons[session_of_call(ctx), ctx.params["requestId"]] = str(ctx.params.get("reason") or "")
            while len(self._reasons) > _KEPT:
                self._reasons.popitem(last=False)
            self._news.set()
            self._news = anyio.Event()
        return await call_next(ctx)

    async def client_gave_up(self, request_id: RequestId | None, session: str = "") -> bool:
        """Whether a request that was just cancelled was so because the client's time was over.

        Args:
            request_id: The request.
            session: The MCP session it belongs to, see `mcp_server.owner.session_of_call`.
        """
        if request_id is None:
            return False
        with anyio.CancelScope(shield=True), anyio.move_on_after(REASON_SECONDS):
            while (session, request_id) not in self._reasons:
                await self._news.wait()
        return _TIMED_OUT.search(self._reasons.get((session, request_id), "")) is not None
