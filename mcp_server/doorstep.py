"""Answers a client's probe while the SDK is still being imported.

Claude Code (2.1.329) asks `server/discover` first and allows three seconds for the answer; a server that is slower is
spoken to in the older era, in which no call becomes a task. Importing the SDK is most of a start, and on a busy machine
it alone can take that long.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import Future
from io import TextIOWrapper
from threading import Lock, Thread
from typing import Final, cast

from mcp_server.introduction import STATELESS, discovery
from mcp_server.wire import Wire

METHOD: Final = "server/discover"
PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO: Final = "io.modelcontextprotocol/clientInfo"

MOST_BYTES: Final = 4096
"""Of all answers together: for one page every system's pipe has room, so nobody is waited for who does not read."""


class Doorstep:
    """The wire until the server is there: probes are answered, and the first line that is none waits for the server.

    A probe that is not exactly as expected waits as well: what is wrong with it, the SDK says. So do probes after the
    first few, as a client that asks and does not read must not hold the server up.

    Args:
        wire: The claimed wire. Only this reads from it, until `take_over`.
        notice: What clients are told beside how the server is used; empty, or whole lines.
        on_gone: Called if the client closes its end before the server is there; from a thread, and it may not return.

    Attributes:
        notice: What clients are told.
        lines: What follows the first line; to be read when that is known.
        stdout: Descriptor to write to, once the server has taken over.
    """

    def __init__(self, wire: Wire, notice: str, on_gone: Callable[[], None]) -> None:
        self.notice = notice
        self.stdout = wire.stdout
        self._on_gone = on_gone
        self._turn = Lock()
        self._taken_over = False
        self._said_bytes = 0
        self._held = Future[str]()
        self.lines = TextIOWrapper(os.fdopen(wire.stdin, "rb"), encoding="utf-8", errors="replace")
        Thread(target=self._stand, name="doorstep", daemon=True).start()

    def take_over(self) -> bool:
        """From now on the server answers. Returns whether somebody has been answered already."""
        with self._turn:
            self._taken_over = True
            return self._said_bytes > 0

    def first_line(self) -> str:
        """The first line that is not answered yet, empty at the end; waits for it. What follows it is in `lines`.

        Raises:
            OSError: The wire cannot be read.
        """
        return self._held.result()

    def _stand(self) -> None:
        try:
            while self._has_answered(line := self.lines.readline()):
                pass
            with self._turn:
                if not line and not self._taken_over:
                    self._on_gone()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the line is waited for
            self._held.set_exception(error)
        else:
            self._held.set_result(line)

    def _has_answered(self, asked: str) -> bool:
        request_id = _asked(asked)
        with self._turn:
            if self._taken_over or request_id is None:
                return False
            answer = {"jsonrpc": "2.0", "id": request_id, "result": discovery(self.notice)}
            line = json.dumps(answer, separators=(",", ":")).encode() + b"\n"
            if self._said_bytes + len(line) > MOST_BYTES:
                return False
            left = memoryview(line)
            try:
                while left:
                    left = left[os.write(self.stdout, left) :]
            except OSError:  # nobody reads any more: the server finds that out with its own answer, and ends in order
                return False
            self._said_bytes += len(line)
            return True


def _asked(line: str) -> str | int | None:
    """The id of a probe that has nothing wrong about it; None for every other line."""
    if METHOD not in line:
        return None
    try:
        request = cast("object", json.loads(line))
    except (ValueError, RecursionError):
        return None
    fields = _object(request)
    if fields.get("jsonrpc") != "2.0" or fields.get("method") != METHOD:
        return None
    request_id = fields.get("id")
    if not isinstance(request_id, str | int) or isinstance(request_id, bool):
        return None
    return request_id if _is_stateless(_object(_object(fields.get("params")).get("_meta"))) else None


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _is_stateless(meta: dict[str, object]) -> bool:
    """Whether a request says of itself what requests of this version must, as they must."""
    if meta.get(PROTOCOL_VERSION) != STATELESS or not isinstance(meta.get(CLIENT_CAPABILITIES), dict):
        return False
    match meta.get(CLIENT_INFO):
        case None | {"name": str(), "version": str()}:
            return True
        case _:
            return False
