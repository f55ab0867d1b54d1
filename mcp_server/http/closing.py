"""The end of the server, as those see it who are watching: it begins once, and nobody is left waiting."""

from typing import TypeVar

import anyio

ItemT = TypeVar("ItemT")


class Closing:
    """Whether the server is about to go."""

    def __init__(self) -> None:
        self._begun = anyio.Event()

    @property
    def begun(self) -> bool:
        """Whether everybody has to go."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Tell everybody."""
        self._begun.set()

    async def wait(self) -> None:
        """Return when it has begun."""
        await self._begun.wait()
