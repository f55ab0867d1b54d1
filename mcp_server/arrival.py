"""When the request came that is being answered: from then on clients count, not from when the server was ready for it.

The first call of a new server waits until everything is imported; a fork waits until its graph is.
"""

from contextvars import ContextVar
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:  # commands in the terminal have clocks too, and do without the SDK
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

_came: ContextVar[float | None] = ContextVar("came", default=None)


async def note_arrival(
    ctx: "ServerRequestContext[dict[str, object], object]", call_next: "CallNext"
) -> "HandlerResult":
    """Middleware: remember when a request came, for whoever answers it."""
    token = _came.set(anyio.current_time())
    try:
        return await call_next(ctx)
    finally:
        _came.reset(token)


def arrived() -> float:
    """When the request of the current task came, by the event loop's clock; now, where there is none."""
    came = _came.get()
    return anyio.current_time() if came is None else came
