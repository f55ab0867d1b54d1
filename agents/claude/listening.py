"""How long a child is listened to, and why that ends."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import anyio

from agents.claude.conversation import Conversation
from agents.processes.child import ChildProcess

Stop: TypeAlias = Literal["ended", "lingers", "closed", "refused", "silent", "out of time", "person failed"]
"""Why nobody listens to the child any more: it has ended; it has said its last and stays; it closed its output without
a last word and stays; its key or login was refused, and it would go on trying for minutes; it has not said anything for
longer than a `claude` that works ever would; the time limit; a person could not be asked."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long to wait for what, in seconds.

    Attributes:
        model_idle_seconds: For the next sign of life while the model is awaited.
        tool_idle_seconds: While a tool or background work runs.
        linger_seconds: For the child to end after its last word.
    """

    model_idle_seconds: float
    tool_idle_seconds: float
    linger_seconds: float


class Listener:
    """Listens to one child.

    Args:
        child: The child.
        conversation: Takes what it writes.
        bounds: How long to wait.
    """

    def __init__(self, child: ChildProcess, conversation: Conversation, bounds: Bounds) -> None:
        self._child = child
        self._conversation = conversation
        self._bounds = bounds
        self._silence = anyio.CancelScope()
        self._listening = anyio.CancelScope()

    def look_again(self) -> None:
        """Something changed that the child did not say: a person has answered, or could not be asked."""
        if self._conversation.dialogue is not None and self._conversation.dialogue.failure is not None:
            self._listening.cancel()
        self._silence.deadline = self._deadline()

    async def listen(self, seconds: float) -> Stop:
        """Listen until there is nothing more to be heard.

        Args:
            seconds: How long it may take in all.
        """
        stop: Stop | None = None
        with anyio.move_on_after(seconds) as limit, self._listening:
            while stop is None:
                stop = await self._hear_next()
        if stop is not None:
            return stop
        if not limit.cancelled_caught:
            return "person failed"
        return "lingers" if self._conversation.has_finished else "out of time"

    async def _hear_next(self) -> Stop | None:
        """Take the next piece; why there is nothing more to be heard, or None."""
        piece = b""
        with anyio.CancelScope(deadline=self._deadline()) as self._silence:
            piece = await self._child.receive()
        if self._silence.cancelled_caught:
            return "lingers" if self._conversation.has_finished else "silent"
        if not piece:
            with anyio.move_on_after(self._bounds.linger_seconds):
                await self._child.wait()
                return "ended"
            return "lingers" if self._conversation.has_finished else "closed"
        self._conversation.hear(piece)
        if self._conversation.is_refused:
            return "refused"
        if self._conversation.has_finished and self._conversation.dialogue is not None:
            await self._conversation.dialogue.finish()
        return None

    def _deadline(self) -> float:
        """When to stop waiting for the next piece."""
        conversation, bounds = self._conversation, self._bounds
        linger_until = conversation.finished_at + bounds.linger_seconds
        if conversation.awaits_person:
            return linger_until
        idle = bounds.tool_idle_seconds if conversation.running_work else bounds.model_idle_seconds
        return min(linger_until, anyio.current_time() + idle)
