"""Whether a client is still there."""

import anyio
from starlette.types import Receive


async def until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    """Cancel a scope when the client has closed its end; what else it says is not for anybody.

    Args:
        receive: Receives an ASGI message.
        scope: What is done for the client.
    """
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
