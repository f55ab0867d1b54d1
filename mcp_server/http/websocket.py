"""A run's events over WebSocket: the same objects as over SSE, and the other way commands about the run.

The client may send `{"type": "cancel", "reason": ...}`, `{"type": "answer", "gate_id": ..., "answer": ...}` and
`{"type": "steer", "text": ...}`, with the fields that the API takes for the same. What cannot be done is answered with
an object of the type `problem`, and does not end the connection. That closes after the run's last event (1000), when
nobody works on the run any more (1000), when the server ends (1012), when the log cannot be read (1011), and when a
message is too large (1009).
"""

import logging
from contextlib import aclosing
from typing import cast

import anyio
import anyio.lowlevel
import orjson
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from mcp_server.assembly import Assembly
from mcp_server.failures import validated
from mcp_server.http.connection import ABORT
from mcp_server.http.event_stream import EventStreams
from mcp_server.http.limits import Rate, too_often
from mcp_server.http.principal import owner_of
from mcp_server.http.problem import Problem
from mcp_server.http.run_requests import AnswerRun, CancelRun, SteerRun, reply_of
from mcp_server.http.runs_api import first_seq_after
from mcp_server.own_runs import own_run
from workflows.runs.errors import InputRejected, RunError
from workflows.runs.events import LastEvent
from workflows.runs.run import Run, Steering

logger = logging.getLogger(__name__)

COMMANDS_PER_SECOND = 10
"""How often one connection may command in the long run; twice as much at once. What a person says enters the log."""
_PIECE = 200
"""Events that are sent before others get a turn."""
LARGEST_MESSAGE = 256 * 1024
"""Bytes of one message of a client; uvicorn closes the connection of who sends more."""


class EventSockets:
    """Answers WebSockets at `/api/runs/{run_id}/ws`.

    Args:
        assembly: The server's parts.
        streams: What all streams share.
    """

    def __init__(self, assembly: Assembly, streams: EventStreams) -> None:
        self._assembly = assembly
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to its end."""
        socket = WebSocket(scope, receive, send)
        try:
            run = await own_run(self._assembly, socket.path_params["run_id"], owner_of(scope))
            after = first_seq_after(socket.headers, socket.query_params, run)
            with self._streams.open.one_more(run.owner):
                await _Conversation(socket, self._assembly, self._streams, run).hold(after)
        except RunError as error:
            await Problem.of(error).response()(scope, receive, send)
        except Problem as problem:
            await problem.response()(scope, receive, send)


class _Conversation:
    """One client and one run.

    Args:
        socket: The connection, not accepted yet.
        assembly: The server's parts.
        streams: What all streams share.
        run: The run.
    """

    def __init__(self, socket: WebSocket, assembly: Assembly, streams: EventStreams, run: Run) -> None:
        self._socket = socket
        self._assembly = assembly
        self._streams = streams
        self._run = run
        self._by = f"{run.owner} over WebSocket"
        self._rate = Rate(COMMANDS_PER_SECOND, 2 * COMMANDS_PER_SECOND)

    async def hold(self, after: int) -> None:
        """Tell events and take commands until one side ends it."""
        await self._socket.accept()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen, tasks.cancel_scope)
                code, reason = await self._tell(after)
                await self._socket.close(code, reason)
                tasks.cancel_scope.cancel()
        except* WebSocketDisconnect:
            pass
        except* TimeoutError:
            logger.warning("a watcher of run %s did not read for long, and is let go", self._run.run_id)
            self._socket.scope["extensions"][ABORT]()  # what it did not read would otherwise be kept for it

    async def _tell(self, after: int) -> tuple[int, str]:
        """Send what there is and will be; why the connection is to be closed then."""
        try:
            is_over = await self._tell_events(after)
        except RunError as error:
            if not self._streams.closing.begun:
                logger.warning("the stream of run %s ends: %s", self._run.run_id, error.message)
                await self._complain(Problem.of(error))
                return 1011, "the log cannot be read"
            is_over = False
        if is_over:
            return 1000, "the run is over"
        if self._streams.closing.begun:
            return 1012, "the server is closing"
        return 1000, "nobody works on the run any more"

    async def _tell_events(self, after: int) -> bool:
        """Send all events; False if they end without the run's last one."""
        async with aclosing(self._assembly.engine.follow(self._run.run_id, after)) as batches:
            async for events in batches:
                for number, data in enumerate(self._streams.frames.objects(events), 1):
                    await self._send(data)
                    if number % _PIECE == 0:
                        await anyio.lowlevel.checkpoint()  # to send waits only for who does not read
                self._streams.metrics.events_sent("websocket", len(events))
                if isinstance(events[-1].body, LastEvent):
                    return True
        return False

    async def _listen(self, scope: anyio.CancelScope) -> None:
        """Obey the client's commands, one after the other, until it goes."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                scope.cancel()
                return
            try:
                await self._obey(message.get("text") or message.get("bytes") or "")
            except RunError as error:
                await self._complain(Problem.of(error))
            except Problem as problem:
                await self._complain(problem)

    async def _obey(self, text: str | bytes) -> None:
        if wait := self._rate.take(""):
            raise too_often(wait, "You are sending commands too often.")
        command = _command(text)
        match command.pop("type", None):
            case "cancel":
                asked = validated(CancelRun, command)
                await self._assembly.engine.cancel(self._run.run_id, by=self._by, reason=asked.reason)
            case "answer":
                reply = reply_of(validated(AnswerRun, command), self._by)
                await self._assembly.engine.answer(self._run.run_id, reply)
            case "steer":
                steering = Steering(text=validated(SteerRun, command).text, by=self._by)
                await self._assembly.engine.steer(self._run.run_id, steering)
            case other:
                raise InputRejected(
                    "type",
                    f"type: there is no command {str(other)[:40]!r}.",
                    recovery=("There is `cancel`, `answer` and `steer`",),
                )

    async def _complain(self, problem: Problem) -> None:
        await self._send(orjson.dumps({**problem.json(), "type": "problem"}))

    async def _send(self, data: bytes) -> None:
        with anyio.fail_after(self._streams.patience.unread):
            await self._socket.send_text(data.decode())


def _command(text: str | bytes) -> dict[str, object]:
    try:
        command: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed_json", f"The message is no JSON: {error}.") from error
    if not isinstance(command, dict):
        raise Problem(400, "malformed_json", "The message must be a JSON object.")
    return cast("dict[str, object]", command)
