"""What people add to a run while it is under way."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable


class Instructions:
    """The instructions of one run, oldest first.

    Args:
        texts: Those that were given before.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = list(texts)
        self._news = asyncio.Event()

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._texts)

    def add(self, text: str) -> None:
        """Add one; whoever waits for it gets it."""
        self._texts.append(text)
        self._news.set()
        self._news = asyncio.Event()

    def later(self) -> Callable[[], Awaitable[str]]:
        """Something that waits for those added from now on, one at each call; each caller has its own."""
        told = len(self._texts)

        async def following() -> str:
            nonlocal told
            while told >= len(self._texts):
                await self._news.wait()
            told += 1
            return self._texts[told - 1]

        return following
