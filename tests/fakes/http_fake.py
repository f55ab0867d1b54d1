"""Brings a fake of an HTTP service up, and down again."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream

from tests.fakes.http_connection import HttpConnection
from tests.fakes.messages_script import ScriptFailed


class HttpFake(Protocol):
    """Stands for an HTTP service."""

    @property
    def failures(self) -> Sequence[str]:
        """Why it had no answer for something it was asked."""
        ...

    async def respond(self, http: HttpConnection, request: h11.Request, body: bytes) -> None:
        """Answer one request."""
        ...


FakeT = TypeVar("FakeT", bound=HttpFake)


@asynccontextmanager
async def http_fake(make: Callable[[str], FakeT]) -> AsyncGenerator[FakeT]:
    """Serve a fake on a free loopback port.

    Args:
        make: Makes it, given its address.

    Raises:
        ScriptFailed: At the end, if it had no answer for something; a failure of the test itself goes before it.
    """
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        fake = make(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}")

        async def serve(stream: SocketStream) -> None:
            async with stream:
                await HttpConnection(stream).serve(fake.respond)

        outcome: BaseException | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            try:
                yield fake
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as error:  # noqa: BLE001 - raised again below, so that it does not arrive in a group
                outcome = error
            tasks.cancel_scope.cancel()
    if outcome is not None:
        for failure in fake.failures:
            outcome.add_note(f"{type(fake).__name__}: {failure}")
        raise outcome
    if fake.failures:
        raise ScriptFailed("; ".join(fake.failures))
