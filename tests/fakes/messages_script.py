"""What a scripted model is asked and what it answers, for the fake Messages API.

A script is a function from the request to an answer (it may be async: awaiting something in it holds the answer back).
It should decide from the request alone (who is asked, and which tool results are in the conversation so far); then
the order of the conversations is whatever drives them, and a repeated request gets the same answer. `turns` counts
instead, for "fails first, then answers".
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
from pydantic import JsonValue

from tests.fakes.messages_request import ModelRequest

Json: TypeAlias = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Text:
    """A text block."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A thinking block."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call; its id is given out when it is sent."""

    name: str
    input: Json = field(default_factory=dict[str, JsonValue])


Block: TypeAlias = Text | Thinking | ToolUse


@dataclass(frozen=True, slots=True)
class Reply:
    """A proper answer.

    Attributes:
        blocks: What it is made of.
        piece: How many characters go into one delta.
        stop_reason: Empty: `tool_use` where a tool is called, else `end_turn`.
        unheard_of: Whether events, blocks and deltas of kinds that nobody knows come in between.
    """

    blocks: tuple[Block, ...]
    piece: int = 24
    stop_reason: str = ""
    unheard_of: bool = False

    @property
    def why_it_stops(self) -> str:
        if self.stop_reason:
            return self.stop_reason
        return "tool_use" if any(isinstance(block, ToolUse) for block in self.blocks) else "end_turn"


@dataclass(frozen=True, slots=True)
class Slow:
    """A proper answer whose stream halts until it is told to go on.

    Attributes:
        reply: The answer.
        pauses: After how many characters it halts, and what it waits for. 0 halts before the first delta.
    """

    reply: Reply
    pauses: Mapping[int, anyio.Event]


@dataclass(frozen=True, slots=True)
class CutStream:
    """A stream that breaks off.

    Attributes:
        reply: What it would have been.
        after: How many characters still come; None cuts the last block in half.
        error: Type of the SSE `error` event it ends with; empty: the connection is simply closed.
        until: What it waits for before it breaks off. A client may never show what came right before the break; wait
            for a sign that it has, where that matters.
    """

    reply: Reply
    after: int | None = None
    error: str = ""
    until: anyio.Event | None = None


@dataclass(frozen=True, slots=True)
class Halted:
    """A stream that stops in the middle and stays open until the client hangs up.

    Attributes:
        reply: What it would have been.
        after: How many characters still come.
    """

    reply: Reply
    after: int


@dataclass(frozen=True, slots=True)
class Status:
    """An API error.

    Attributes:
        code: HTTP status.
        message: For people.
        type: The API's error type; empty: the usual one of the status.
        retry_after: Seconds, sent as the header of that name.
    """

    code: int
    message: str = "scripted error"
    type: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Silent:
    """The request is read and never answered; the connection stays open."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Status 200 and a body that is not what the protocol says.

    Attributes:
        body: The body.
        content_type: Its type.
    """

    body: str = 'event: message_start\ndata: {"type":"message_start","message":{"id":\n\n'
    content_type: str = "text/event-stream"


Answer: TypeAlias = Reply | Slow | CutStream | Halted | Status | Silent | Malformed
Script: TypeAlias = Callable[[ModelRequest], Answer | Awaitable[Answer]]


class ScriptFailed(AssertionError):
    """The script has no answer for what it was asked: the conversation did not go as the test says it should."""


def say(text: str) -> Reply:
    """A plain answer."""
    return Reply((Text(text),))


def call(tool: str, /, **arguments: JsonValue) -> Reply:
    """An answer that calls one tool."""
    return Reply((ToolUse(tool, arguments),))


def always(answer: Answer) -> Script:
    """The same answer to everything."""
    return lambda _: answer


def turns(*answers: Answer) -> Script:
    """The nth request of a conversation gets the nth answer, a repeated request the next one."""
    asked: Counter[tuple[str, str]] = Counter()

    def answer(request: ModelRequest) -> Answer:
        turn = asked[request.conversation]
        asked[request.conversation] += 1
        return _nth(answers, turn, "request")

    return answer


def by_step(*answers: Answer) -> Script:
    """A conversation with n tool results gets the nth answer, counted from 0."""
    return lambda request: _nth(answers, request.step, "tool result")


def by_marker(scripts: Mapping[str, Script], *, otherwise: Script | None = None) -> Script:
    """Choose by the first marker found in the system prompt, else in the first user message."""

    def answer(request: ModelRequest) -> Answer | Awaitable[Answer]:
        for where in (request.system, request.prompt):
            for marker, script in scripts.items():
                if marker in where:
                    return script(request)
        if otherwise is None:
            raise ScriptFailed(f"None of {sorted(scripts)} is in the request of session {request.session_id!r}.")
        return otherwise(request)

    return answer


def _nth(answers: tuple[Answer, ...], index: int, what: str) -> Answer:
    if index >= len(answers):
        raise ScriptFailed(f"The script ends before {what} {index}: it has {len(answers)} answers.")
    return answers[index]
