"""How fast the Claude CLI's stream becomes events, beside the least that any reader must do and beside the SDK.

Run with `python -m tests.benchmarks cli_stream`. All read the same bytes in the same 64 KiB pieces, in this process
and without a child process:

* bare: cut at newlines, `orjson.loads`, and nothing else;
* ours: bytes to lines to messages to events, with every fact kept;
* SDK, parsing: the transport of `claude-agent-sdk` as it reads a process (its decoder, framing and JSON), then its
  `parse_message`; nobody can use it in this form, but it is the least it does;
* SDK, as used: its `query()` over the same transport, which adds its control protocol and its queue.

Neither form of the SDK tells events or keeps facts.
"""

import gc
import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median

import anyio
import orjson
from anyio.abc import ByteReceiveStream
from anyio.streams.text import TextReceiveStream
from claude_agent_sdk import ClaudeAgentOptions, query
from claude_agent_sdk._internal import message_parser
from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport

from agents.claude.lines import LineFramer, LineTooLong
from agents.claude.narrate import Narrator
from agents.claude.parser import parse_message
from tests.benchmarks.row import Row

RECORDINGS = Path(__file__).parents[1] / "recordings" / "claude_cli"
MIX = ("06-tools-partial", "05-tools", "09-big-bash-output")
LINES = 100_000
SMALL = 2_000
CHUNK_BYTES = 64 * 1024
ROUNDS = 7


def recorded_stream(lines: int = LINES) -> bytes:
    """Make one long run out of recorded ones: one `init`, then their middles over and over, then one `result`.

    Each repetition has tool call and message ids of its own, so that every call is matched to its own result.
    """
    runs = [(RECORDINGS / f"{name}.jsonl").read_bytes().splitlines(keepends=True) for name in MIX]
    middles = [
        line for run in runs for line in run if b'"subtype":"init"' not in line and b'"type":"result"' not in line
    ]
    stream = [runs[0][0]]
    repetition = 0
    while len(stream) < lines - 1:
        fresh = rb"\g<1>_%06x" % repetition
        stream += [re.sub(rb"(toolu|msg)_[0-9a-f]{6}", fresh, line) for line in middles]
        repetition += 1
    return b"".join([*stream[: lines - 1], runs[0][-1]])


def chunks_of(stream: bytes) -> list[bytes]:
    """Cut a stream into the pieces a pipe would give."""
    return [stream[at : at + CHUNK_BYTES] for at in range(0, len(stream), CHUNK_BYTES)]


def read_bare(chunks: list[bytes]) -> int:
    """Do the least: lines and JSON. Returns the number of objects."""
    tail = b""
    objects = 0
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            orjson.loads(line)
            objects += 1
    return objects


def read_ours(chunks: list[bytes]) -> int:
    """Do all of it. Returns the number of events."""
    framer, narrator = LineFramer(), Narrator(Path("/workspace"))
    events = 0
    for chunk in chunks:
        for line in framer.feed(chunk):
            if not isinstance(line, LineTooLong):
                events += len(narrator.tell(parse_message(line)))
    return events


def parse_with_sdk(chunks: list[bytes]) -> int:
    """Let the SDK parse. Returns the number of messages."""
    return anyio.run(_parse_with_sdk, chunks)


def query_with_sdk(chunks: list[bytes]) -> int:
    """Let the SDK run a query. Returns the number of messages."""
    return anyio.run(_query_with_sdk, chunks)


class _Pieces(ByteReceiveStream):
    """Stands for the pipe of a process: gives its pieces once it is open, then the end."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = deque(chunks)
        self._open = anyio.Event()

    def open(self, first: bytes = b"") -> None:
        """Let the pieces out, after one more."""
        self._chunks.appendleft(first)
        self._open.set()

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        await self._open.wait()
        if not self._chunks:
            raise anyio.EndOfStream
        return self._chunks.popleft()[:max_bytes]

    async def aclose(self) -> None:
        pass


class _EndedProcess:
    """Stands for the process, which has ended well."""

    async def wait(self) -> int:
        return 0


class _MemoryTransport(SubprocessCLITransport):
    """The SDK's own transport, with memory where the process was."""

    def __init__(self, chunks: list[bytes]) -> None:
        super().__init__("", ClaudeAgentOptions())
        self.pieces = _Pieces(chunks)

    async def connect(self) -> None:
        # What the original sets after starting a process.
        vars(self).update(_stdout_stream=TextReceiveStream(self.pieces), _process=_EndedProcess(), _ready=True)

    async def write(self, data: str) -> None:
        """Answer the handshake, the only request that has to be answered."""
        request_id = orjson.loads(data).get("request_id")
        if request_id is not None:
            response: dict[str, object] = {"subtype": "success", "request_id": request_id, "response": {}}
            self.pieces.open(orjson.dumps({"type": "control_response", "response": response}) + b"\n")

    async def end_input(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def _parse_with_sdk(chunks: list[bytes]) -> int:
    transport = _MemoryTransport(chunks)
    await transport.connect()
    transport.pieces.open()
    messages = 0
    async for fields in transport.read_messages():
        messages += message_parser.parse_message(fields) is not None
    return messages


async def _query_with_sdk(chunks: list[bytes]) -> int:
    messages = 0
    async for _ in query(prompt="", transport=_MemoryTransport(chunks)):
        messages += 1
    return messages


def lines_per_second(read: Callable[[list[bytes]], int], chunks: list[bytes], lines: int) -> float:
    """Measure a reader once, in seconds it has used a core for: it waits for nothing, and others do not count."""
    gc.collect()
    began = time.process_time()
    done = read(chunks)
    seconds = time.process_time() - began
    assert done > lines // 4, f"{read.__name__} made {done} of {lines} lines"
    return lines / seconds


def measure(*, small: bool = False) -> list[Row]:
    """Measure all readers on the same stream, in turns; medians over the rounds, of rates and of ratios in a round.

    Args:
        small: As little as makes a figure at all.
    """
    lines, rounds = (SMALL, 1) if small else (LINES, ROUNDS)
    stream = recorded_stream(lines)
    chunks = chunks_of(stream)
    readers = (read_bare, read_ours, parse_with_sdk, query_with_sdk)
    measured = [[lines_per_second(read, chunks, lines) for read in readers] for _ in range(rounds)]
    bare, ours, parsing, used = (median(rates) for rates in zip(*measured, strict=True))

    def beside(name: str, other: int, target: float | None = None) -> Row:
        ratio = median([rates[1] / rates[other] for rates in measured])
        reached = None if target is None else ratio >= target
        return Row(name=name, figure=f"{ratio:.2f} x", target=f">= {target} x" if target else "", reached=reached)

    size = len(stream) / lines
    return [
        Row(name=f"CLI stream, bare: newlines and orjson.loads ({size:.0f} bytes a line)", figure=_rate(bare)),
        Row(name="CLI stream, ours: bytes to events", figure=_rate(ours)),
        beside("CLI stream, ours beside bare", 0, 0.5),
        Row(name="CLI stream, claude-agent-sdk: parsing alone", figure=_rate(parsing)),
        Row(name="CLI stream, claude-agent-sdk: as used", figure=_rate(used)),
        beside("CLI stream, ours beside the SDK's parsing alone", 2),
        beside("CLI stream, ours beside the SDK as used", 3, 3.0),
    ]


def _rate(lines: float) -> str:
    return f"{lines:,.0f} lines/s"
