"""The HTTP client of a model, made when its first request is: importing it takes a tenth of a second, and TLS more."""

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from agents.models.api_access import ApiAccess

if TYPE_CHECKING:
    from agents.models.api_connection import ApiConnection

_CLOSE_SECONDS = 2.0


class LateConnection:
    """An `ApiConnection` that is not there yet.

    Args:
        access: Where the API is and who we are.
    """

    def __init__(self, access: ApiAccess) -> None:
        self._access = access
        self._connection: ApiConnection | None = None

    async def get(self) -> "ApiConnection":
        """The connection; made in a thread if there is none."""
        if self._connection is None:
            connection = await anyio.to_thread.run_sync(self._make)
            if self._connection is None:  # another request may have been quicker
                self._connection = connection
        return self._connection

    async def aclose(self) -> None:
        """Give it back, if there is one; bounded."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
                await connection.aclose()

    def _make(self) -> "ApiConnection":
        from agents.models.api_connection import ApiConnection

        return ApiConnection(self._access)
