import anyio
import pytest
from starlette.types import Message

from mcp_server.http.patience import Patience
from mcp_server.http.stream_connection import StreamConnection
from tests.mcp_server.http.running import BOUND

pytestmark = pytest.mark.anyio

HURRIED = Patience(quiet=0.02, unread=0.05)


class Stuck:
    """A client that takes so many messages, and no more."""

    def __init__(self, takes: int) -> None:
        self._takes = takes
        self.taken: list[bytes] = []

    async def send(self, message: Message) -> None:
        if len(self.taken) == self._takes:
            await anyio.sleep_forever()
        self.taken.append(message["body"])


@pytest.mark.parametrize("takes", [0, 3])
async def test_a_client_that_does_not_take_a_comment_is_let_go(takes: int) -> None:
    client = Stuck(takes)

    with anyio.fail_after(BOUND), pytest.raises(TimeoutError):
        await StreamConnection({}, client.send, HURRIED).attend()

    assert client.taken == [b": keep-alive\n\n"] * takes


async def test_nothing_is_said_to_a_client_that_takes_the_end_late() -> None:
    asked: list[Message] = []

    async def send(message: Message) -> None:
        asked.append(message)
        await anyio.sleep_forever()

    connection = StreamConnection({}, send, Patience(quiet=0.01, unread=BOUND))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connection.finish)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.1):  # ten times as long as a silence that gets a comment
            await connection.attend()
        tasks.cancel_scope.cancel()

    assert asked == [{"type": "http.response.body"}]


async def test_a_client_that_does_not_take_the_end_is_let_go() -> None:
    connection = StreamConnection({}, Stuck(0).send, HURRIED)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connection.finish)
        with anyio.fail_after(BOUND), pytest.raises(TimeoutError):
            await connection.attend()
        tasks.cancel_scope.cancel()


async def test_a_client_that_does_not_take_an_event_is_let_go() -> None:
    connection = StreamConnection({}, Stuck(0).send, HURRIED)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connection.send, b"data: {}\n\n")
        with anyio.fail_after(BOUND), pytest.raises(TimeoutError):
            await connection.attend()
        tasks.cancel_scope.cancel()
