"""Why a call was cancelled: because somebody wanted it, because the client's clock ran out, or nobody knows.

The SDK cancels a request's handler and passes the notification, with its reason, on to the server's middleware just
after. A person who presses Esc wants the run to end; a client that gives up waiting wants nothing, and the run goes on.

Over HTTP a request can be cancelled without any word: in the stateless era a client says it by closing the stream of
the answer, which a lost line and a client that was ended do as well; in the era before, by ending its session. Then the
run is interrupted: nothing goes on that somebody wanted to end, and nothing is lost that somebody still wants. Whose
run it is, and who else waits for it, is `mcp_server.run_calls`'s to see.
"""

import re
from collections import OrderedDict
from typing import Any, Literal, TypeAlias

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import RequestId

from mcp_server.owner import is_over_http, session_of_call

REASON_SECONDS = 0.2
"""How long to wait for the reason after the handler was cancelled; it is already on its way, or never comes."""
_KEPT = 64
_TIMED_OUT = re.compile(r"time[d]?[ -]?out|deadline", re.IGNORECASE)
"""Claude Code and the TypeScript SDK say `Request timed out`."""


Meaning: TypeAlias = Literal["end", "gave_up", "unknown"]
"""What a cancellation means: the run is to end, the client only waits no longer, or it is gone without a word."""


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

    async def meaning(self, ctx: ServerRequestContext[Any, Any]) -> Meaning:
        """What it means that a request was just cancelled."""
        reason = None if ctx.request_id is None else await self._reason(session_of_call(ctx), ctx.request_id)
        if reason is None:
            return "unknown" if is_over_http(ctx) else "end"
        return "gave_up" if _TIMED_OUT.search(reason) else "end"

    async def _reason(self, session: str, request_id: RequestId) -> str | None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(REASON_SECONDS):
            while (session, request_id) not in self._reasons:
                await self._news.wait()
        return self._reasons.get((session, request_id))
